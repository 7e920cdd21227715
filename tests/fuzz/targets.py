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
    for column, (low, high) in schemas.KINDS[kind].closed.items():
        values = table[column].to_numpy()
        assert ((values >= low) & (values <= high)).all(), column


def _read_events_10yr(path):
    root = _in_release(path, "events/IC40_exp.csv")
    _bounded("events", icecube_10yr._read_events(root, release_files.season(), check_counts=False))


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


def _table_seeds(form, **options):
    from astropy.table import Table

    table = Table.read(CSV.splitlines(), format="ascii.csv")
    table["ra_deg"].unit = table["dec_deg"].unit = "deg"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        table.write(path, format=form, **options)
        return [path.read_bytes()]


def _votable_seeds():
    return _table_seeds("votable") + _table_seeds("votable", tabledata_format="binary2")


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
    "fits": Target(".fits", lambda: _table_seeds("fits"), _catalogue),
    "votable": Target(".vot", _votable_seeds, _catalogue),
    "supernovae": Target(".csv", _supernova_seeds, _read_supernovae),
}


def folder() -> str | None:
    """Where inputs are written: in memory where there is such a place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
