from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u

from nusky import config
from nusky.conventions import PARAMETERS
from nusky.detector.configured import of_stack, spectra_of, spectrum_from, spectrum_of, spectrum_of_text
from nusky.detector.spectrum import (
    KINDS,
    BrokenPowerLaw,
    CutoffPowerLaw,
    LogParabola,
    PowerLaw,
    SourceSpectra,
)
from nusky.errors import CatalogueError, ConfigurationError, PhysicsError

SOURCES = pa.table(
    {"name": ["a", "b c"], "cut": [1e4, 1e5], "index": [2.0, 2.5], "gap": [1.0, np.nan], "word": ["x", "y"]}
)
TABLE = "energy [TeV],flux [1/(TeV cm2 s)]\n1,{}\n10,1\n"


def block(**keys):
    return config.Spectrum.model_validate(keys)


def test_every_spectrum_can_be_configured():
    assert set(config.SHAPES) == set(KINDS)
    for shape, keys in config.SHAPES.items():
        own = {f.name for f in fields(KINDS[shape])} - {"log10_limits", "fit", "fit_limits", "gamma"}
        assert shape == "table" or set(keys) == own


def test_what_can_be_fitted_and_where_is_the_same_in_a_configuration():
    able = {key: bounds for kind in KINDS.values() for key, bounds in kind.BOUNDS.items()}
    assert set(able) == set(config.FIT_RANGES) == {*PARAMETERS, "gamma"}
    for key, bounds in able.items():
        ends = np.log10(config.FIT_RANGES[key]) if key.endswith("_gev") else config.FIT_RANGES[key]
        assert tuple(ends) == pytest.approx(bounds)


def test_another_parameter_than_the_index_is_fitted_in_its_range():
    keys = {"shape": "cutoff-power-law", "gamma": 2.2, "cutoff_gev": 3e4, "fit": "cutoff_gev"}
    spectrum = spectrum_of(block(**keys))
    assert spectrum == CutoffPowerLaw(2.2, 3e4, fit="cutoff_gev")
    assert block(**keys).fitted == "cutoff_gev"
    narrow = spectrum_of(block(**keys, fit_min=1e4, fit_max=1e6))
    assert [made.cutoff_gev for made in narrow.grid(3)] == pytest.approx([1e4, 1e5, 1e6])
    assert narrow.quoted([2.0, 3.0]) == [np.log10(3e4)]
    assert spectrum_of_text("cutoff:gamma=2.2,cutoff=30TeV,fit=cutoff,fit_min=10TeV,fit_max=1PeV") == narrow
    index = spectrum_of(block(fit="gamma", fit_max=3))
    assert [made.gamma for made in index.grid(3)] == [1.0, 2.0, 3.0]
    sources = spectra_of(block(**keys | {"gamma": "index"}), SOURCES)
    stack = of_stack(sources).at(5.0)
    assert [own.cutoff_gev for own in stack.own] == [1e5, 1e5]
    assert stack.quoted_words == "2 spectra of 2 sources, cutoff_gev 100000"
    assert [block(**own).fitted for own in ({}, {"gamma": 2}, {"shape": "table", "file": "x.csv"})] == ["gamma", "", ""]


