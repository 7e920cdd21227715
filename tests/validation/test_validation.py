import re

import numpy as np
import pytest

from nusky.detector.spectrum import PowerLaw
from nusky.search.injection import Signal
from nusky.search.skymap import spots
from nusky.search.skymap.model import SkyModel
from validation import (
    background,
    coarse_grid,
    corrected,
    coverage,
    hadronic,
    lhaaso,
    local_p,
    null,
    page,
    recovery,
    samples,
    skymap,
    speed,
    stand_in_release,
    three_year,
    transients,
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    samples.write_generated(folder, event_fraction=0.1, seasons=("IC79", "IC86_I"))
    return samples.read_written(folder)


@pytest.fixture(scope="module")
def source():
    return samples.point(5.693)


@pytest.fixture(scope="module")
def experiment(generated, source):
    return samples.experiment(generated, source, 1, "test")


def test_p_values_of_skies_redrawn_in_full_are_uniform(experiment):
    background = experiment.background(range(2000))[:, 0, 2]
    found = null.uniformity(null.full_skies(experiment, 500), background)
    assert found.ks_p_value > 0.01
    assert (found.two_sided > 1e-3).all()


def test_uniformity_notices_another_distribution():
    rng = np.random.default_rng(1)
    background = np.maximum(rng.normal(size=4000), 0) ** 2
    same, signal = (np.maximum(rng.normal(shift, 1, 1000), 0) ** 2 for shift in (0.0, 0.3))
    assert null.uniformity(same, background).ks_p_value > 0.01
    found = null.uniformity(signal, background)
    assert found.ks_p_value < 1e-4
    assert found.two_sided[2] < 1e-3


def test_runs_that_share_skies_are_uniform_and_others_are_not():
    rng = np.random.default_rng(3)
    reference, same = rng.uniform(size=(2, 600)) ** 2, rng.uniform(size=400) ** 2
    assert corrected.uniformity(same, reference[0]) > 0.01
    assert corrected.uniformity(same * 0.6, reference[0]) < 1e-4
    assert corrected.uniformity(np.ones(400), np.ones(600)) > 0.01


def test_an_injected_signal_is_recovered(experiment):
    found, median, covered = recovery.recovery(experiment, 2.5, 60, 120)
    assert found.n_fitted_mean == pytest.approx(60, abs=5 + 3 * found.n_fitted_error)
    assert found.gamma_fitted_mean == pytest.approx(2.5, abs=0.1 + 3 * found.gamma_fitted_error)
    assert median == pytest.approx(2.5, abs=0.1 + 4 * found.gamma_fitted_error)
    assert covered == pytest.approx(0.68, abs=0.14)


def test_every_source_of_the_catalogue_receives_its_share(generated):
    sources = samples.stack("flux")
    _, p_value, freedom = recovery.shares(generated, sources, 2.5, 50_000)
    assert freedom == len(sources) > 120
    assert p_value > 1e-3


@pytest.mark.slow
def test_limits_cover(generated, source, experiment):
    found = list(coverage.coverages(experiment, Signal.of(generated, source, PowerLaw(2.5)), (14.0,), 700))
    assert [one.method for _, one in found] == ["Neyman", "Feldman-Cousins"]
    for at_zero, one in found:
        assert at_zero < 0.1
        assert one.coverage == pytest.approx(0.9, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "n_rows"),
    [
        (lambda: background.make(6, 0.7, 2), 7 + 5 + 6 + 5),
        (lambda: three_year.make(40, (41.0,), (2.5,)), 1),
        (lambda: null.make(40, 60), 4),
        (lambda: coverage.make(100, 60, (5.693,), (2.0,)), 8 + 4),
        (lambda: recovery.make(0.05, 10), 2 * 36 + 1),
        (lambda: hadronic.make(0.01, 30, 30, 10.0, ["km2a-hess"]), 1 + 1 + 1 + 3 + 2),
        (lambda: lhaaso.make(2), 1 + 2),
        (lambda: speed.make(0.01, 1, 20), 22 + 13),
        (lambda: skymap.make(0.01, skymap.Grid(8, 8, 4.0), skymap.Grid(16, 8, 4.0)), 7),
        (lambda: corrected.make(20, 20, 20, 20, 0.02), 5 + 4),
        (lambda: transients.make((10, 5), (40, 20), (4, 2), {transients.GOLD: ((20.0,), 20)}), 18 + 5 + 2 + 5),
        (lambda: local_p.make(0.01, 500, 500, (-29.5, -3.5)), 2),
    ],
    ids=[
        "background",
        "three-year",
        "null",
        "coverage",
        "recovery",
        "hadronic",
        "lhaaso",
        "speed",
        "skymap",
        "corrected",
        "transients",
        "local_p",
    ],
)
def test_a_script_makes_its_page_at_a_reduced_size(validation_data, make, n_rows):
    tables = re.findall(r"^\|.*\n\| ---.*\n((?:\|.*\n)+)", make(), re.MULTILINE)
    rows = [line for table in tables for line in table.splitlines()]
    assert len(rows) == n_rows
    assert not any(re.search(r"\b(nan|inf)\b", line) for line in rows)


