"""Light curves from files: what the files say of limits, times and tables is honoured or refused."""

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from nusky.config import CurveColumns, TimeProfile
from nusky.errors import ConfigurationError
from nusky.search.time_profile import GoodRuns
from nusky.stages.inference import profiles_of
from nusky.stages.light_curves import read_light_curve

START = np.array([55000.0, 55010.0, 55020.0])


def curve(**columns):
    return Table({"start_mjd": START, "stop_mjd": START + 10, "flux": [1.0, 4.0, 2.0], **columns})


def written(folder, table, name="curve.csv"):
    table.write(folder / name, format="votable" if name.endswith(".vot") else None)
    return folder / name


@pytest.mark.parametrize(
    "flags",
    [
        ["", "UL", ""],
        ["", "<", ""],
        ["n", "y", "n"],
        ["F", "T", "F"],
        [0.0, 1.0, 0.0],
        ["detection", "upper limit", "detection"],
        ["-", "x", "-"],
        MaskedColumn([False, True, True], mask=[False, False, True]),
    ],
)
def test_flags_of_limits_are_spelled_as_people_spell_them(tmp_path, flags):
    path = written(tmp_path, curve(ul=flags), "curve.ecsv")
    assert read_light_curve(path, CurveColumns(upper_limit="ul")).flux == (1.0, 0.0, 2.0)


@pytest.mark.parametrize(
    ("name", "flags"), [("flux_limit", [0, 1, 0]), ("l_flux", ["", "<", ""]), ("is_upper_limit", [False, True, False])]
)
def test_limits_that_no_key_names_are_refused(tmp_path, name, flags):
    path = written(tmp_path, curve(**{name: flags}), "curve.ecsv")
    with pytest.raises(ConfigurationError, match=rf"column '{name}' says that the flux in row 2 is a limit. Name it"):
        read_light_curve(path, CurveColumns())
    assert read_light_curve(path, CurveColumns(upper_limit=name)).flux == (1.0, 0.0, 2.0)


def test_signs_in_cells_say_limits(tmp_path):
    path = written(tmp_path, curve(flux=["1", "<4", "2"]))
    assert read_light_curve(path, CurveColumns()).flux == (1.0, 0.0, 2.0)


@pytest.mark.parametrize("suffix", ["ecsv", "fits"])
def test_times_of_another_scale_become_utc(tmp_path, suffix):
    table = curve()
    table.meta["TIMESYS"] = "TT"
    found = read_light_curve(written(tmp_path, table, f"curve.{suffix}"), CurveColumns())
    np.testing.assert_allclose(found.edge, np.append(START, 55030) - (32.184 + 34) / 86400, atol=1e-10)


def test_one_of_several_tables_or_columns_is_not_guessed(tmp_path):
    tables = [fits.table_to_hdu(table) for table in (curve(), curve(flux=[7.0, 8.0, 9.0]))]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(tmp_path / "two.fits")
    with pytest.raises(ConfigurationError, match=r"two\.fits: holds 2 tables: .*Give a file with one table\.$"):
        read_light_curve(tmp_path / "two.fits", CurveColumns())
    (tmp_path / "twice.csv").write_text("start_mjd,stop_mjd,flux,flux\n55000,55010,1,2\n")
    with pytest.raises(ConfigurationError, match="more than one column is called 'flux'"):
        read_light_curve(tmp_path / "twice.csv", CurveColumns())


@pytest.mark.parametrize("name", ["curve.csv", "curve.tsv", "curve.vot", "curve.fits"])
def test_formats_are_those_of_source_lists(tmp_path, name):
    if name.endswith("sv"):
        cells = [",".join(curve().colnames), *(",".join(map(str, row)) for row in curve())]
        lines = ["# a light curve", *cells]
        (tmp_path / name).write_text("\n".join(lines).replace(",", "\t" if name.endswith("tsv") else ","))
    else:
        written(tmp_path, curve(), name)
    found = read_light_curve(tmp_path / name, CurveColumns())
    assert (found.edge, found.flux) == ((55000, 55010, 55020, 55030), (1.0, 4.0, 2.0))


@pytest.mark.parametrize("lag", [0.0, [0.0, 5.0]])
def test_the_unit_of_the_flux_changes_nothing(tmp_path, lag):
    """Fluxes of neutrinos are about the peak, durations the fluence over that at the peak."""
    sources = pa.table({"name": ["A", "B"]})
    for name, unit in (("A", 1.0), ("B", 1e-7)):
        written(tmp_path, curve(flux=unit * np.array([1.0, 4.0, 2.0])), f"{name}.csv")
    settings = TimeProfile(profile="light-curve", file="{name}.csv", lag_days=lag)
    one, other = profiles_of(settings, sources, tmp_path)
    assert one.total(54000, 56000) == pytest.approx(10 * (1 + 4 + 2) / 4)
    assert other.exposure(GoodRuns.of(55000, 55015)) == pytest.approx(10 * 1 / 4 + 5)
    np.testing.assert_allclose(one([55005, 55015, 55025]), [0.25, 1, 0.5])
