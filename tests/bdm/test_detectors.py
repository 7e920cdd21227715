import itertools

import numpy as np
import pytest
import yaml
from scipy.integrate import quad
from scipy.stats import norm

from nusky.bdm.detectors import DETECTORS, Detector, Resolution, load_detector
from nusky.errors import ConfigurationError

AVOGADRO = 6.02214076e23
MINE = {
    "title": "Mine",
    "targets": {"electron": {"number": 1e30}},
    "start_year": 2000,
    "stop_year": 2010.5,
    "live_fraction": 0.5,
    "window_mev": [2.0, 12.0],
    "efficiency": 0.8,
    "background": {"per_year": 30},
}


def written(tmp_path, **changes):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINE | changes))
    return path


@pytest.mark.parametrize("name", DETECTORS)
def test_every_number_that_comes_with_nusky_has_a_source(name):
    detector = load_detector(name)
    given = set(detector.model_fields_set) - {"title", "sources", "approximate", "observed"}
    assert given == set(detector.sources)
    assert detector.live_years > 0


@pytest.mark.parametrize(
    ("name", "grams", "electrons_per_gram"),
    [
        ("super-k", 22.5e9, 10 / 18.015),
        ("hyper-k", 187e9, 10 / 18.015),
        ("juno", 16.2e9, 0.12 / 1.008 + 0.88 * 6 / 12.011),
        ("dune", 40e9, 18 / 39.948),
        ("xenonnt", 4.37e6, 44 / 131.293),
    ],
)
def test_numbers_of_electrons_are_those_of_the_fiducial_mass(name, grams, electrons_per_gram):
    assert load_detector(name).number("electron") == pytest.approx(grams * electrons_per_gram * AVOGADRO, rel=2e-3)


def test_a_file_of_ones_own(tmp_path):
    detector = load_detector(written(tmp_path, efficiency=[[3, 0.0], [5, 0.9], [8, 0.7]]))
    assert detector.live_years == pytest.approx(5.25)
    np.testing.assert_allclose(detector.kept([1, 3, 4, 5, 6.5, 100]), [0, 0, 0.45, 0.9, 0.8, 0.7])
    np.testing.assert_allclose(detector.acceptance([1.9, 2.5, 4, 11.9, 12], (2, 12)), [0, 0, 0.45, 0.7, 0])
    assert detector.target_mass("electron") == 0.511


@pytest.mark.parametrize("combine", ["sum", "quadrature"])
def test_acceptance_is_the_integral_of_the_resolution(tmp_path, combine):
    terms = {"constant_mev": 0.2, "sqrt_mev": 0.3, "linear": 0.05}
    detector = load_detector(written(tmp_path, resolution={**terms, "combine": combine}))
    for recoil in (0.9, 2.0, 5.0, 12.0, 14.0):
        parts = np.array([0.2, 0.3 * np.sqrt(recoil), 0.05 * recoil])
        width = parts.sum() if combine == "sum" else np.sqrt((parts**2).sum())
        assert detector.resolution.width(np.array(recoil)) == pytest.approx(width, rel=1e-14)
        expected = 0.8 * (norm.cdf(12, recoil, width) - norm.cdf(2, recoil, width))
        assert detector.acceptance(recoil, (2, 12)) == pytest.approx(expected, rel=1e-9)
        whole = quad(lambda e, r=recoil: float(detector.density(np.array(r), e)), 2, 12, points=[recoil], limit=200)[0]
        assert whole == pytest.approx(expected, rel=1e-6)
    inside = detector.pieces((2, 12))
    assert (np.diff(inside) > 0).all()
    assert detector.acceptance(np.array([inside[0] / 1.0001, inside[-1] * 1.0001]), (2, 12)).max() < 1e-15


def test_background_is_shared_by_its_shape(tmp_path):
    flat = load_detector(written(tmp_path))
    np.testing.assert_allclose(flat.background_events(np.array([2.0, 4.0, 12.0])), [6, 24])
    assert flat.background_density(3.0) == pytest.approx(3.0)
    assert flat.background_density(12.5) == 0
    falling = load_detector(written(tmp_path, background={"per_year": 30, "spectrum": [[1, 11], [12, 0]]}))
    edges = np.array([2.0, 3.3, 7.0, 12.0])
    expected = [quad(lambda e: 30 * (12 - e) / 50, a, b)[0] for a, b in itertools.pairwise(edges)]
    np.testing.assert_allclose(falling.background_events(edges), expected, rtol=1e-12)
    assert falling.background_density(4.0) == pytest.approx(30 * 8 / 50)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"eficiency": 1}, r"in `eficiency`: unknown key; did you mean `efficiency`\?"),
        ({"targets": {"electron": {"number": 0}}}, r"in `targets.electron.number`: must be above 0 \(given: 0\)"),
        ({"targets": {"iron": {"number": 1e30}}}, "targets.iron.mass_mev` is needed"),
        ({"window_mev": [12, 2]}, "`window_mev` must ascend"),
        ({"window_mev": [0, 2]}, r"in `window_mev.0`: must be above 0"),
        ({"stop_year": 1999}, "`start_year` = 2000 must be before `stop_year` = 1999"),
        ({"live_fraction": 1.5}, r"in `live_fraction`: must be at most 1 \(given: 1.5\)"),
        ({"efficiency": [[5, 0.9], [3, 0.1]]}, "in `efficiency`: .*energies that ascend"),
        ({"efficiency": 1.2}, "in `efficiency"),
        ({"background": {"per_year": 1, "spectrum": [[3, 1], [12, 1]]}}, "must cover the window of 2 to 12 MeV"),
        ({"background": {"per_year": 1, "spectrum": [[2, 0], [12, 0]]}}, "is 0 in the whole window"),
        ({"observed": -1}, "in `observed`"),
        ({"background": {"per_year": float("nan")}}, "in `background.per_year`"),
        ({"sources": {"windw": "a paper"}}, "name 'windw', which is no key"),
        ({"resolution": {"combine": "product"}}, "in `resolution.combine`"),
    ],
)
def test_a_mistake_is_told_with_its_key(tmp_path, changes, message):
    path = written(tmp_path, **changes)
    with pytest.raises(ConfigurationError, match=message) as told:
        load_detector(path)
    assert str(path) in str(told.value)


def test_a_missing_key_an_unknown_detector_and_an_unknown_target(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in MINE.items() if key != "window_mev"}))
    with pytest.raises(ConfigurationError, match="in `window_mev`: this key is required"):
        load_detector(path)
    with pytest.raises(ConfigurationError, match="no detector 'superk'; there are super-k"):
        load_detector("superk")
    with pytest.raises(ConfigurationError, match="has no targets 'proton'; there are electron"):
        load_detector("super-k").number("proton")
    with pytest.raises(ConfigurationError, match="background is not known"):
        Detector.model_validate(MINE | {"background": None}).background_density(3.0)


def test_a_detector_without_resolution_is_sharp():
    assert Detector.model_validate(MINE).sharp
    assert not Detector.model_validate(MINE | {"resolution": Resolution(linear=0.1)}).sharp
