"""Source lists that are broken or mean harm: refused with file, line and the way out, or read rightly."""

import gzip
import http.server
import threading
import time

import numpy as np
import pytest
from astropy.table import Table

from nusky import content
from nusky.catalogues import columns, frames, tablefile
from nusky.catalogues.build import build_catalogue
from nusky.config import Catalogue
from nusky.errors import CatalogueError
from tests.growth import assert_linear

HEADER = "name,ra_deg,dec_deg,flux\n"


def build(path):
    return build_catalogue(Catalogue(lists=[{"file": str(path)}]), "mine")


def file(folder, content, name="list.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, message):
    with pytest.raises(CatalogueError) as caught:
        build(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "a,1e400,2,1\n", "row 1: ra_deg = inf must lie in 0 to 360 degrees"),
        (HEADER + "a,1,nan,1\n", "row 1: dec_deg is missing"),
        (HEADER + "a,1,2,1e400\n", "row 1: flux = inf must be finite"),
        (HEADER + "a,1,2,1\nb,1\n", "row 2: dec_deg is missing"),  # the file was cut
        (HEADER + "a,1,2,1,9,9\n", "line 2 has 6 cells between commas, the line of names has 4"),
        ((HEADER + "a,1,2,1\n").replace(",", "~"), "no column 'name'; it has name~ra_deg~dec_deg~flux"),
        ((HEADER + "a,1;2,1\n"), "is not a plain number"),
        ((HEADER + "a,1,2,1\n").encode("utf-16"), "is UTF-16 text. Save it as UTF-8"),
        ((HEADER + "a,1,2,1\n").encode("utf-32"), "is UTF-32 text. Save it as UTF-8"),
        ((HEADER + "a,1,2,1\nb\0,1,2,1\n"), "line 3: holds a NUL byte, so it is no text"),
        (
            (HEADER + "caf\u00e9,1,2,1\n").encode("latin-1"),
            "line 2: byte 0xe9 is no UTF-8 text. Save the file as UTF-8",
        ),
        (HEADER + "a" * 201 + ",1,2,1\n", "is longer than 200 characters"),
        (HEADER + "a\x1b[31m,1,2,1\n", "name = 'a\\x1b[31m'... holds control characters"),
        (HEADER + "a\u202eb,1,2,1\n", "holds control characters"),
    ],
)
def test_broken_text(tmp_path, content, message):
    refused(file(tmp_path, content), message)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks(tmp_path, end, mark):
    table, _ = build(file(tmp_path, mark + (HEADER + "a,1,2,3\nb,4,5,6").replace("\n", end)))
    assert table["name"].to_pylist() == ["a", "b"]
    assert table["flux"].to_pylist() == [3.0, 6.0]


def test_names_of_all_the_world(tmp_path):
    names = ["Кремль", "かに星雲", "α Cen–β", "HESS J1⁺", "n" * 200, "$\\frac{", "<b>&amp;", "../../x", "=1+1"]
    table, _ = build(file(tmp_path, HEADER + "".join(f'"{name}",{i},2,1\n' for i, name in enumerate(names))))
    assert table["name"].to_pylist() == names


def test_fits_names_that_are_no_utf8(tmp_path):
    path = tmp_path / "list.fits"
    Table({"name": np.array([b"caf\xe9"]), "ra_deg": [1.0], "dec_deg": [2.0]}).write(path)
    table, _ = build(path)
    assert table["name"].to_pylist() == ["caf\ufffd"]


def test_a_hundred_thousand_rows_take_seconds(tmp_path):
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 100_000), rng.uniform(-90, 90, 100_000)
    path = file(tmp_path, HEADER + "".join(f"s{i},{ra[i]},{dec[i]},1\n" for i in range(len(ra))))
    start = time.process_time()
    table, _ = build(path)
    assert time.process_time() - start < 20  # 1.7 s on a free core
    np.testing.assert_array_equal(table["ra_deg"], ra)


def test_compressed_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr(tablefile, "MAX_BYTES", 10_000)
    bomb = gzip.compress(bytes(10**6))
    refused(file(tmp_path, bomb, "list.csv.gz"), "holds more than 10000 bytes, too many for such a file")
    refused(file(tmp_path, bomb, "list.fits.gz"), "holds more than 10000 bytes")
    refused(
        file(tmp_path, gzip.compress(HEADER.encode() * 9)[:30], "cut.csv.gz"), "cannot be read (Compressed file ended"
    )


def test_limits_are_those_of_the_unpacked_size(tmp_path):
    path = file(tmp_path, gzip.compress(b"12345"), "a.gz")
    assert content.read_bytes(path, CatalogueError, 5) == b"12345"
    with pytest.raises(CatalogueError, match="more than 4 bytes"):
        content.read_bytes(path, CatalogueError, 4)


