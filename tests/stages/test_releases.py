from dataclasses import replace

import pytest

from nusky import config
from nusky.errors import ConfigurationError, DownloadError, ReleaseError
from nusky.files import read_json, sha256
from nusky.releases import registry, transfer
from nusky.releases.registry import ICECUBE_10YR
from nusky.stages import releases
from nusky.tables import read_metadata, read_table
from tests import release_files as files

NAMES = ("IC40", "IC59")
OTHERS = ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")


@pytest.fixture(autouse=True)
def small_release(monkeypatch):
    """The ten-year release with two seasons of three events and a mirror that is never there."""
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    small = replace(
        ICECUBE_10YR,
        seasons=tuple(map(files.season, NAMES)),
        mirrors=(registry.Mirror("http://127.0.0.1:9/release.zip"),),
        md5={},
    )
    monkeypatch.setitem(registry.RELEASES, "icecube-10yr", small)


@pytest.fixture
def root(tmp_path):
    return files.write_ten_year(tmp_path / "mine", NAMES)


def fetch(tmp_path, **settings):
    releases.fetch(config.Release(**settings), 1, tmp_path / "data", tmp_path / "release.json", progress=False)
    return read_json(tmp_path / "release.json")


def ingest(tmp_path, names=NAMES, **options):
    out = tmp_path / "out"
    events = {name: out / "events" / f"{name}.parquet" for name in names}
    releases.ingest(
        tmp_path / "release.json", names, events, **{kind: out / f"{kind}.parquet" for kind in OTHERS}, **options
    )
    return out


def test_manifest(root, tmp_path):
    manifest = fetch(tmp_path, local_path=str(root), seasons=["IC59"])
    names = ("events/IC59_exp.csv", "uptime/IC59_exp.csv", "irfs/IC59_effectiveArea.csv", "irfs/IC59_smearing.csv")
    assert manifest == {
        "release": "icecube-10yr",
        "layout": "icecube-10yr",
        "root": str(root),
        "origin": str(root),
        "synthetic": False,
        "seed": None,
        "files": {name: sha256(root / name) for name in names},
    }


def test_missing_files_are_all_named(root, tmp_path):
    (root / "events" / "IC59_exp.csv").rename(root / "events" / "IC59_exp.tab")
    (root / "uptime" / "IC40_exp.csv").unlink()
    with pytest.raises(ReleaseError) as caught:
        fetch(tmp_path, local_path=str(root))
    text = str(caught.value)
    assert "2 file(s) of icecube-10yr missing: uptime/IC40_exp.csv, events/IC59_exp.csv." in text
    assert "download the original format" in text
    assert not (tmp_path / "release.json").exists()


def test_unknown_season(root, tmp_path):
    with pytest.raises(ConfigurationError, match="no season 'IC99'; it has IC40, IC59"):
        fetch(tmp_path, local_path=str(root), seasons=["IC99"])


def test_offline_with_nothing_says_what_to_do(tmp_path):
    with pytest.raises(DownloadError, match=r"by hand from https://doi.org/10.7910/DVN/VKL316 .*`release.local_path`"):
        fetch(tmp_path)
    assert list(tmp_path.rglob("*.json")) == []


def test_tables_follow_the_order_asked_for_and_carry_their_provenance(root, tmp_path):
    manifest = fetch(tmp_path, local_path=str(root))
    out = ingest(tmp_path, ("IC59", "IC40"))
    assert read_table(out / "seasons.parquet", kind="seasons")["season"].to_pylist() == ["IC59", "IC40"]
    assert read_table(out / "events" / "IC40.parquet", kind="events")["ra_deg"].to_pylist() == [
        203.024,
        75.024,
        359.999,
    ]
    assert read_table(out / "uptimes.parquet", kind="uptimes").num_rows == 4
    assert read_table(out / "effective_area.parquet", kind="effective_area").num_rows == 8
    assert read_table(out / "smearing.parquet", kind="smearing").num_rows == 4
    metadata = read_metadata(out / "events" / "IC59.parquet")
    assert metadata["inputs"] == manifest["files"]
    assert metadata["synthetic"] is False
    assert metadata["settings"] == {"release": "icecube-10yr", "seasons": ["IC59", "IC40"], "check_counts": True}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("75.024", "400.0", "line 3, column ra_deg: 400"),
        ("75.024", "nan", r"line 3, column RA\[deg\]: 'nan'"),
        ("1.009\n", "1.009\n" + files.EVENTS[: files.EVENTS.index("\n") + 1], "4 events, the release has 3"),
    ],
)
def test_one_bad_season_leaves_no_table(root, tmp_path, old, new, message):
    path = root / "events" / "IC59_exp.csv"
    path.write_text(path.read_text().replace(old, new))
    fetch(tmp_path, local_path=str(root))
    with pytest.raises(ReleaseError, match=message):
        ingest(tmp_path)
    assert not (tmp_path / "out").exists()


def test_counts_can_be_left_unchecked(root, tmp_path):
    path = root / "events" / "IC59_exp.csv"
    path.write_text(files.EVENT_HEADER + files.EVENTS * 2)
    fetch(tmp_path, local_path=str(root))
    out = ingest(tmp_path, check_counts=False)
    assert read_table(out / "seasons.parquet", kind="seasons")["n_events"].to_pylist() == [3, 6]


def test_generated_release_is_marked_in_every_table(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.RELEASES, "icecube-10yr", ICECUBE_10YR)
    manifest = fetch(tmp_path, synthetic="always", seasons=["IC40"], generator={"event_fraction": 0.01})
    assert (manifest["origin"], manifest["synthetic"]) == ("generator", True)
    out = ingest(tmp_path, ("IC40",))
    (season,) = read_table(out / "seasons.parquet", kind="seasons").to_pylist()
    assert season["n_events"] == 369
    assert season["livetime_s"] == pytest.approx(ICECUBE_10YR.season("IC40").livetime_s, rel=1e-6)
    assert read_table(out / "smearing.parquet", kind="smearing").num_rows > 0
    assert all(read_metadata(path)["synthetic"] for path in out.rglob("*.parquet"))
