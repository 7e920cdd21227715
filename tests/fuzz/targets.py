"""The readers under fuzzing: valid files to start from, how each is read, and what must hold of what comes out."""

import gzip
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from nusky import config, files, tables
from nusky.bdm import supernovae
from nusky.catalogues.build import build_catalogue
from nusky.catalogues.sources import check, drop_repeats
from nusky.catalogues.userfile import read_file
from nusky.releases import archive, icecube_3yr, icecube_10yr, icecube_14yr, ingest, registry, schemas, text
from tests import release_files

COLUMNS = {"A[x]": "a", "B[y]": "b", "C": "c"}


@dataclass(frozen=True)
class Target:
    """A reader."""

    suffix: str
    seeds: Callable[[], list[bytes]]
    """Valid files."""
    read: Callable[[Path], None]
    """Read the file; fails with an AssertionError where something wrong is accepted."""


def _numbers_seeds():
    header = "# " + " ".join(COLUMNS) + "\n"
    rows = "1.5 -2 3e4\n  0.25\t7 1e-3\n-9.75 0 12\n"
    return [(header + rows).encode(), ("\ufeff" + (header + rows * 3).replace("\n", "\r\n")).encode()]


def _read_numbers(path):
    found = text.read_numbers(path, COLUMNS)
    # An independent, slow reading of the same file.
    lines = path.read_bytes().decode("utf-8-sig").rstrip().split("\n")[1:]
    expected = [[float(word) for word in line.split()] for line in lines]
    np.testing.assert_array_equal(np.column_stack(list(found.values())), np.reshape(expected, (-1, len(COLUMNS))))
    assert np.isfinite(expected).all()


def _event_seeds():
    return [(release_files.EVENT_HEADER + release_files.EVENTS).encode()]


def _in_release(path: Path, name: str) -> Path:
    """The file under test as file `name` of a release that is whole otherwise."""
    root = path.parent / "release"
    if not root.exists():
        release_files.write_ten_year(root)
        (root / "IC79-2010-events.txt").write_text(release_files.EVENT_HEADER + release_files.EVENTS)
    target = root / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(path.read_bytes())
    return root


def _bounded(kind: str, table) -> None:
    for name, column in schemas.KINDS[kind].columns.items():
        if column.dtype != "string":
            values = table[name].to_numpy()
            assert ((values >= column.low) & (values <= column.high)).all(), name


def _read_events_10yr(path):
    root = _in_release(path, "events/IC40_exp.csv")
    _bounded("events", icecube_10yr.read_events(root / "events/IC40_exp.csv", release_files.season(), False))


def _read_events_14yr(path):
    root = _in_release(path, "events/IC40_exp.csv")
    _bounded("events", icecube_14yr._read_events(root, release_files.season(), check_counts=False))


def _event_seeds_14yr():
    header = release_files.EVENT_HEADER.rstrip() + " Run Event\n"
    rows = "".join(f"{line} 1 {i}\n" for i, line in enumerate(release_files.EVENTS.splitlines()))
    return [(header + rows).encode(), *_event_seeds()]


def _read_uptimes(path):
    root = _in_release(path, "uptime/IC40_exp.csv")
    _bounded("uptimes", icecube_10yr._read_uptimes(root, registry.ICECUBE_10YR, release_files.season(), False))


def _read_area_10yr(path):
    _bounded(
        "effective_area", icecube_10yr.read_effective_area(_in_release(path, "irfs/IC40_effectiveArea.csv"), "IC40")
    )


def _read_smearing(path):
    _bounded("smearing", icecube_10yr.read_smearing(_in_release(path, "irfs/IC40_smearing.csv"), "IC40"))


def _read_area_3yr(path):
    root = _in_release(path, "IC79-2010-TabulatedAeff.txt")
    _bounded("effective_area", icecube_3yr._read_effective_area(root, "IC79-2010"))


def _area_seeds_3yr():
    header = "#  E_min[GeV]   E_max[GeV] cos(zenith)_min cos(zenith)_max       Aeff[m^2]\n"
    return [(header + "1e2 1e3 -1.00 -0.50 5.0e-04\n1e2 1e3 -0.50 1.00 2.0e+00\n").encode()]


def _zip_seeds():
    found = []
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as file:
            file.writestr("release/events/a.csv", "1 2 3\n" * 20)
            file.writestr("release/b.txt", b"\x00\x01" * 20)
        found.append(buffer.getvalue())
    return found


def _read_zip(path):
    target = path.parent / "unpacked"
    archive.unpack(path, target)
    try:
        for found in target.rglob("*"):
            assert not found.is_symlink()
            assert target in found.resolve().parents
    finally:
        shutil.rmtree(target)
    outside = {p.name for p in path.parent.iterdir()} - {path.name, "release"}
    assert outside == set()


