"""Windows in source lists: what makes no sense is refused with file, row and column; units become days."""

import pytest
from astropy import units as u
from astropy.table import Table

from nusky.catalogues.build import build_catalogue
from nusky.config import Catalogue
from nusky.errors import CatalogueError

BOX = {"profile": "box", "start_mjd": "begin", "stop_mjd": "end"}
BURST = {"profile": "box", "centre_mjd": "t0", "duration_days": "length"}
GOOD = "name,ra_deg,dec_deg,begin,end\nA,10,20,55000,55100\nB,11,21,55010.5,55110\n"


def build(path, time):
    return build_catalogue(Catalogue(lists=[{"file": str(path)}], time=time), "mine")


def written(folder, text):
    (folder / "list.csv").write_text(text)
    return folder / "list.csv"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "55110",
            "55010.5",
            r"list.csv: row 2: the window of 'B' stops at MJD 55010.5 \(column 'end'\), not after its",
        ),
        ("55110", "54000", r"stops at MJD 54000 .* start at 55010.5 \(column 'begin'\). Are the columns exchanged"),
        ("55110", "2455110.5", r"row 2: `time.stop_mjd` of 'B' \(column 'end'\) = 2455110.5 .*Julian date: subtract"),
        ("55010.5", "2009.5", r"row 2: `time.start_mjd` of 'B' \(column 'begin'\) = 2009.5 .*looks like a year"),
        ("55010.5", "", r"row 2: column 'begin' is empty, but `time.start_mjd` of 'B' stands there"),
        ("55010.5", "--", r"row 2: column 'begin' is empty"),
        ("55110", "100 d", r"row 2: '100 d' in column 'end' is not a plain number"),
        ("55110", "2009-10-06", r"row 2: '2009-10-06' in column 'end' .* looks like a date: give MJD"),
        ("55110", "<55110", r"row 2: end is a limit, but `time.stop_mjd` names it"),
        ("55110", "inf", r"row 2: `time.stop_mjd` of 'B' \(column 'end'\) = inf is no MJD"),
        (
            "begin",
            "start",
            r"`time.start_mjd` names the column 'begin', which this list does not have; there are .*start",
        ),
        ("begin", "begin", None),
    ],
)
def test_bad_windows(tmp_path, old, new, message):
    path = written(tmp_path, GOOD.replace(old, new))
    if message is None:
        assert build(path, BOX)[0]["begin"].to_pylist() == [55000, 55010.5]
        return
    with pytest.raises(CatalogueError, match=message):
        build(path, BOX)


def test_numbers_of_the_configuration_are_checked_with_the_list(tmp_path):
    path = written(tmp_path, GOOD)
    with pytest.raises(CatalogueError, match=r"in the configuration\) = 2455010 .*Julian date"):
        build(path, {"profile": "box", "start_mjd": 2455010.0, "duration_days": 3.0})
    with pytest.raises(CatalogueError, match=r"row 1: `time.width_days` of 'A' \(in the configuration\) = -2 must be"):
        build(path, {"profile": "gaussian", "centre_mjd": "begin", "width_days": -2.0})


@pytest.mark.parametrize(
    ("time", "value", "message"),
    [
        (BURST, 1e-14, "`time.duration_days` of 'A' .* = 1e-14 d is no time from 1e-09 to 60000 d"),
        (BURST, 59_999, "row 1: start of the window of 'A', 59999 d long, = 25000.5 is no MJD"),
        ({"profile": "box", "start_mjd": "t0", "duration_days": "length"}, 5e4, "stop of the window of 'A'.* = 105000"),
        ({"profile": "gaussian", "centre_mjd": "t0", "width_days": "length"}, 1e300, r"= 1e\+300 d is no time"),
        ({"profile": "flare", "shortest_days": 1e-300, "longest_days": "length"}, 3, "= 1e-300 d is no time"),
        ({"profile": "decay", "start_mjd": "t0", "timescale_days": 3.0, "power": "length"}, 1e3, "must be at most 100"),
        (BURST | {"centre_mjd": "name"}, 3, "names the column 'name', which holds no numbers"),
    ],
)
def test_durations_out_of_all_bounds_are_refused(tmp_path, time, value, message):
    path = written(tmp_path, f"name,ra_deg,dec_deg,t0,length\nA,10,20,55000,{value}\n")
    with pytest.raises(CatalogueError, match=message):
        build(path, time)


@pytest.mark.parametrize(
    ("description", "factor"),
    [("duration in seconds", 1 / 86400), ("T90 [s]", 1 / 86400), ("length of a flare", 1), ("hours", 1 / 24)],
)
def test_units_in_descriptions_become_days(tmp_path, description, factor):
    table = Table({"name": ["A"], "ra_deg": [10.0], "dec_deg": [20.0], "t0": [55000.0], "length": [3.0]})
    table["length"].info.description = description
    table.write(tmp_path / "list.ecsv")
    assert build(tmp_path / "list.ecsv", BURST)[0]["length"].to_pylist() == pytest.approx([3 * factor])