CUT = {"shape": "cutoff-power-law", "gamma": 2, "cutoff_gev": 1e4}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"fit": "cutoff_gev"}, "`fit: cutoff_gev` is not possible for this power-law; gamma can be fitted"),
        ({"gamma": 2, "fit": "curvature"}, "not possible for this power-law; it has nothing that can be fitted"),
        ({"fit": "sharpness"}, "must be 'gamma', 'cutoff_gev'"),
        (CUT | {"fit": "gamma"}, "`fit: gamma`, as it is given, is not possible .*; cutoff_gev can be fitted"),
        (CUT | {"fit": "break_gev"}, "cutoff_gev can be fitted"),
        (CUT | {"fit": "cutoff_gev", "gamma": None}, "give `gamma` a value, too"),
        (CUT | {"fit": "cutoff_gev", "cutoff_gev": "cut"}, "`cutoff_gev` must be a number, no column"),
        (CUT | {"fit": "cutoff_gev", "fit_min": 1e5, "fit_max": 1e4}, r"fit_min \(100000\) must be below fit_max"),
        (CUT | {"fit": "cutoff_gev", "fit_min": 1e9}, "fit_min .* must be below fit_max"),
        (CUT | {"fit": "cutoff_gev", "fit_min": -5}, "must be above 0: cutoff_gev is an energy"),
        (CUT | {"fit": "cutoff_gev", "fit_min": 2e4}, "fitted from 20000 to 1e[+]08; its own value, 10000, is outside"),
        (CUT | {"fit_max": 1e5}, "fit_min and fit_max are the range of a `fit`"),
        ({"shape": "table", "file": "x.csv", "fit": "gamma"}, "it has nothing that can be fitted"),
    ],
)
def test_a_fit_that_makes_no_sense_is_refused(keys, message):
    with pytest.raises(ConfigurationError, match=message):
        config.parse({"run": "x", "catalogues": {"wcda-hess": {"spectrum": keys}}})


def test_the_map_and_profiles_are_about_an_index():
    given = {"run": "x", "catalogues": {"wcda-hess": {}}, "spectrum": CUT | {"fit": "cutoff_gev"}}
    with pytest.raises(ConfigurationError, match=r"`spectrum\.fit: cutoff_gev`: the map fits the index"):
        config.parse(given | {"skymap": {}})
    with pytest.raises(ConfigurationError, match="profiles` are over flux and index, but cutoff_gev is fitted for"):
        config.parse(given | {"inference": {"profiles": True}})
    assert config.parse(given | {"inference": {}}).spectrum_of("wcda-hess").fitted == "cutoff_gev"


def test_a_common_spectrum_takes_the_index_it_is_asked_at():
    spectrum = spectrum_of(block(shape="cutoff-power-law", cutoff_gev="1e5", energy_min_gev=1e3))
    assert spectrum.at(2.5) == CutoffPowerLaw(2.5, 1e5, log10_limits=(3.0, np.inf))
    assert spectra_of(block(), SOURCES).at(3.0) == of_stack(PowerLaw(2.0)).at(3.0) == PowerLaw(3.0)


def test_columns_give_every_source_its_own():
    made = spectra_of(block(shape="cutoff-power-law", cutoff_gev="cut", gamma="index"), SOURCES)
    assert made == (CutoffPowerLaw(2.0, 1e4, fit=""), CutoffPowerLaw(2.5, 1e5, fit=""))
    stack = of_stack(made, np.array([1, 0]), [3.0, 1.0])
    assert stack == SourceSpectra.of(made[::-1], [3.0, 1.0])
    assert stack.quoted([2.0, 3.0]) == [0.0]
    shared = of_stack(spectra_of(block(shape="cutoff-power-law", cutoff_gev="cut"), SOURCES))
    assert shared.quoted([2.0, 3.0]) == [2.0, 3.0]
    assert shared.at(3.0).own == (CutoffPowerLaw(3.0, 1e4), CutoffPowerLaw(3.0, 1e5))