CSV = (
    "name,ra_deg,dec_deg,flux,extension_deg,kind\n"
    'Crab,83.63,22.01,1.0,0,pwn\n"HESS J1,b",10.5,-45.25,,0.3,snr\n007,359.9,89,2e-12,0.1,\n'
)


def _catalogue(path):
    block = config.Catalogue(lists=[{"file": str(path)}])
    table, report = build_catalogue(block, "mine")
    assert table.num_rows == report["n_sources"] > 0
    assert ((table["ra_deg"].to_numpy() >= 0) & (table["ra_deg"].to_numpy() < 360)).all()
    assert (np.abs(table["dec_deg"].to_numpy()) <= 90).all()
    assert all(name.isprintable() for name in table["name"].to_pylist())
    json.dumps(report, allow_nan=False).encode()


STATED = (
    "# by somebody, J2000\nSource,RA [h],Dec (deg),Size (arcmin),S,l_S\nCrab,5.5755,22.01,30,1.0,\n"
    '"HESS J1,b",10.5,-45.25,,2,<\n007,23.9,89,<6,*,\n',
    "name;RAB1950;DEB1950;flux;flux_limit\n;deg;deg;;\n----;----;----;----;----\nA;82,88;21,98;1,5;true\nB;1,5;-0,1;<3;\n",
    'name\tRAJ2000\tDEJ2000\n\t"h:m:s"\t"d:m:s"\nA\t05 34 31.9\t+22 00 52\nB\t17:45:40\t\u221229:00:28\n',
    "#name,GLON,GLAT,sigma\nA,184.5575,-5.7844,\nB,-0.056,-0.046,0.2\n",
    "# frame: J2000, query_status=OK\nname,RA <rad>,Dec <rad>,unit,S,S_qualifier,detected\nA,1.45,0.38,rad,1,,1\n"
    "B,4.6,-0.5,rad,#N/A,<,0\n",
)
"""Units, frames, notations and flags in text."""
NAMES = [
    {"name": "Source", "ra_deg": "RA [h]", "dec_deg": "Dec (deg)", "extension_deg": "Size (arcmin)"},
    {"ra_deg": "RAB1950", "dec_deg": "DEB1950"},
    {"ra_deg": "RAJ2000", "dec_deg": "DEJ2000"},
    {"ra_deg": "GLON", "dec_deg": "GLAT", "extension_deg": "sigma"},
    {"ra_deg": "RA <rad>", "dec_deg": "Dec <rad>"},
]


def _stated(path):
    """Read as one of STATED, whichever's columns it has; as the first of them otherwise."""
    content = path.read_bytes()
    names = next((names for names in NAMES if names["ra_deg"].encode() in content), NAMES[0])
    found = read_file(path, config.Columns(**names), "mine", {"S"})
    check(found)
    frame, _ = drop_repeats(found, {"S"})
    frame = frame.frame
    assert frame["ra_deg"].between(0, 360, inclusive="left").all()
    assert frame["dec_deg"].between(-90, 90).all()
    flags = [name for name in frame.columns if name.endswith("_limit") and name.removesuffix("_limit") in frame]
    assert all(frame[name].dtype == bool for name in flags)


def _described_seeds():
    """Tables whose headers state frames, limits and their own completeness."""
    from astropy.io import fits

    head = '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>'
    table = (
        '<TABLE name="{0}"><FIELD name="name" datatype="char" arraysize="*"/><FIELD name="ra_deg" ID="c2" ref="s" '
        'datatype="double" unit="degrees" ucd="pos.eq.ra;meta.main"/><FIELD name="dec_deg" datatype="double" ref="s" '
        'unit="DEG"/><FIELD name="flux" datatype="float" arraysize="{1}"/><FIELD name="l_flux" datatype="char"/>'
        "<DATA><TABLEDATA><TR><TD>A</TD><TD>82.88</TD><TD>21.98</TD><TD>1</TD><TD>&lt;</TD></TR></TABLEDATA></DATA></TABLE>"
    )
    system = '<COOSYS ID="s" system="eq_FK4" equinox="B1950"/><INFO name="QUERY_STATUS" value="OK"/>'
    end = '<INFO name="QUERY_STATUS" value="OVERFLOW">cut</INFO></RESOURCE></VOTABLE>'
    votables = [
        head + system + table.format("t", "1") + end,
        head + table.format("t", "3").replace(' ref="s"', "") + end,
    ]
    found = [text.encode() for text in votables]
    content = io.BytesIO(_table_seeds("fits")[0])
    with fits.open(content) as hdus:
        hdus[1].header["EQUINOX"], hdus[1].header["RADESYS"], hdus[1].header["TUNIT2"] = 1950.0, "FK4", "degrees"
        hdus[1].header["EQUI2"], hdus[1].header["RADE3"], hdus[1].header["TCTYP2"] = 1950.0, "FK4", "RA---CAR"
        buffer = io.BytesIO()
        hdus.writeto(buffer)
    return found, [buffer.getvalue()]