VOTABLE = """<?xml version="1.0"?>{doctype}
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="name" datatype="char" arraysize="*"/><FIELD name="ra_deg" datatype="double" unit="deg"/>
<FIELD name="dec_deg" datatype="double" unit="deg"/><DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>"""
ROW = "<TABLEDATA><TR><TD>{name}</TD><TD>1</TD><TD>2</TD></TR></TABLEDATA>"


def test_votable_as_such(tmp_path):
    table, _ = build(file(tmp_path, VOTABLE.format(doctype="", data=ROW.format(name="a")), "list.vot"))
    assert table["name"].to_pylist() == ["a"]


def test_votable_asks_nobody_for_its_data(tmp_path):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        for place in (f"http://127.0.0.1:{server.server_port}/x", "file:///etc/hostname"):
            for prefix in ("BINARY", "FITS", "BINARY2"):
                data = f'<{prefix}><STREAM href="{place}"/></{prefix}>'
                path = file(tmp_path, VOTABLE.format(doctype="", data=data), "list.vot")
                refused(path, f"line 4: refers to data outside the file ({place})")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert asked == []


def test_xml_entities_are_refused(tmp_path):
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    for doctype in (f'<!DOCTYPE x [<!ENTITY e0 "lol">{levels}]>', '<!DOCTYPE x [<!ENTITY e9 SYSTEM "/etc/hostname">]>'):
        path = file(tmp_path, VOTABLE.format(doctype=doctype, data=ROW.format(name="&e9;")), "list.vot")
        refused(path, "has a document type definition; save the table as one plain VOTable")


def test_merge_keys_in_an_ecsv_header_are_refused(tmp_path):
    path = tmp_path / "list.ecsv"
    Table({"name": ["a"], "ra_deg": [1.0], "dec_deg": [2.0]}).write(path)
    bomb = "# - &a0 {k: 1}\n" + "".join(f"# - &a{i} {{<<: [{f'*a{i - 1},' * 9}]}}\n" for i in range(1, 9))
    text = path.read_text().replace("# schema:", f"# meta:\n{bomb}# schema:")
    start = time.process_time()
    refused(file(tmp_path, text, "bomb.ecsv"), "merge keys are not supported")
    assert time.process_time() - start < 5


@pytest.mark.parametrize("suffix", ["fits", "vot", "ecsv", "csv"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_cut_files(tmp_path, suffix, share):
    path = tmp_path / f"list.{suffix}"
    formats = {"fits": "fits", "vot": "votable", "ecsv": "ascii.ecsv", "csv": "ascii.csv"}
    Table({"name": ["a"] * 9, "dec_deg": [2.0] * 9, "ra_deg": [1.0] * 9}).write(path, format=formats[suffix])
    whole = path.read_bytes()
    # In a line of a text file, so that a row is cut and not just missing.
    cut = (
        int(share * len(whole))
        if suffix in ("fits", "vot") or share == 0
        else whole.index(b"\n", int(share * len(whole))) - 5
    )
    refused(file(tmp_path, whole[:cut], path.name), "")


@pytest.mark.parametrize(
    "work",
    [
        lambda n: columns.split_parts(["-" * n + "x", "ra"], "-" * n + "x"),
        lambda n: columns.split_parts(["ra" + "-" * n + "h", "ra" + "_" * n + "m"], "ra" + "-" * n + "h"),
        lambda n: frames.by_name("of" * n + "_" * n),
        lambda n: frames.by_description("ra", "equinox " * n + "right " + " " * n),
        lambda n: frames.by_system("fk5", " " * n + "B" + " " * n + "x", "its COOSYS"),
    ],
)
def test_long_names_and_descriptions_take_time_in_proportion(work):
    assert_linear(work)


DESCRIBED = """<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>
<INFO name="note" value="x">{0}</INFO><TABLE><FIELD name="name" datatype="char" arraysize="*"/>
<FIELD name="ra_deg" datatype="double"><DESCRIPTION>{0}</DESCRIPTION></FIELD>
<FIELD name="dec_deg" datatype="double"/><DATA><TABLEDATA><TR><TD>a</TD><TD>1</TD><TD>2</TD></TR></TABLEDATA></DATA>
</TABLE></RESOURCE></VOTABLE>"""


@pytest.mark.parametrize("word", ["in ", "(", "frame is ", "galactic-", "ra "])
@pytest.mark.parametrize("kind", ["comment", "name", "cell", "votable"])
def test_long_text_in_files_takes_time_in_proportion(tmp_path, kind, word):
    """Comments, names of columns, cells and descriptions of up to 64 kB."""

    def work(n):
        long = (word * n)[:n]
        path = tmp_path / ("list.vot" if kind == "votable" else "list.csv")
        if kind == "votable":
            path.write_text(DESCRIBED.format(long))
        elif kind == "comment":
            path.write_text(f"# {long}\n{HEADER}a,1,2,3\n")
        elif kind == "name":
            path.write_text(f'name,ra_deg,dec_deg,"{long}"\na,1,2,3\n')
        else:
            path.write_text(f'{HEADER}a,1,2,"{long}"\n')
        build(path)

    assert_linear(work)