def test_files_give_every_source_its_own(tmp_path):
    for name, flux in (("a", 3), ("b c", 4)):
        (tmp_path / f"{name}.csv").write_text(TABLE.format(flux))
    settings = block(shape="table", file="{name}.csv")
    made = spectra_of(settings, SOURCES, tmp_path)
    assert [spectrum.shape(1e3) for spectrum in made] == pytest.approx([3e-3, 4e-3])
    assert block(shape="table", file=str(tmp_path / "{name}.csv")).files == [
        str(tmp_path / n) for n in ("a.csv", "b c.csv")
    ]
    (tmp_path / "b c.csv").unlink()
    with pytest.raises(ConfigurationError, match=r"source 'b c': .*b c\.csv: no such file"):
        spectra_of(settings, SOURCES, tmp_path)
    (tmp_path / "b c.csv").write_text(TABLE.format(-1))
    with pytest.raises(ConfigurationError, match=r"source 'b c': .* flux number 1 is -"):
        spectra_of(settings, SOURCES, tmp_path)


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"gamma": "none"}, CatalogueError, "no column 'none'.*it has name, cut"),
        ({"gamma": "gap"}, CatalogueError, "source 'b c' has no gamma: column 'gap' is empty there"),
        ({"gamma": "word"}, ConfigurationError, "column 'word' of the catalogue holds no numbers"),
        ({"shape": "log-parabola", "curvature": "gap"}, CatalogueError, "source 'b c' has no curvature"),
    ],
)
def test_a_source_without_its_parameter_is_named(keys, error, message):
    with pytest.raises(error, match=message):
        spectra_of(block(**keys), SOURCES)


def test_a_range_outside_the_table_is_refused(tmp_path):
    (tmp_path / "flux.csv").write_text(TABLE.format(1))
    with pytest.raises(PhysicsError, match=r"flux\.csv: it has no flux at"):
        spectrum_of(block(shape="table", file="flux.csv", energy_min_gev=1e5), tmp_path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"shape": "table"}, "a table needs `file`"),
        ({"shape": "cutoff-power-law"}, "a cutoff-power-law needs `cutoff_gev`"),
        ({"cutoff_gev": 1e4}, "`cutoff_gev` does not belong to a power-law"),
        ({"shape": "broken-power-law", "gamma_above": 3, "break_gev": -1}, "must be above 0"),
        ({"shape": "table", "file": "x.csv", "gamma": "index"}, "a table has no `gamma`"),
        ({"energy_min_gev": 1e5, "energy_max_gev": 1e4}, "energy_min_gev must be below"),
        ({"gamma": "index"}, "belong into the `spectrum` of a catalogue"),
    ],
)
def test_what_a_configuration_may_not_say(keys, message):
    with pytest.raises(ConfigurationError, match=message):
        config.parse({"run": "x", "spectrum": keys, "catalogues": {"wcda-hess": {}}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("power-law", PowerLaw(2.0)),
        ("power-law:gamma=2.5", PowerLaw(2.5, fit="")),
        ("cutoff:gamma=2,cutoff=100TeV", CutoffPowerLaw(2.0, 1e5, fit="")),
        (" cutoff-power-law : cutoff = 0.1 PeV ", CutoffPowerLaw(2.0, 1e5)),
        ("cutoff:cutoff_gev=1e5,fit=gamma", CutoffPowerLaw(2.0, 1e5)),
        ("cutoff:gamma=2.2,cutoff=30TeV,fit=cutoff", CutoffPowerLaw(2.2, 3e4, fit="cutoff_gev")),
        ("broken:gamma=2,gamma_above=3,break=1PeV,fit=break", BrokenPowerLaw(2.0, 3.0, 1e6, fit="break_gev")),
        ("log:gamma=2,curvature=0.1,fit=curvature", LogParabola(2.0, 0.1, fit="curvature")),
        ("log:curvature=0.1,energy_max=10TeV", LogParabola(2.0, 0.1, log10_limits=(-np.inf, 4.0))),
    ],
)
def test_a_text_is_the_spectrum_that_it_says(text, expected):
    assert spectrum_of_text(text) == expected
    assert spectrum_from(text) == spectrum_from(expected) == expected