@pytest.mark.parametrize(
    ("header", "time", "message"),
    [
        (
            "log10(T90)",
            BURST | {"duration_days": "log10(T90)"},
            "'log10.T90.' holds logarithms, .*`time.duration_days`",
        ),
        (
            "FWHM_days",
            {"profile": "gaussian", "centre_mjd": "t0", "width_days": "FWHM_days"},
            "'FWHM_days' holds full widths, .*`time.width_days` is the width .sigma. .* by 2.355",
        ),
    ],
)
def test_names_that_say_another_measure_are_refused(tmp_path, header, time, message):
    path = written(tmp_path, f"name,ra_deg,dec_deg,t0,{header}\nA,10,20,55000,3\n")
    with pytest.raises(CatalogueError, match=message):
        build(path, time)


@pytest.mark.parametrize("header", ["start_jd", "JD", "T0 (HJD)", "julian_date"])
def test_a_column_of_julian_dates_is_no_mjd(tmp_path, header):
    path = written(tmp_path, f"name,ra_deg,dec_deg,{header},length\nA,10,20,55000,3\n")
    with pytest.raises(CatalogueError, match=r"says Julian dates, but `time\.centre_mjd` names it"):
        build(path, BURST | {"centre_mjd": header})


@pytest.mark.parametrize(
    ("description", "says"),
    [("JD - 2400000", True), ("Modified Julian Date", False), ("JD - 2400000.5", False), ("BJD as MJD", False)],
)
def test_descriptions_of_times_count(tmp_path, description, says):
    table = Table({"name": ["A"], "ra_deg": [10.0], "dec_deg": [20.0], "t0": [55000.0], "length": [3.0]})
    table["t0"].info.description = description
    table.write(tmp_path / "list.ecsv")
    if not says:
        assert build(tmp_path / "list.ecsv", BURST)[0]["t0"].to_pylist() == [55000.0]
        return
    with pytest.raises(CatalogueError, match=r"description of column 't0' says Julian dates, but `time\.centre_mjd`"):
        build(tmp_path / "list.ecsv", BURST)


def stating(tmp_path, suffix, key, value):
    """A list of one burst whose header says something of its times."""
    table = Table({"name": ["A"], "ra_deg": [10.0], "dec_deg": [20.0], "t0": [55000.0], "length": [3.0]})
    path = tmp_path / f"list.{suffix}"
    if suffix == "vot":
        table.write(path, format="votable")
        said = f'<TIMESYS ID="t" {"timescale" if key == "TIMESYS" else key}="{value}"/>'
        path.write_text(path.read_text().replace("<RESOURCE", f"{said}<RESOURCE", 1))
    elif suffix == "csv":
        path.write_text(f"# {key} = {value}\nname,ra_deg,dec_deg,t0,length\nA,10,20,55000,3\n")
    else:
        table.meta[key] = value
        table.write(path)
    return path


AHEAD = {"TT": 32.184 + 34, "TAI": 34, "TDT": 32.184 + 34, "GPS": 15, "UTC": 0, "TT(BIPM)": 32.184 + 34}
"""Seconds that scales of time were ahead of UTC in June 2009."""


@pytest.mark.parametrize("scale", AHEAD)
@pytest.mark.parametrize("suffix", ["ecsv", "fits", "vot"])
def test_times_of_another_scale_become_utc(tmp_path, scale, suffix):
    made, report = build(stating(tmp_path, suffix, "TIMESYS", scale), BURST)
    assert made["t0"].to_pylist() == pytest.approx([55000 - AHEAD[scale] / 86400], abs=1e-10)
    assert any("converted to UTC" in note for note in report["notes"]) == (scale != "UTC")


@pytest.mark.parametrize(("header", "ahead"), [("T0 (TT)", 66.184), ("mjd_tdb", 66.184), ("t_utc", 0)])
def test_names_say_the_scale_of_times(tmp_path, header, ahead):
    path = written(tmp_path, f"# All times are TAI\nname,ra_deg,dec_deg,{header},length\nA,10,20,55000,3\n")
    made = build(path, BURST | {"centre_mjd": header})[0]
    assert made[header].to_pylist() == pytest.approx([55000 - ahead / 86400], abs=1e-7)  # TDB is within 2 ms of TT


def test_a_scale_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(CatalogueError, match=r"column 't0' are of the scale 'LOCAL', .*TIMESYS = LOCAL.*MJD in UTC"):
        build(stating(tmp_path, "fits", "TIMESYS", "LOCAL"), BURST)


