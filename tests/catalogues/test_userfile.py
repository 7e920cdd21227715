"""Users' source lists: every format, units, and what is refused."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from nusky.catalogues.userfile import Reading, read_file
from nusky.config import Columns
from nusky.errors import CatalogueError

FORMATS = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "fits": "fits", "vot": "votable"}


def read(path, numeric=(), **columns):
    return read_file(path, Columns(**columns), "mine", numeric)


def csv_file(folder, text):
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


rows = st.lists(
    st.tuples(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12),
        st.floats(0, 360, exclude_max=True),
        st.floats(-90, 90),
        st.floats(0, 5),
        st.none() | st.floats(1e-300, 1e300),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("suffix", FORMATS)
@given(rows=rows)
@example(rows=[("007", 0.0, 0.0, 0.0, None)])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_valid_list_comes_back_from_every_format(tmp_path, suffix, rows):
    names, ra, dec, extension, flux = zip(*rows, strict=True)
    assume(suffix not in ("csv", "ecsv") or not any(name.startswith("#") for name in names))  # such rows are comments
    written = Table({"name": names, "ra_deg": ra, "dec_deg": dec, "extension_deg": extension})
    written["flux"] = MaskedColumn([value or 0.0 for value in flux], mask=[value is None for value in flux])
    path = tmp_path / f"list.{suffix}"
    written.write(path, format=FORMATS[suffix], overwrite=True)
    frame = read(path).frame
    assert frame["name"].tolist() == list(names)
    np.testing.assert_array_equal(frame["ra_deg"], ra)
    np.testing.assert_array_equal(frame["dec_deg"], dec)
    np.testing.assert_array_equal(frame["extension_deg"], extension)
    np.testing.assert_array_equal(frame["flux"], [np.nan if value is None else value for value in flux])


@pytest.mark.parametrize("suffix", [*FORMATS, "fits.gz"])
@given(content=st.binary(max_size=400))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_raise_catalogue_errors_only(tmp_path, suffix, content):
    path = tmp_path / f"list.{suffix}"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"list\."):
        read(path)


@pytest.mark.parametrize("suffix", ["ecsv", "fits", "vot"])
def test_units_are_converted_to_degrees(tmp_path, suffix):
    path = tmp_path / f"list.{suffix}"
    ra, dec, width = np.array([1.5]) * u.rad, np.array([-30.0]) * u.arcmin, np.array([0.1]) * u.deg
    QTable({"n": ["a"], "RA": ra, "DE": dec, "w": width}).write(path, format=FORMATS[suffix])
    row = read(path, name="n", ra_deg="RA", dec_deg="DE", extension_deg="w").frame.iloc[0]
    assert row["ra_deg"] == pytest.approx(np.degrees(1.5), rel=1e-15)
    assert row["dec_deg"] == pytest.approx(-0.5, rel=1e-15)
    assert row["extension_deg"] == 0.1


def test_hour_angles_are_converted(tmp_path):
    path = tmp_path / "list.ecsv"
    QTable({"name": ["a"], "ra_deg": [6.0] * u.hourangle, "dec_deg": [1.0] * u.deg}).write(path)
    assert read(path).frame["ra_deg"].iloc[0] == pytest.approx(90.0, rel=1e-15)


def test_a_unit_that_is_no_angle_is_refused(tmp_path):
    path = tmp_path / "list.ecsv"
    QTable({"name": ["a"], "ra_deg": [6.0] * u.kpc, "dec_deg": [1.0] * u.deg}).write(path)
    with pytest.raises(CatalogueError, match=r"'ra_deg' has the unit 'kpc', which is no angle\. Give degrees"):
        read(path)


def test_spreadsheet_csv_is_understood(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes('\ufeff name , ra_deg,dec_deg \r\n  007 ,360,2\r\n "HESS \u00a0J1, b" ,4,5\r\n'.encode())
    frame = read(path).frame
    assert frame["name"].tolist() == ["007", "HESS J1, b"]
    assert frame["ra_deg"].tolist() == [0.0, 4.0]


def test_further_numbers_are_kept_and_text_is_noted(tmp_path):
    sources = read(csv_file(tmp_path, "name,ra_deg,dec_deg,mass,kind,origin\na,1,2,3,snr,9\nb,1,2,,pwn,9\n"))
    assert sources.frame["mass"].iloc[0] == 3.0
    assert np.isnan(sources.frame["mass"].iloc[1])
    assert "kind, origin" in " ".join(sources.notes)
    assert not {"kind", "origin"} & set(sources.frame.columns)


def test_columns_that_are_no_plain_columns_are_left_out(tmp_path):
    path = tmp_path / "list.ecsv"
    table = QTable({"name": ["a"], "ra_deg": [1.0], "dec_deg": [2.0], "extra": [[1.0, 2.0]]})
    table["sky"] = SkyCoord([1.0] * u.deg, [2.0] * u.deg)
    table.write(path)
    sources = read(path)
    assert "Column 'sky' holds positions in the frame icrs; read as sky.ra, sky.dec." in sources.notes
    assert "Columns left out (not one number per row): extra." in sources.notes
    assert read(path, ra_deg="sky", dec_deg="sky").frame["dec_deg"].tolist() == [2.0]
    with pytest.raises(CatalogueError, match="'extra' does not hold one name per row"):
        read(path, name="extra")


@pytest.mark.parametrize(
    ("text", "numeric", "message"),
    [
        ("name,ra_deg,dec_deg\na,05:34:31,2\n", (), "row 1: '05:34:31' in column 'ra_deg' is not a plain number"),
        ("name,ra_deg,dec_deg,flux\na,1,2,1\nb,1,2,1.5±0.2\n", (), "row 2: '1.5±0.2' in column 'flux' is not a plain"),
        ("name,ra_deg,dec_deg,s\na,1,2,1\nb,1,2,\nc,1,2,?\n", ("s",), "row 3: '?' in column 's' is not a plain number"),
        (
            "name,RA_deg,dec_deg\na,1,2\n",
            (),
            "no column 'ra_deg'; it has name, RA_deg, dec_deg. Did you mean 'RA_deg'?",
        ),
        ("x,y,z\n1,2,3\n", (), "no column 'name'; it has x, y, z. Set `columns`"),
        ("name,ra_deg,dec_deg, dec_deg\na,1,2,3\n", (), "more than one column is called 'dec_deg'"),
        ("", (), "cannot be read as csv (it has no line of column names)"),
        ("name,ra_deg,dec_deg\n", (), "list.csv: holds no source. Give at least one row"),
    ],
)
def test_what_cannot_be_understood_is_refused(tmp_path, text, numeric, message):
    with pytest.raises(CatalogueError) as caught:
        read(csv_file(tmp_path, text), numeric)
    assert message in str(caught.value)


def test_missing_files_and_unknown_formats_are_refused(tmp_path):
    for name in ("list.xlsx", "list.doc"):
        (tmp_path / name).touch()
    with pytest.raises(CatalogueError, match=r"no such file\. Give its path relative to"):
        read(tmp_path / "none.csv")
    with pytest.raises(CatalogueError, match=r"unknown format '\.doc'\. Use one of \.csv, \.tsv, \.ecsv"):
        read(tmp_path / "list.doc")
    with pytest.raises(CatalogueError, match=r"is a spreadsheet\. Save the sheet of the sources as CSV"):
        read(tmp_path / "list.xlsx")


@pytest.mark.parametrize(
    ("ra", "told"), [("0.5 5.1 12 17.9 23.2", True), ("0.5 5.1 12 17.9 24.2", False), ("1 2 3 4 5", True)]
)
def test_right_ascensions_that_look_like_hours_are_told(tmp_path, ra, told):
    rows = [f"S{row},{value},10\n" for row, value in enumerate(ra.split())]
    notes = read(csv_file(tmp_path, "name,ra_deg,dec_deg\n" + "".join(rows))).notes
    expected = "All of ra_deg lies within 0 and 24: if these are hours, give the unit or degrees."
    assert notes == ((expected,) if told else ())


def test_right_ascensions_with_a_unit_are_not_doubted(tmp_path):
    table = QTable({"name": list("abcde"), "ra_deg": [1, 5, 12, 18, 23] * u.hourangle, "dec_deg": [0.0] * 5 * u.deg})
    table.write(tmp_path / "l.ecsv")
    assert read(tmp_path / "l.ecsv").notes == ()


def test_a_unit_between_blanks_belongs_to_the_name_above(tmp_path):
    path = tmp_path / "list.txt"
    names, unit = "name  Dec   n     RA  width\n", "      [deg]       [h] [arcmin]\n"
    path.write_text(f"{names}{unit}A 5 7 6 30\n")
    stated = Reading(format="blanks")
    columns = Columns(ra_deg="RA", dec_deg="Dec", extension_deg="width")
    frame = read_file(path, columns, "mine", stated=stated).frame
    assert (frame["ra_deg"].item(), frame["extension_deg"].item(), frame["n"].item()) == (90.0, 0.5, 7)
    path.write_text(f"{names}[deg] [h] [arcmin]\nA 5 7 6 30\n")
    with pytest.raises(CatalogueError, match="line 2 gives units for some of the 5 columns"):
        read_file(path, columns, "mine", stated=stated)