def test_a_text_may_be_the_name_of_a_table(tmp_path):
    (tmp_path / "flux.csv").write_text(TABLE.format(3))
    found = spectrum_of_text("flux.csv", tmp_path)
    assert found == spectrum_of_text("table:file=flux.csv", tmp_path)
    assert found.shape(1e3) == pytest.approx(3e-3)
    cut = spectrum_of_text("flux.csv:energy_min=2TeV", tmp_path)
    assert cut.log10_limits == pytest.approx((np.log10(2e3), 4.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins with none of power-law"),
        ("exponential", "begins with none of power-law"),
        ("cutoff", "needs `cutoff_gev`"),
        ("cutoff:cutoff=100", "cutoff = 100 has no unit"),
        ("cutoff:cutoff=100m", "cutoff = 100m is no energy"),
        ("cutoff:cutoff=TeV100", "'TeV100' is no energy"),
        ("cutoff:cutoff=-1TeV", "cutoff_gev.*above 0"),
        ("cutoff:cutoff=nanTeV", "cutoff_gev.*finite"),
        ("cutoff:cutoff=infTeV", "finite"),
        ("cutoff:cutoff=1TeV,cutoff=2TeV", "'cutoff' stands there twice"),
        ("cutoff:cutoff=1TeV,cutoff_gev=1000", "'cutoff_gev' stands there twice"),
        ("cutoff:cutoff=1TeV,gamma", "'gamma' is no KEY=VALUE"),
        ("cutoff:cutoff=1TeV,gama=2", "unknown key; did you mean `gamma`"),
        ("cutoff:cutoff=1TeV,gamma=-2", "leave the minus sign out"),
        ("cutoff:cutoff=1TeV,gamma=steep", "gamma = 'steep' is no number"),
        ("cutoff:cutoff=1TeV,curvature=1", "does not belong to a cutoff-power-law"),
        ("cutoff:cutoff=1TeV,fit=cutoff", "give `gamma` a value"),
        (
            "cutoff:gamma=2,cutoff=1TeV,fit=gamma",
            "`fit: gamma`, as it is given, is not possible .*; cutoff_gev can be fitted",
        ),
        ("power-law:gamma=2,fit=cutoff", "nothing that can be fitted"),
        ("cutoff:gamma=2,cutoff=1GeV,fit=cutoff", "from 1000 to 1e.08; its own value, 1, is outside"),
        ("power-law:energy_min=2TeV,energy_max=1TeV", "energy_min_gev must be below"),
        ("nowhere.csv", "nowhere.csv: no such file"),
        ("table:file={name}.csv", "belongs into the `spectrum` of a catalogue"),
    ],
)
def test_a_text_that_is_no_spectrum_is_told_what_is_wrong(text, message):
    with pytest.raises(ConfigurationError, match=message):
        spectrum_of_text(text)


def test_the_model_of_another_program_is_tabulated_where_it_has_a_flux():
    class Model:
        def __call__(self, energy):
            x = (energy / (100 * u.TeV)).to_value("")
            return np.where(x < 1, 3e-20 * x**-2.3, 0.0) * u.Unit("TeV-1 cm-2 s-1")

    found = spectrum_from(Model())
    energy = np.array([150.0, 2e3, 9e4])
    np.testing.assert_allclose(found.shape(energy), 3e-23 * (energy / 1e5) ** -2.3, rtol=1e-9)
    assert found.log10_limits == pytest.approx((2.0, 5.0), abs=0.01)
    assert found.words == "Model"
    for wrong in (
        lambda energy: energy,
        lambda energy: 1 / 0,
        lambda e: 0 * u.Unit("TeV-1 cm-2 s-1") * np.ones(len(e)),
    ):
        with pytest.raises(PhysicsError, match=r"no dN/dE|no flux above 0"):
            spectrum_from(wrong)
    with pytest.raises(PhysicsError, match="give one of"):
        spectrum_from(2.0)


def test_an_index_of_the_run_is_fixed_by_one_key():
    assert spectrum_of(block(gamma=2.2)) == PowerLaw(2.2, fit="")
    given = {"run": "x", "catalogues": {"wcda-hess": {}}, "spectrum": {"gamma": 2.2}}
    assert config.parse(given).spectrum.gamma == 2.2
    for name in ("inference", "skymap"):
        with pytest.raises(ConfigurationError, match=f"`spectrum.gamma` and `{name}.gamma` both fix the index"):
            config.parse(given | {name: {"gamma": 2.0}})