@pytest.mark.parametrize(
    ("suffix", "key", "value", "at_the_earth"),
    [
        ("fits", "TIMEREF", "SOLARSYSTEM", False),
        ("fits", "TREFPOS", "BARYCENTER", False),
        ("ecsv", "TIMEREF", "HELIOCENTRIC", False),
        ("vot", "refposition", "BARYCENTER", False),
        ("csv", "TIMEREF", "SOLARSYSTEM", False),
        ("fits", "TIMEREF", "LOCAL", True),
        ("fits", "TREFPOS", "GEOCENTER", True),
        ("vot", "refposition", "TOPOCENTER", True),
        ("csv", "redshifts", "heliocentric, at the date of the observation", True),
    ],
)
def test_times_that_are_not_those_at_the_earth_are_refused(tmp_path, suffix, key, value, at_the_earth):
    path = stating(tmp_path, suffix, key, value)
    if at_the_earth:
        assert build(path, BURST)[0]["t0"].to_pylist() == [55000.0]
    else:
        with pytest.raises(CatalogueError, match=rf"column 't0' are not those at the Earth.*{value}.*8\.3 minutes"):
            build(path, BURST)


@pytest.mark.parametrize(
    ("header", "comment"),
    [("mjd_bary", ""), ("t0", "# All times are barycentric\n"), ("t0", "# barycentric MJD, TDB\n")],
)
def test_names_and_comments_say_where_times_are_those_of(tmp_path, header, comment):
    path = written(tmp_path, f"{comment}name,ra_deg,dec_deg,{header},length\nA,10,20,55000,3\n")
    with pytest.raises(CatalogueError, match="not those at the Earth"):
        build(path, BURST | {"centre_mjd": header})


def test_one_list_of_two_without_the_column(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("name,ra_deg,dec_deg\nC,50,20\n")
    lists = [{"file": str(written(tmp_path, GOOD))}, {"file": str(other)}]
    with pytest.raises(CatalogueError, match=r"other.csv: `time.start_mjd` names the column 'begin', which this list"):
        build_catalogue(Catalogue(lists=lists, time=BOX), "mine")


@pytest.mark.parametrize(
    ("unit", "factor"), [("s", 1 / 86400), ("h", 1 / 24), ("ms", 1 / 86_400_000), ("d", 1), ("yr", 365.25)]
)
def test_units_of_durations_become_days(tmp_path, unit, factor):
    names, t0, length = ["GRB A", "GRB B"], [55000.0, 55010.0], [30.0, 2.0]
    table = Table({"name": names, "ra_deg": [1.0, 2], "dec_deg": [3.0, 4], "t0": t0, "length": length})
    table["length"].unit, table["t0"].unit = u.Unit(unit), u.day
    table.write(tmp_path / "list.ecsv")
    made = build(tmp_path / "list.ecsv", BURST)[0]
    assert made["length"].to_pylist() == pytest.approx([factor * value for value in length])
    assert made["t0"].to_pylist() == t0


@pytest.mark.parametrize(
    ("header", "factor"), [("T90 [s]", 1 / 86400), ("T90_s", 1 / 86400), ("T90 (min)", 1 / 1440), ("length", 1)]
)
def test_units_in_names_become_days(tmp_path, header, factor):
    path = written(tmp_path, f"name,ra_deg,dec_deg,t0,{header}\nA,10,20,55000,30\n")
    made, report = build(path, {**BURST, "duration_days": header})
    assert made[header].to_pylist() == pytest.approx([30 * factor])
    assert any("taken as days" in note for note in report["notes"]) == (header == "length")


@pytest.mark.parametrize(
    ("column", "unit", "message"),
    [
        ("length", u.m, "column 'length' has the unit 'm', which is no time, but `time.duration_days` names it"),
        ("t0", u.s, "column 't0' is in 's', but `time.centre_mjd` names it, which takes MJD in days"),
    ],
)
def test_other_units_are_refused(tmp_path, column, unit, message):
    table = Table({"name": ["A"], "ra_deg": [1.0], "dec_deg": [3.0], "t0": [55000.0], "length": [3.0]})
    table[column].unit = unit
    table.write(tmp_path / "list.ecsv")
    with pytest.raises(CatalogueError, match=message):
        build(tmp_path / "list.ecsv", BURST)


def test_a_name_that_contradicts_its_unit_is_refused(tmp_path):
    table = Table({"name": ["A"], "ra_deg": [1.0], "dec_deg": [3.0], "t0": [55000.0], "T90_s": [3.0]})
    table["T90_s"].unit = u.day
    table.write(tmp_path / "list.ecsv")
    with pytest.raises(CatalogueError, match="has the unit 'd', but its name says s"):
        build(tmp_path / "list.ecsv", {**BURST, "duration_days": "T90_s"})
