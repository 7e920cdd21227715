from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from nusky import config
from nusky.detector.configured import of_stack, spectra_of, spectrum_of
from nusky.detector.spectrum import KINDS, CutoffPowerLaw, PowerLaw, SourceSpectra
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
        own = {f.name for f in fields(KINDS[shape])} - {"log10_limits", "fit", "gamma"}
        assert shape == "table" or set(keys) == own


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
    with pytest.raises(ConfigurationError, match=r"source 'b c': .*b c\.csv: cannot be read"):
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