def _table_seeds(form, **options):
    from astropy.table import Table

    table = Table.read(CSV.splitlines(), format="ascii.csv")
    table["ra_deg"].unit = table["dec_deg"].unit = "deg"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        table.write(path, format=form, **options)
        return [path.read_bytes()]


def _votable_seeds():
    return _table_seeds("votable") + _table_seeds("votable", tabledata_format="binary2") + _described_seeds()[0]


def _supernova_seeds():
    return [b"name,ra_deg,dec_deg,distance_kpc,year,host\nSN 1,10,20,3.5,1680.5,Milky Way\nSN 2,11,-60,51,1987.1,LMC\n"]


def _read_supernovae(path):
    for supernova in supernovae.load(path):
        assert supernova.distance_kpc > 0
        assert -90 <= supernova.dec_deg <= 90


def _parquet_seeds():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        columns = {"name": ["a", "bb", "c"], "x": [1.0, 2.5, np.nan], "i": [1, 2, 3]}
        provenance = tables.Provenance(False, {"a": "b"}, settings={"k": 1})
        tables.write_table(path, columns, kind="test", provenance=provenance)
        whole = path.read_bytes()
        pq.write_table(pq.read_table(path), path, compression="none", use_dictionary=False)
        return [whole, path.read_bytes()]


def _read_parquet(path):
    name, x, i = tables.read_columns(path, kind="test", columns=("name", "x", "i"))
    assert (len(name), x.dtype, i.dtype) == (3, np.float64, np.int64)
    assert all(isinstance(text, str) for text in name)


def _yaml_seeds():
    return [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))] + [
        b"run: x\nseed: 5\ncatalogues:\n  mine:\n    lists: [{file: a.csv, label: a}]\n    gammas: &g [2.0, 2.5]\n"
        b"    weightings:\n      d: {column: dist, power: -2}\nscan: {n_steps: 10}\nmethods: [published]\n"
    ]


def _read_yaml(path):
    parsed = config.load(path)
    assert parsed.catalogues or parsed.bdm


MANIFEST = {
    "release": "icecube-10yr",
    "layout": "icecube-10yr",
    "root": "release",
    "origin": "x",
    "synthetic": False,
    "files": {"events/IC40_exp.csv": "0" * 64},
}


def _read_manifest(path):
    manifest = ingest.read_manifest(path)
    assert set(manifest) >= set(MANIFEST) - {"origin"}
    assert manifest["layout"] in ingest.LAYOUTS


TARGETS = {
    "numbers": Target(".csv", _numbers_seeds, _read_numbers),
    "json": Target(".json", lambda: [json.dumps(MANIFEST).encode()], lambda path: files.read_json(path, ("files",))),
    "manifest": Target(".json", lambda: [json.dumps(MANIFEST, indent=1).encode()], _read_manifest),
    "zip": Target(".zip", _zip_seeds, _read_zip),
    "parquet": Target(".parquet", _parquet_seeds, _read_parquet),
    "configuration": Target(".yaml", _yaml_seeds, _read_yaml),
    "events-10yr": Target(".csv", _event_seeds, _read_events_10yr),
    "events-14yr": Target(".csv", _event_seeds_14yr, _read_events_14yr),
    "uptimes": Target(".csv", lambda: [(release_files.UPTIME_HEADER + release_files.UPTIMES).encode()], _read_uptimes),
    "area-10yr": Target(".csv", lambda: [(release_files.AREA_HEADER + release_files.AREAS).encode()], _read_area_10yr),
    "area-3yr": Target(".txt", _area_seeds_3yr, _read_area_3yr),
    "smearing": Target(
        ".csv", lambda: [(release_files.SMEARING_HEADER + release_files.SMEARING).encode()], _read_smearing
    ),
    "csv": Target(".csv", lambda: [CSV.encode()], _catalogue),
    "csv-gz": Target(".csv.gz", lambda: [gzip.compress(CSV.encode(), mtime=0)], _catalogue),
    "ecsv": Target(".ecsv", lambda: _table_seeds("ascii.ecsv"), _catalogue),
    "csv-stated": Target(".csv", lambda: [text.encode() for text in STATED], _stated),
    "fits": Target(".fits", lambda: _table_seeds("fits") + _described_seeds()[1], _catalogue),
    "votable": Target(".vot", _votable_seeds, _catalogue),
    "supernovae": Target(".csv", _supernova_seeds, _read_supernovae),
}


def folder() -> str | None:
    """Where inputs are written: in memory where there is such a place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