def test_cross_validation_prefers_the_truth():
    rng = np.random.default_rng(5)
    log10_energy, sin_dec = rng.normal(3, 0.3, 3000), rng.uniform(-1, 1, 3000)

    def normal(width):
        return lambda *events: lambda at, _: np.exp(-0.5 * ((at - 3) / width) ** 2) / (np.sqrt(2 * np.pi) * width)

    narrow, true, wide = background.held_out(log10_energy, sin_dec, [normal(w) for w in (0.2, 0.3, 0.4)]).sum(axis=1)
    assert true > max(narrow, wide)


def test_densities_are_made_without_the_events_held_out():
    rng = np.random.default_rng(5)
    log10_energy = np.append(rng.normal(3, 0.1, 200), 8.0)
    memory = background.held_out(
        log10_energy, np.zeros(201), [lambda known, _: lambda at, _: np.where(np.isin(at, known), 1.0, 0.1)]
    )
    np.testing.assert_allclose(memory, np.log(0.1))


def test_sources_are_put_into_the_sky_and_spots_beside_them_count(generated):
    rng = np.random.default_rng(8)
    ra, dec = np.array([1.0, 3.0]), np.array([-0.5, 0.4])
    analysis = coarse_grid.sky_with_sources(rng, generated, ra, dec, 2.0, (12.0, 0.0))
    assert 2 < analysis.n_events.sum() - generated.n_events.sum() < 30
    model = SkyModel.of_analysis(analysis)
    strong, none = coarse_grid.highest(model, model.data(), ra, dec)
    assert strong > 20
    assert not none > 20
    near, far = 1.0 + np.radians([1.0, 2.0]) / np.cos(-0.5)
    found = spots.Spots(
        np.array([near, far]), np.full(2, -0.5), np.array([7.0, 50.0]), *(np.zeros(2) for _ in range(3))
    )
    assert coarse_grid._highest_beside(found, 1.0, -0.5) == 7.0
    assert coarse_grid._highest_beside(found, 2.0, -0.5) == 0.0


@pytest.mark.slow
def test_too_coarse_a_grid_is_told():
    text = coarse_grid.make(0.01, [skymap.Grid(16, 8, 4.0)], {2.0: (8.0, 12.0)})
    assert re.search(r"\| 8 \| 2 \| south \| above 10 \| \d+ \| [1-9]\d* \| MISSED \|", text)


def test_cells_of_the_smearing_get_their_grid_back():
    edges = 3 + 0.1 * np.arange(21)
    psf = np.exp(np.linspace(-3, 1, 21))
    picked = [(0, 2, 0), (19, 0, 5), (7, 19, 3)]
    rows = np.array(
        [(2, 3, 0, 90, *edges[[i, i + 1]], *psf[[j, j + 1]], *psf[[k, k + 1]], 1 / 3) for i, j, k in picked]
        + [(3, 4, -90, 0, 3.0, 3.1, *psf[:2], *psf[:2], 1.0)]
    )
    full = stand_in_release.full_grid(rows, np.array([[1, 1], [2, 2]]))
    assert full.shape == (4 * 8000, 11)
    cells = full.reshape(2, 2, 8000, 11)
    for number, expected in (((0, 1), rows[:3]), ((1, 0), rows[3:])):
        kept = cells[number][cells[number][:, 10] > 0]
        order = np.lexsort(expected[:, [8, 6, 4]].T)
        np.testing.assert_allclose(kept, expected[order], atol=1e-6)
    np.testing.assert_array_equal(cells[0, 0][:, 4:], cells[1, 0][:, 4:])
    assert (cells[0, 0][:, :4] == (2, 3, -90, 0)).all()
    assert (cells[..., 5] > cells[..., 4]).all()


def test_the_real_sample_has_every_event(validation_data):
    sample = samples.real(validation_data)
    assert sample.n_events.tolist() == [36_900, 93_133, 136_244]
    assert set(sample.smearings) == {"IC40", "IC79", "IC86_I"}


def test_a_page_is_a_markdown_table():
    text = page.page("name", "Title", "About.", [page.Table("Rows.", ("a", "b"), [(1, "x")])])
    assert text.startswith(
        "# Title\n\nWritten by `python -m validation.name --write`.\n\nAbout.\n\nRows.\n\n| a | b |\n"
    )
    assert text.endswith("| 1 | x |\n")
