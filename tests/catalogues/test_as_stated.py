"""Source lists as they are found: unit, frame, notation, limits and completeness are taken as the file states them."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table

from nusky.catalogues.build import build_catalogue
from nusky.config import Catalogue, Columns
from nusky.errors import CatalogueError

CRAB = SkyCoord("05h34m31.94s", "+22d00m52.2s", frame="icrs")
SGR_A = SkyCoord("17h45m40.04s", "-29d00m28.1s", frame="icrs")
BOTH = (CRAB, SGR_A)


def build(path, columns=("name", "RA", "Dec"), weights=(), **stated):
    names = dict(zip(("name", "ra_deg", "dec_deg", "extension_deg"), columns, strict=False))
    weightings = {"uniform": {}} | {f"w{k}": {"column": column} for k, column in enumerate(weights)}
    lists = [{"file": str(path), "columns": names, **stated}]
    return build_catalogue(Catalogue(lists=lists, weightings=weightings), "mine")


def text(folder, content, name="list.csv"):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def is_both(table, arcsec=2.0):
    """Whether the two sources of a table are those of BOTH."""
    found = SkyCoord(table["ra_deg"].to_numpy() * u.deg, table["dec_deg"].to_numpy() * u.deg)
    return len(found) == 2 and all(a.separation(b).arcsec < arcsec for a, b in zip(found, BOTH, strict=True))


def notes(report):
    return " ".join(report["notes"])


def refused(message, *arguments, **stated):
    with pytest.raises(CatalogueError) as caught:
        build(*arguments, **stated)
    assert message in str(caught.value)
    assert str(arguments[0]) in str(caught.value)


def rows(ra, dec):
    return "".join(f"{name},{a},{b}\n" for name, a, b in zip(("Crab", "Sgr A*"), ra, dec, strict=True))


DEGREES = ([c.ra.deg for c in BOTH], [c.dec.deg for c in BOTH])
RADIANS = ([c.ra.rad for c in BOTH], [c.dec.rad for c in BOTH])
HOURS = ([c.ra.hour for c in BOTH], DEGREES[1])
GALACTIC = ([c.galactic.l.deg for c in BOTH], [c.galactic.b.deg for c in BOTH])
B1950 = ([c.fk4.ra.deg for c in BOTH], [c.fk4.dec.deg for c in BOTH])
COLONS = (["05:34:31.94", "17:45:40.04"], ["+22:00:52.2", "-29:00:28.1"])
BLANKS = (["05 34 31.94", "17 45 40.04"], ["22 00 52.2", "\u221229 00 28.1"])
SUPERSCRIPTS = (
    ["5\u02b034\u1d5031.94\u02e2", "17\u02b045\u1d5040.04\u02e2"],
    ["22\u00b000\u203252.2\u2033", "-29\u00b000\u203228.1\u2033"],
)
LETTERS = (["5h34m31.94s", "17h45m40.04s"], ["22d00m52.2s", "-29\u00b000'28.1''"])


@pytest.mark.parametrize(
    ("ra", "dec", "values"),
    [
        ("RA [rad]", "Dec [rad]", RADIANS),
        ("ra_rad", "dec_rad", RADIANS),
        ("RA (radians)", "DEC (Radian)", RADIANS),
        ("RA (h)", "Dec (deg)", HOURS),
        ("RA [hr]", "Dec [degrees]", HOURS),
        ("ra_hours", "dec_deg", HOURS),
        ("RA {h}", "Dec {deg}", HOURS),
        ("raRad", "decRad", RADIANS),
        ("RA (hours, J2000)", "Dec (deg, J2000)", HOURS),
        ("l2", "b2", GALACTIC),
        ("ra50", "dec50", B1950),
        ("RA (arcmin)", "Dec (arcsec)", ([60 * a for a in DEGREES[0]], [3600 * d for d in DEGREES[1]])),
        ("RAJ2000 [DEG]", "DEJ2000 [DEG]", DEGREES),
        ("GLON", "GLAT", GALACTIC),
        ("l (deg)", "b (deg)", GALACTIC),
        ("RAB1950", "DEB1950", B1950),
        ("RA (1950)", "Dec (1950)", B1950),
        ("RA", "Dec", COLONS),
        ("RA_hms", "Dec_dms", COLONS),
        ("RA (h)", "Dec", BLANKS),
        ("RAJ2000", "DEJ2000", LETTERS),
        ("RAJ2000", "DEJ2000", SUPERSCRIPTS),
        ("RA <rad>", "Dec <rad>", RADIANS),
        ("rad_ra", "rad_dec", RADIANS),
        ("hours_ra", "deg_dec", HOURS),
        ("GALON", "GALAT", GALACTIC),
        ("\u03b1 [h]", "\u03b4", HOURS),
        ("\u200bRA (rad)", "Dec\u2060 (rad)", RADIANS),
    ],
)
def test_names_and_notations_of_text(tmp_path, ra, dec, values):
    path = text(tmp_path, f'name,"{ra}","{dec}"\n{rows(*values)}')
    ra, dec = (header.replace("\u200b", "").replace("\u2060", "") for header in (ra, dec))
    table, report = build(path, ("name", ra, dec))
    assert is_both(table)
    told = report["lists"][0]["understood"]
    assert f"'{ra}'" in told
    assert "Crab at RA 83.633" in told


@pytest.mark.parametrize(
    ("unit", "angle"),
    [
        *(("degrees", c) for c in (1.0,)),
        *((spelled, 180 / np.pi) for spelled in ("RADIANS", "rad", "radian")),
        *((spelled, 15.0) for spelled in ("h", "hr", "hours", "hourangle")),
        ("arcmin", 1 / 60),
        ("DEG", 1.0),
    ],
)
@pytest.mark.parametrize("suffix", ["vot", "fits", "ecsv"])
def test_units_of_files(tmp_path, unit, angle, suffix):
    path = tmp_path / f"list.{suffix}"
    table = Table({"name": ["Crab", "Sgr A*"], "RA": np.array(DEGREES[0]) / angle, "Dec": DEGREES[1]})
    if suffix == "ecsv":
        table.write(path)
        stated = path.read_text().replace("{name: RA,", f"{{name: RA, unit: {unit},")
        path.write_text(stated.replace("{name: Dec,", "{name: Dec, unit: degree,"))
    elif suffix == "fits":
        table.write(path)
        fits.setval(path, "TUNIT2", value=unit, ext=1)
        fits.setval(path, "TUNIT3", value="degrees", ext=1)
    else:
        table.write(path, format="votable")
        stated = path.read_text().replace('name="RA"', f'name="RA" unit="{unit}"')
        path.write_text(stated.replace('name="Dec"', 'name="Dec" unit="Deg"'))
    assert is_both(build(path)[0])


@pytest.mark.parametrize(
    ("header", "values", "message"),
    [
        ("RA [turns],Dec", DEGREES, "'turns' in the name of column 'RA [turns]' is no unit of angle"),
        ("RA,Dec [h]", DEGREES, "column 'Dec [h]' is in hours ('h'); only a right ascension can be"),
        ("RA [h],Dec", DEGREES, "83.6331 in column 'RA [h]' is no right ascension of 0 to 24 hours"),
        ("RA [deg],Dec", COLONS, "are these hours or degrees? Write 05h34m31.9s or 83d37m58s"),
        ("RA,Dec", (["05:34:31", "266.4"], DEGREES[1]), "'266.4' in column 'RA' is a decimal number among sexagesimal"),
        (
            "RA,Dec",
            (["83:37:48", "17:45:40"], DEGREES[1]),
            "no right ascension of 0 to 24 hours; write degrees with a d",
        ),
        ("RA,Dec", (["053431.9", "174540"], DEGREES[1]), "need separators: 05:34:31.9"),
        ("RA,Dec", (["05:61:31", "17:45:40"], DEGREES[1]), "has 60 or more minutes or seconds"),
        ("RA,Dec", (DEGREES[1], DEGREES[0]), "Are the columns of right ascension and declination exchanged?"),
        ("RA,GLAT", DEGREES, "says frame equatorial, but the name of column 'GLAT' says galactic"),
        ("ra_deg,lat", DEGREES, "column 'ra_deg' says frame equatorial, column 'lat' none"),
        ("RA_JNOW,Dec_JNOW", DEGREES, "are apparent ones of a date"),
        ("RA_rad,Dec", RADIANS, "one coordinate is stated in 'rad', column 'Dec' states no unit"),
        ("RA_hms,Dec", DEGREES, "is not of the form that its unit 'hms' says"),
        ("RA,Dec", (["83.6\u00b0", "266.4\u00b0"], DEGREES[1]), "'83.6\u00b0' in column 'RA' is not a plain number"),
        ("RA,Dec", (COLONS[0], ["22:00:52 S", "-29:00:28"]), "is no angle such as -29:00:28"),
        ("azimuth,zenith", DEGREES, "hold horizontal coordinates"),
        ("lambda,beta", DEGREES, "hold ecliptic coordinates"),
        ("\u03bb,\u03b2", DEGREES, "hold ecliptic coordinates"),
        ("RA (rev),Dec", DEGREES, "'rev' in the name of column 'RA (rev)' is no unit of angle"),
        ("rad_ra_deg,Dec", DEGREES, "states more than one unit: rad, deg"),
        *(
            (f"RA ({unit}),Dec", DEGREES, f"'{unit}' in the name of column 'RA ({unit})' is no unit of angle")
            for unit in ("min", "s", "gon", "pc")
        ),
        ("ra_minutes,Dec", DEGREES, "'minutes' in the name of column 'ra_minutes' is no unit of angle"),
        ("RA [h:m:s],Dec [h:m:s]", COLONS, "column 'Dec [h:m:s]' is in hours ('h:m:s'); only a right ascension can be"),
        ("83.63,22.01", DEGREES, "'83.63' has a number for its name: is the first line a row"),
    ],
)
def test_what_cannot_be_taken_as_stated_is_refused(tmp_path, header, values, message):
    ra, dec = header.split(",")
    refused(message, text(tmp_path, f"name,{header}\n{rows(*values)}"), ("name", ra, dec))


@pytest.mark.parametrize(
    ("header", "ra", "dec", "parts"),
    [
        ("RAh,RAm,RAs,DE-,DEd,DEm,DEs", "RAh", "DEd", "RAh, RAm, RAs"),
        ("RA_hour,RA_min,RA_sec,DE-,DEd,DEm,DEs", "RA_hour", "DEd", "RA_hour, RA_min, RA_sec"),
        ("ra,RAm,RAs,DE-,DEd,DEm,DEs", "ra", "DEd", "DE-, DEd, DEm, DEs"),
        ("RA1,RA2,RA3,DE-,DEd,DEm,DEs", "RA1", "DEd", "RA1, RA2, RA3"),
        ("hrs,mins,secs,DE-,DEd,DEm,DEs", "hrs", "DEd", "hrs, mins, secs"),
    ],
)
def test_parts_of_an_angle_are_no_angle(tmp_path, header, ra, dec, parts):
    path = text(tmp_path, f"name,{header}\nCrab,5,34,31.9,+,22,0,52\nSgr A*,17,45,40,-,29,0,28\n")
    refused(f"is one part of an angle that stands in {parts}. Join them", path, ("name", ra, dec))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("0.5 2 3.3 4.9 6.1", "-1.2 0.1 0.3 1.4 0"), "as radians do. State the unit with `unit`"),
        (("0.5 5.1 12 17.9 23.2", "10 -60 3 4 80"), "as hours do. State the unit with `unit`"),
    ],
)
def test_numbers_that_fill_the_range_of_another_unit_need_a_statement(tmp_path, values, message):
    pairs = list(zip(*(value.split() for value in values), strict=True))
    path = text(tmp_path, "name,RA,Dec\n" + "".join(f"S{k},{a},{d}\n" for k, (a, d) in enumerate(pairs)))
    refused(message, path)
    assert build(path, unit="deg")[0]["ra_deg"].to_pylist() == [float(a) for a, _ in pairs]
    unit, size = ("rad", 180 / np.pi) if "radians" in message else ("hours", 15.0)
    table, _ = build(path, unit=unit)
    np.testing.assert_allclose(table["ra_deg"].to_numpy(), [float(a) * size for a, _ in pairs], rtol=1e-14)
    few = text(tmp_path, "".join(path.read_text().splitlines(keepends=True)[:3]), "few.csv")
    assert ("hours" if unit == "hours" else "radians") in notes(build(few)[1])


def votable(folder, fields, table_rows, before="", after="", name="list.vot"):
    cells = "".join("<TR>" + "".join(f"<TD>{cell}</TD>" for cell in row) + "</TR>" for row in table_rows)
    return text(
        folder,
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results">{before}<TABLE name="t1"><FIELD name="name" datatype="char" arraysize="*"/>{fields}'
        f"<DATA><TABLEDATA>{cells}</TABLEDATA></DATA></TABLE>{after}</RESOURCE></VOTABLE>",
        name,
    )


def field(name, more=""):
    return f'<FIELD name="{name}" datatype="double" unit="deg" {more}/>'


def three(values):
    return [(name, *pair) for name, *pair in zip(("Crab", "Sgr A*"), *values, strict=True)]


FK4_SYSTEM = '<COOSYS ID="sys" system="eq_FK4" equinox="B1950"/>'


@pytest.mark.parametrize(
    ("before", "more", "values"),
    [
        (FK4_SYSTEM, ('ref="sys"', 'ref="sys"'), B1950),
        (FK4_SYSTEM, ("", ""), B1950),
        ('<COOSYS ID="sys" system="galactic"/>', ('ref="sys"', 'ref="sys"'), GALACTIC),
        ("", ('ucd="pos.galactic.lon"', 'ucd="pos.galactic.lat"'), GALACTIC),
        ("", ('ucd="POS_EQ_RA_MAIN"', 'ucd="POS_EQ_DEC_MAIN"'), DEGREES),
        ('<COOSYS ID="sys" system="ICRS"/>', ('ref="sys"', 'ref="sys"'), DEGREES),
        ('<PARAM name="Equinox" datatype="char" arraysize="*" value="B1950"/>', ("", ""), B1950),
        ('<PARAM name="frame" datatype="char" arraysize="*" value="FK4"/>', ("", ""), B1950),
        ('<INFO name="RADESYS" value="FK4"/>', ("", ""), B1950),
        ("<DESCRIPTION>Survey of the Galactic plane</DESCRIPTION>", ("", ""), DEGREES),
    ],
)
def test_coordinate_systems_of_votables(tmp_path, before, more, values):
    fields = field("x", more[0]) + field("y", more[1])
    assert is_both(build(votable(tmp_path, fields, three(values), before), ("name", "x", "y"))[0])


@pytest.mark.parametrize("said", ["All positions are B1950.", "Sources in Galactic coordinates"])
def test_descriptions_of_votables_ask_for_a_statement(tmp_path, said):
    """Of the table that is read or of the whole file; that of another table says nothing."""
    fields, other = field("x") + field("y"), "<TABLE name='t2'>{}</TABLE>".format
    path = votable(tmp_path, fields, three(DEGREES), f"<DESCRIPTION>{said}</DESCRIPTION>")
    refused(f"the file says '{said}'", path, ("name", "x", "y"))
    assert is_both(build(path, ("name", "x", "y"), frame="icrs")[0])
    more = other(f"<DESCRIPTION>{said}</DESCRIPTION>{field('z')}<DATA><TABLEDATA/></DATA>")
    path = votable(tmp_path, fields, three(DEGREES), after=more)
    assert is_both(build(path, ("name", "x", "y"), table="t1")[0])


def test_votable_columns_by_name_and_by_id(tmp_path):
    path = votable(tmp_path, field("RA", 'ID="col_2"') + field("Dec", 'ID="col_3"'), three(DEGREES))
    assert is_both(build(path)[0])
    assert is_both(build(path, ("name", "col_2", "col_3"))[0])


@pytest.mark.parametrize(
    ("cards", "values"),
    [
        ({"EQUINOX": 1950.0, "RADESYS": "FK4"}, B1950),
        ({"EQUINOX": 1950.0}, B1950),
        ({"RADECSYS": "FK4"}, B1950),
        ({"EQUINOX": 2000.0, "RADESYS": "FK5"}, DEGREES),
    ],
)
@pytest.mark.parametrize("extension", [0, 1])
def test_equinox_of_fits_headers(tmp_path, cards, values, extension):
    path = tmp_path / "list.fits"
    Table({"name": ["Crab", "Sgr A*"], "ra": values[0], "dec": values[1]}).write(path)
    for key, value in cards.items():
        fits.setval(path, key, value=value, ext=extension)
    assert is_both(build(path, ("name", "ra", "dec"))[0])


@pytest.mark.parametrize("cards", [{"EQUINOX": 0.0}, {"RADESYS": "GAPPT"}, {"EQUINOX": "soon"}])
def test_systems_that_are_not_known_need_a_statement(tmp_path, cards):
    path = tmp_path / "list.fits"
    Table({"name": ["Crab", "Sgr A*"], "ra": DEGREES[0], "dec": DEGREES[1]}).write(path)
    for key, value in cards.items():
        fits.setval(path, key, value=value, ext=1)
    refused("State it with `frame`, or give J2000 positions", path, ("name", "ra", "dec"))
    assert is_both(build(path, ("name", "ra", "dec"), frame="icrs")[0])


@pytest.mark.parametrize("frame", ["icrs", "galactic", "fk4"])
def test_columns_of_positions_in_ecsv(tmp_path, frame):
    path = tmp_path / "list.ecsv"
    sky = SkyCoord([c.transform_to(frame) for c in BOTH])
    QTable({"name": ["Crab", "Sgr A*"], "sky": sky}).write(path)
    assert is_both(build(path, ("name", "sky", "sky"))[0])
    assert is_both(build(path, ("name", "sky.ra", "sky.dec"))[0])


@pytest.mark.parametrize("header", ["RA [d:m:s]", "ra_dms", "RA (ddmmss)"])
def test_sexagesimal_right_ascensions_that_are_said_to_be_in_degrees(tmp_path, header):
    values = (["83:37:59.1", "266:25:00.6"], DEGREES[1])
    small = (["23:38:00", "1:00:00"], DEGREES[1])
    path = text(tmp_path, f"name,{header},Dec\n{rows(*small)}")
    assert build(path, ("name", header, "Dec"))[0]["ra_deg"].to_pylist() == pytest.approx([23 + 38 / 60, 1.0])
    path = text(tmp_path, f"name,{header},Dec\n{rows(*values)}")
    if "(" not in header:
        assert is_both(build(path, ("name", header, "Dec"))[0])


def with_column(folder, header, said, values, name="RA,Dec"):
    lines = [f"{line},{one}" for line, one in zip(rows(*values).splitlines(), said, strict=True)]
    return text(folder, f"name,{name},{header}\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("header", "said", "values"),
    [
        ("equinox", "1950", B1950),
        ("Equinox", "B1950.0", B1950),
        ("RADESYS", "FK4", B1950),
        ("equinox", "J2000", DEGREES),
        ("frame", "icrs", DEGREES),
    ],
)
def test_frames_that_a_column_says_of_every_row(tmp_path, header, said, values):
    path = with_column(tmp_path, header, [said, said], values)
    assert is_both(build(path)[0])
    assert is_both(build(with_column(tmp_path, header, [said, ""], values))[0])


def test_a_galactic_frame_in_a_column(tmp_path):
    path = with_column(tmp_path, "coord_sys", ["galactic"] * 2, GALACTIC, "lon,lat")
    assert is_both(build(path, ("name", "lon", "lat"))[0])
    refused(
        "says frame equatorial, but column 'frame' says galactic",
        with_column(tmp_path, "frame", ["galactic"] * 2, GALACTIC),
    )


@pytest.mark.parametrize(
    ("header", "said", "message"),
    [
        ("equinox", ("1950", "2000"), "column 'equinox' says '1950.0' of some rows and '2000.0' of others"),
        ("frame", ("fk4", "icrs"), "column 'frame' says 'fk4' of some rows and 'icrs' of others"),
        ("epoch", ("1950", "1950"), "column 'epoch' says 1950.0, perhaps the equinox. State it with `frame`"),
        ("frame", ("barycentric",) * 2, "names the coordinate system 'barycentric', which cannot be converted"),
    ],
)
def test_rows_of_no_one_frame_are_refused(tmp_path, header, said, message):
    path = with_column(tmp_path, header, said, B1950)
    refused(message, path)
    assert is_both(build(path, frame="fk4")[0])


def test_epochs_of_observations_are_no_equinox(tmp_path):
    assert is_both(build(with_column(tmp_path, "epoch", ["2015.5", "1991.25"], DEGREES))[0])


@pytest.mark.parametrize("said", ["# equinox: 1950", "# Galactic coordinates", "# all in FK4"])
def test_comments_on_the_frame_ask_for_a_statement(tmp_path, said):
    path = text(tmp_path, f"{said}\nname,x,y\n{rows(*DEGREES)}")
    refused("do not say in which frame they are. State it with `frame`", path, ("name", "x", "y"))
    assert is_both(build(path, ("name", "x", "y"), frame="icrs")[0])


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        ("flux_limit", "False True False"),
        ("l_flux", " < "),
        ("flux_ul", "0 1 0"),
        ("is_upper_limit", "no yes no"),
        ("f_flux", " < "),
        ("flux_type", "value UL value"),
        ("FluxUpperLimit", "F T F"),
    ],
)
def test_flags_of_limits(tmp_path, header, flags):
    cells = flags.split(" ") if flags.strip() != "<" else ["", "<", ""]
    lines = zip(("A", "B", "C"), (100, 150, 200), (3, 100, 2), cells, strict=True)
    path = text(tmp_path, f"name,RA,Dec,flux,{header}\n" + "".join(f"{n},{a},2,{f},{c}\n" for n, a, f, c in lines))
    table, report = build(path, weights=["flux"])
    assert table["flux_limit"].to_pylist() == [False, True, False]
    assert "1 value(s) of flux are limits" in notes(report)


@pytest.mark.parametrize("column", ["flux", "S1400", "N0"])
def test_limits_have_no_weight_whatever_the_column(tmp_path, column):
    from nusky.catalogues.weights import model_weights
    from nusky.config import Weighting

    path = text(tmp_path, f"name,RA,Dec,{column}\nA,100,2,3\nB,150,2,<100\nC,200,2,1\n")
    table, _ = build(path, weights=[column])
    weights, told = model_weights(table, Weighting(column=column), "standard")
    assert weights.tolist() == [0.75, 0.0, 0.25]
    assert f"No weight because the {column} is an upper limit: 1 source(s), B." in told


def test_flags_that_are_not_understood_are_refused(tmp_path):
    path = text(tmp_path, "name,RA,Dec,flux,flux_limit\nA,100,2,3,maybe\n")
    refused("'maybe' in column 'flux_limit' does not say whether 'flux' is a limit", path)


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ('<INFO name="QUERY_STATUS" value="OVERFLOW">cut at 2 rows</INFO>', "OVERFLOW cut at 2 rows"),
        ('<INFO name="QUERY_STATUS" value="OVERFLOW"/>', "OVERFLOW"),
        ('<INFO name="warning" value="Results truncated to 2 rows"/>', "Results truncated"),
        ('<INFO name="-out.max" value="2"/>', "-out.max: 2"),
    ],
)
def test_incomplete_answers_are_told(tmp_path, info, told):
    report = build(votable(tmp_path, field("RA") + field("Dec"), three(DEGREES), after=info))[1]
    assert "INCOMPLETE" in notes(report)
    assert told in notes(report)


@pytest.mark.parametrize(
    "info",
    [
        '<INFO name="QUERY_STATUS" value="ERROR">unknown column Flux</INFO>',
        '<INFO name="Error" value="unknown column Flux"/>',
        '<INFO name="QUERY_STATUS" value="error">\n unknown column\n Flux </INFO>',
    ],
)
def test_failed_queries_are_refused_with_their_reason(tmp_path, info):
    content = f'<?xml version="1.0"?><VOTABLE version="1.3"><RESOURCE type="results">{info}</RESOURCE></VOTABLE>'
    refused("unknown column Flux", text(tmp_path, content, "error.vot"))


def test_complete_answers_are_not_doubted(tmp_path):
    info = '<INFO name="QUERY_STATUS" value="OK"/><INFO name="-out.max" value="50"/>'
    assert build(votable(tmp_path, field("RA") + field("Dec"), three(DEGREES), before=info))[1]["notes"] == []


def test_one_of_several_tables_is_chosen(tmp_path):
    path = tmp_path / "list.fits"
    first = fits.table_to_hdu(Table({"name": ["X"], "RA": [10.0], "Dec": [0.0]}))
    second = fits.table_to_hdu(Table({"name": ["Crab", "Sgr A*"], "RA": DEGREES[0], "Dec": DEGREES[1]}))
    first.name, second.name = "ROIS", "SOURCES"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((2, 2))), first, second]).writeto(path)
    refused("holds 2 tables: 1 ROIS (1 rows: name, RA, Dec); 2 SOURCES (2 rows", path)
    refused("there is no table 'GTI'; it holds 1 ROIS", path, table="GTI")
    assert all(is_both(build(path, table=chosen)[0]) for chosen in ("SOURCES", "sources", "2", 2))
    one = field("RA") + field("Dec")
    inner = votable(tmp_path, one, three(DEGREES)).read_text()
    begin, end = inner.index("<TABLE "), inner.index("</TABLE>") + 8
    both = inner[:end] + inner[begin:end].replace('"t1"', '"t2"').replace("83.", "84.") + inner[end:]
    path = text(tmp_path, both, "two.vot")
    refused("holds 2 tables: 1 t1 (2 rows: name, RA, Dec); 2 t2", path)
    assert is_both(build(path, table="t1")[0])
    refused("holds one table only. Leave `table` out", text(tmp_path, "name,RA,Dec\n" + rows(*DEGREES)), table="1")


def test_repeated_rows_whose_values_differ(tmp_path):
    path = text(tmp_path, "name,RA,Dec,flux,mjd\nA,100,2,1,57000\nA,100,2,50,58000\nB,40,5,6,57000\n")
    refused("rows of the same name and position differ in flux: A.", path, weights=["flux"])
    table, report = build(path)
    assert table["name"].to_pylist() == ["A", "B"]
    assert "left out although they differ in flux, mjd, the first counts: A" in notes(report)
    wide = text(tmp_path, "name,RA,Dec,w\nA,100,2,1\nA,100,2,2\n", "wide.csv")
    refused("differ in w: A", wide, ("name", "RA", "Dec", "w"))
    equal = text(tmp_path, "name,RA,Dec,flux\nA,100,2,\nA,100,2,\nB,40,5,6\n", "equal.csv")
    assert build(equal, weights=["flux"])[1]["notes"] == []


def test_zeros_among_weights_are_counted(tmp_path):
    from nusky.catalogues.weights import model_weights
    from nusky.config import Weighting

    table, _ = build(text(tmp_path, "name,RA,Dec,S\nA,100,2,0\nB,150,2,\nC,200,2,1\n"), weights=["S"])
    told = model_weights(table, Weighting(column="S"), "standard")[1]
    assert told == [
        "No weight because S is missing: 1 source(s), B.",
        "S is 0 and counts as measured (leave unknown values empty): 1 source(s), A.",
    ]


@pytest.mark.parametrize("chosen", ["RA", "Dec", "w", "flux", "extension"])
def test_several_numbers_per_row(tmp_path, chosen):
    path = tmp_path / "list.fits"
    columns = {"name": ["Crab", "Sgr A*"], "RA": DEGREES[0], "Dec": DEGREES[1], "w": [1.0, 2.0], "flux": [1.0, 2.0]}
    columns["extension"] = [0.0, 0.1]
    columns[chosen] = np.column_stack([columns[chosen]] * 3)
    Table(columns).write(path)
    names = ("name", "RA", "Dec", "extension") if chosen == "extension" else ("name", "RA", "Dec")
    if chosen == "flux":
        table, report = build(path)
        assert is_both(table)
        assert "not one number per row): flux" in notes(report)
    weights = [chosen] if chosen in ("w", "flux") else []
    refused(f"column '{chosen}' holds 3 numbers per row", path, names, weights=weights)


@pytest.mark.parametrize("suffix", ["csv", "fits", "vot", "ecsv"])
def test_empty_extensions_are_points(tmp_path, suffix):
    path = tmp_path / f"list.{suffix}"
    table = Table({"name": ["Crab", "Sgr A*"], "RA": DEGREES[0], "Dec": DEGREES[1]})
    table["sigma"] = MaskedColumn([0.3, 0.0], mask=[False, True])
    table.write(path, format={"csv": "ascii.csv", "vot": "votable"}.get(suffix))
    found, report = build(path, ("name", "RA", "Dec", "sigma"))
    assert found["extension_deg"].to_pylist() == [0.3, 0.0]
    assert "1 source(s) without sigma taken as point-like: row 2" in notes(report)


@pytest.mark.parametrize(
    ("header", "value"), [("Size (arcmin)", 30), ("size_arcsec", 1800), ("sigma [rad]", np.radians(0.5))]
)
def test_units_of_extensions(tmp_path, header, value):
    path = text(tmp_path, f"name,RA,Dec,{header}\nA,100,2,{value}\nB,200,2,<{value}\n")
    table, report = build(path, ("name", "RA", "Dec", header))
    assert table["extension_deg"].to_pylist() == pytest.approx([0.5, 0.0])
    assert table["extension_limit"].to_pylist() == [False, True]
    assert "an upper limit as" in notes(report)


@pytest.mark.parametrize("header", ["diameter", "FWHM [deg]", "r68"])
def test_widths_that_are_no_sigma_are_noted(tmp_path, header):
    _, report = build(text(tmp_path, f"name,RA,Dec,{header}\nA,100,2,0.5\n"), ("name", "RA", "Dec", header))
    assert f"{header} is taken as the width (sigma) of a Gaussian" in notes(report)


TABLES = {
    "semicolons and decimal commas": (
        "list.csv",
        "name;RA;Dec\nCrab;83,633083;22,0145\nSgr A*;266,416833;-29,007806\n",
    ),
    "tabs": ("list.tsv", "name\tRA\tDec\nCrab\t83.633083\t22.0145\nSgr A*\t266.416833\t-29.007806\n"),
    "tabs in a .csv": ("list.csv", "name\tRA\tDec\nCrab\t83.633083\t22.0145\nSgr A*\t266.416833\t-29.007806\n"),
    "comments": ("list.csv", "# by somebody\n\nname,RA,Dec\n" + rows(*DEGREES) + "# the end\n"),
    "names behind a #": ("list.csv", "#name,RA,Dec\n" + rows(*DEGREES)),
    "units and dashes": ("list.csv", "name,RA,Dec\n,deg,deg\n----,-----,-----\n" + rows(*DEGREES)),
    "sexagesimal units": ("list.csv", 'name,RA,Dec\n,"h:m:s","d:m:s"\n' + rows(*BLANKS)),
    "hours in a line of units": ("list.csv", "name,RA,Dec\n,(h),(deg)\n" + rows(*HOURS)),
    "dashes in a line of units": ("list.csv", "name,RA,Dec\n-,(hours),(deg)\n" + rows(*HOURS)),
    "commas at the ends": (
        "list.csv",
        "name,RA,Dec,,\nCrab,83.633083,22.0145,,\nSgr A*,266.416833,-29.007806,,\n,,,,\n",
    ),
    "a typographic minus": ("list.csv", "name,RA,Dec\nCrab,83.633083,22.0145\nSgr A*,266.416833,\u221229.007806\n"),
    "a spreadsheet's first line": (
        "list.csv",
        "sep=;\nname;RA;Dec\nCrab;83.633083;22.0145\nSgr A*;266.416833;-29.007806\n",
    ),
    "Markdown": (
        "list.csv",
        "| name | RA | Dec |\n|:---|---:|:-:|\n| Crab | 83.633083 | 22.0145 |\n| Sgr A* | 266.416833 | -29.007806 |\n",
    ),
    "a unit of one column": ("list.csv", "name,RA,Dec\n,hours,\n" + rows(*HOURS)),
    "bars": ("list.csv", "name|RA|Dec\nCrab|83.633083|22.0145\nSgr A*|266.416833|-29.007806\n"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_text_tables_in_the_wild(tmp_path, kind):
    name, content = TABLES[kind]
    assert is_both(build(text(tmp_path, content, name))[0])


@pytest.mark.parametrize("suffix", ["txt", "dat"])
def test_suffixes_without_a_format_need_one(tmp_path, suffix):
    content = 'name RA Dec\nCrab   83.633083 22.0145\n"Sgr A*"\t266.416833  -29.007806\n'
    path = text(tmp_path, content, f"list.{suffix}")
    refused(f"'.{suffix}' says no format. Use one of", path)
    assert is_both(build(path, format="blanks")[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,RA,Dec\nA,1,2,3\n", "line 2 has 4 cells between commas, the line of names has 3"),
        ('name,RA,Dec\n"A,1,2\nB,3,4\nC",5,6\nD,7,8\n', "opens a cell that ends on a later line"),
        ("name,RA,Dec,S\nA,1,2,x\n", "'x' in column 'S' is not a plain number"),
        ("name,RA,Dec,S\nA,1,2,1.5\u00b10.2\n", "Put errors into a column of their own"),
        ('name,RA,Dec,S\nA,1.5,2.5,"1,234"\n', "Is it a decimal comma?"),
        ("name RA Dec\nA 1 2\n", "Do blanks separate its columns? Then state `format: blanks`"),
        ("<html><body>Not found</body></html>\n", "it is XML or HTML"),
        ("Title: x\n=====\nByte-by-byte Description of file: t.dat\n-----\n", "format='ascii.cds'"),
        ("name & RA & Dec \\\\\nA & 1 & 2 \\\\\n", "format='ascii.latex'"),
        ("# %ECSV 1.0\nname RA Dec\nA 1 2\n", "give it the suffix .ecsv"),
    ],
)
def test_text_that_has_no_one_reading_is_refused_with_its_cause(tmp_path, content, message):
    refused(message, text(tmp_path, content), weights=["S"] if ",S" in content else [])


@pytest.mark.parametrize("sign", ["*", "--", "n/a"])
def test_signs_for_unknown_numbers(tmp_path, sign):
    table, report = build(text(tmp_path, f"name,RA,Dec,S\nA,100,2,1\nB,150,2,{sign}\n"), weights=["S"])
    assert np.isnan(table["S"].to_numpy()[1])
    assert f"S: {sign} taken as unknown" in notes(report)


@pytest.mark.parametrize("dtype", ["S8", "U8"])
def test_numbers_kept_as_text(tmp_path, dtype):
    path = tmp_path / "list.fits"
    ra, dec = (np.array([f"{value:.4f}" for value in values], dtype=dtype) for values in DEGREES)
    Table({"name": ["Crab", "Sgr A*"], "RA": ra, "Dec": dec}).write(path)
    assert is_both(build(path)[0])


def test_files_in_the_home_folder(tmp_path, monkeypatch):
    text(tmp_path, "name,RA,Dec\n" + rows(*DEGREES))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert is_both(build("~/list.csv")[0])


def test_missing_values_are_never_to_be_removed(tmp_path):
    path = text(tmp_path, "name,RA,Dec\nA,100,\n")
    refused("row 1: Dec is missing; give it", path)
    assert Columns().ra_deg == "ra_deg"


@pytest.mark.parametrize(
    ("comment", "values", "frame"),
    [
        ("positions are Galactic: l and b", GALACTIC, "galactic"),
        ("Coordinate system: galactic", GALACTIC, "galactic"),
        ("coordinates of J1975", DEGREES, "icrs"),
        ("supernova remnants of the Galactic plane", DEGREES, None),
    ],
)
def test_comments_about_the_frame(tmp_path, comment, values, frame):
    path = text(tmp_path, f"# {comment}\nname,x,y\n{rows(*values)}")
    if frame:
        refused(f"the file says '{comment}'", path, ("name", "x", "y"))
    assert is_both(build(path, ("name", "x", "y"), **({"frame": frame} if frame else {}))[0])


@pytest.mark.parametrize(
    "line", ["INFO QUERY_STATUS=ERROR no such table", "**** Error: time out", "query_status: error"]
)
def test_text_that_is_the_answer_to_a_failed_query(tmp_path, line):
    path = text(tmp_path, f"#{line}\nname,RA,Dec\n{rows(*DEGREES)}")
    refused(f"a query that failed; the service says: {line.lstrip('#')}", path)
    assert is_both(build(text(tmp_path, f"# errors are statistical\nname,RA,Dec\n{rows(*DEGREES)}", "ok.csv"))[0])


@pytest.mark.parametrize(
    ("header", "said"), [("unit", ("rad", "rad")), ("RA_unit", ("hours", "")), ("coord units", ("radians", "radians"))]
)
def test_units_in_a_column_of_their_own(tmp_path, header, said):
    values = HOURS if "hours" in said else RADIANS
    refused(f"column '{header}' says '{said[0]}', but the columns 'RA'", with_column(tmp_path, header, said, values))
    assert is_both(build(with_column(tmp_path, header, said, values), unit=said[0].replace("radians", "rad"))[0])
    assert is_both(build(with_column(tmp_path, header, ["deg", "deg"], DEGREES))[0])


@pytest.mark.parametrize(
    ("description", "values"),
    [
        ("right ascension in radians", RADIANS),
        ("Right ascension [h]", HOURS),
        ("hours", HOURS),
        ("Right ascension, in degrees", DEGREES),
        ("right ascension of the centre, in J2000", DEGREES),
    ],
)
def test_units_in_descriptions_of_columns(tmp_path, description, values):
    path = tmp_path / "list.ecsv"
    table = Table({"name": ["Crab", "Sgr A*"], "RA": values[0], "Dec": values[1]})
    table["RA"].description = description
    table["Dec"].description = "in radians" if values is RADIANS else "in degrees"
    table.write(path)
    assert is_both(build(path)[0])


@pytest.mark.parametrize("meta", [{"unit": "rad"}, {"angle_unit": "hours"}, {"Units": "radian"}])
def test_a_unit_in_the_header_of_a_table_needs_a_statement(tmp_path, meta):
    path = tmp_path / "list.ecsv"
    Table({"name": ["Crab", "Sgr A*"], "RA": DEGREES[0], "Dec": DEGREES[1]}, meta=meta).write(path)
    refused("the column 'RA' states no unit", path)
    assert is_both(build(path, unit="deg")[0])


@pytest.mark.parametrize(
    ("cards", "values", "message"),
    [
        ({"EPOCH": 1950.0}, B1950, "EPOCH = 1950.0, perhaps the equinox. State it with `frame`"),
        ({"COORDSYS": "GALACTIC"}, B1950, "but the header (COORDSYS = GALACTIC) says galactic"),
        ({"TCTYP2": "GLON-CAR"}, B1950, "the axis of column 'ra' says galactic"),
        ({"RADE2": "FK4", "RADE3": "FK4"}, B1950, None),
        ({"TTYPE2": ("ra", "Right ascension (B1950)"), "TTYPE3": ("dec", "Declination (B1950)")}, B1950, None),
        ({"EPOCH": 2000.0}, DEGREES, None),
    ],
)
def test_further_statements_of_fits_headers(tmp_path, cards, values, message):
    path = tmp_path / "list.fits"
    Table({"name": ["Crab", "Sgr A*"], "ra": values[0], "dec": values[1]}).write(path)
    with fits.open(path, mode="update") as hdus:
        hdus[1].header.update(cards)
    if message:
        refused(message, path, ("name", "ra", "dec"))
    if message is None or "EPOCH" in cards:
        assert is_both(build(path, ("name", "ra", "dec"), **({"frame": "fk4"} if message else {}))[0])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("flux_qualifier", ("", "<")),
        ("x_flux", ("", "\u2264")),
        ("upper limit on flux", ("", "x")),
        ("flux_nondet", ("0", "1")),
        ("upperlimit", ("-", "*")),
        ("nondetection", ("false", "true")),
        ("n_flux", ("", "upper limit")),
        ("flux_note", ("measured", "Upper Limit")),
    ],
)
def test_limits_by_further_names(tmp_path, header, said):
    table, report = build(with_column(tmp_path, f"flux,{header}", [f"1,{said[0]}", f"2,{said[1]}"], DEGREES))
    assert table["flux_limit"].to_pylist() == [False, True]
    assert f"1 value(s) of flux are limits (by {header}): row 2" in notes(report)


@pytest.mark.parametrize(
    ("header", "said"), [("f_flux", ("0", "1")), ("detected", ("1", "0")), ("flux_flag", ("A", "B"))]
)
def test_flags_of_unknown_meaning_are_told(tmp_path, header, said):
    table, report = build(with_column(tmp_path, f"flux,{header}", [f"1,{said[0]}", f"2,{said[1]}"], DEGREES))
    assert table["flux_limit"].to_pylist() == [False, False]
    assert f"whether {header} says which values are limits is not known" in notes(report)


@pytest.mark.parametrize(("header", "said"), [("e_flux", "nan"), ("flux_err", "-1"), ("Unc_Flux", "0")])
def test_values_without_an_error_are_told(tmp_path, header, said):
    """Many lists mark upper limits so; as nothing says it, they count as measured."""
    table, report = build(with_column(tmp_path, f"flux,{header}", ["1,0.2", f"2,{said}"], DEGREES))
    assert table["flux_limit"].to_pylist() == [False, False]
    assert f"flux: 1 value(s) without an error in {header} count as measured" in notes(report)
    _, report = build(with_column(tmp_path, f"flux,{header}", ["<1,nan", "2,0.2"], DEGREES))
    assert "without an error" not in notes(report)


@pytest.mark.parametrize("header", ["pmRA", "pm_dec", "mu_alpha"])
def test_proper_motions_are_told(tmp_path, header):
    _, report = build(with_column(tmp_path, header, ["10", "20"], DEGREES))
    assert f"Proper motions ({header}) are not applied" in notes(report)


def test_proper_motions_of_positions_are_told(tmp_path):
    path = tmp_path / "list.ecsv"
    motion = [1, 2] * u.mas / u.yr
    at = SkyCoord(*DEGREES, unit="deg", pm_ra_cosdec=motion, pm_dec=motion)
    QTable({"name": ["Crab", "Sgr A*"], "at": at}).write(path)
    table, report = build(path, ("name", "at", "at"))
    assert is_both(table)
    assert "proper motions are not applied" in notes(report)


@pytest.mark.parametrize("cell", ["#N/A", "<NA>", "\\N", "n.a.", "unknown", "--"])
def test_what_programs_write_for_nothing(tmp_path, cell):
    table, report = build(with_column(tmp_path, "flux", ["1", cell], DEGREES))
    assert np.isnan(table["flux"][1].as_py())
    assert f"flux: {cell} taken as unknown" in notes(report)


def test_columns_of_vectors_of_one_number(tmp_path):
    path = tmp_path / "list.ecsv"
    Table(
        {"name": ["Crab", "Sgr A*"], "RA": np.reshape(DEGREES[0], (2, 1)), "Dec": DEGREES[1], "flux": [[1.0], [2.0]]}
    ).write(path)
    table, _ = build(path)
    assert is_both(table)
    assert table["flux"].to_pylist() == [1.0, 2.0]


@pytest.mark.parametrize("unit", ["---", "none"])
def test_signs_for_no_unit(tmp_path, unit):
    path = tmp_path / "list.fits"
    Table({"name": ["Crab", "Sgr A*"], "ra": DEGREES[0], "dec": DEGREES[1]}).write(path)
    fits.setval(path, "TUNIT2", value=unit, ext=1)
    table, report = build(path, ("name", "ra", "dec"))
    assert is_both(table)
    assert "degrees, as no unit is stated" in report["lists"][0]["understood"]


def test_columns_of_one_name_are_told_by_their_ids(tmp_path):
    fields = field("RA", 'ID="first"') + field("Dec") + field("RA", 'ID="second"')
    path = votable(tmp_path, fields, [(*row, 0) for row in three(DEGREES)])
    refused("2 columns are called 'RA'. Name one by its ID: first, second", path)
    assert is_both(build(path, ("name", "first", "Dec"))[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Fetch it with `git lfs pull`"),
        ('{"error": "no such table"}', "it is JSON"),
        ("Table 3. Sources\nname,RA,Dec\nCrab,1,2\n", "put a # before lines above the line of names"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, message):
    refused(message, text(tmp_path, content))
