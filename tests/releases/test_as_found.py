"""Releases as they lie on disks: incomplete, renamed, linked, doubled, packed otherwise, or generated."""

import shutil
import tarfile
import zipfile
from dataclasses import replace

import pytest

from nusky import config
from nusky.errors import ReleaseError
from nusky.files import read_json
from nusky.releases import icecube_3yr, icecube_10yr, ingest, registry
from nusky.releases.generator import generate_release, is_generated
from nusky.releases.registry import ICECUBE_3YR, ICECUBE_10YR
from nusky.stages import releases
from nusky.tables import read_metadata
from tests import release_files as files

NAMES = ("IC40", "IC59")


@pytest.fixture(autouse=True)
def small_release(monkeypatch):
    small = replace(ICECUBE_10YR, seasons=tuple(map(files.season, NAMES)), md5={})
    monkeypatch.setitem(registry.RELEASES, "icecube-10yr", small)


@pytest.fixture
def root(tmp_path):
    return files.write_ten_year(tmp_path / "mine", NAMES)


def fetch(tmp_path, path, **settings):
    settings = config.Release(local_path=str(path), **settings)
    releases.fetch(settings, 1, tmp_path / "data", tmp_path / "release.json", progress=False)
    return read_json(tmp_path / "release.json")


def refused(message, tmp_path, path, **settings):
    with pytest.raises(ReleaseError) as caught:
        fetch(tmp_path, path, **settings)
    assert message in str(caught.value)
    assert "elete" not in str(caught.value)
    assert "leave" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "gone", ["irfs/IC40_smearing.csv", "irfs/IC59_effectiveArea.csv", "uptime/IC40_exp.csv", "events/IC59_exp.csv"]
)
def test_a_folder_that_lacks_what_its_release_has(tmp_path, root, gone):
    (root / gone).unlink()
    refused(f"1 file(s) of icecube-10yr missing: {gone}.", tmp_path, root)


def test_a_release_without_smearing_tables_needs_none(tmp_path):
    seasons = ICECUBE_3YR.select(["IC79-2010"])
    assert icecube_3yr.required_files(tmp_path, ICECUBE_3YR, seasons) == [
        "IC79-2010-events.txt",
        "IC79-2010-TabulatedAeff.txt",
        "IC79-2010-AngRes.txt",
    ]
    names = icecube_10yr.required_files(tmp_path, replace(ICECUBE_10YR, smearing=False), [files.season()])
    assert not any("smearing" in name for name in names)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("events/IC40_exp.csv", "events/IC40_exp-2.csv"),
        ("uptime/IC59_exp.csv", "uptime/IC59_exp (1).csv"),
        ("irfs/IC40_smearing.csv", "irfs/IC40_smearing_v1.csv"),
        ("irfs/IC40_effectiveArea.csv", "irfs/IC40_effectivearea.CSV"),
        ("events/IC59_exp.csv", "events/IC59_exp.csv.gz"),
    ],
)
def test_files_under_other_names_are_pointed_out(tmp_path, root, wanted, found):
    (root / wanted).rename(root / found)
    refused(f"It holds {found} for {wanted}", tmp_path, root)


@pytest.mark.parametrize("part", ["events", "uptime"])
def test_the_names_of_version_1_are_read(tmp_path, root, part):
    expected = icecube_10yr.read(root, ICECUBE_10YR, list(map(files.season, NAMES)), check_counts=True)
    (root / part / "IC40_exp.csv").rename(root / part / "IC40_exp-1.csv")
    assert f"{part}/IC40_exp-1.csv" in fetch(tmp_path, root)["files"]
    found = icecube_10yr.read(root, ICECUBE_10YR, list(map(files.season, NAMES)), check_counts=True)
    assert found.events == expected.events
    assert found.seasons.to_pandas().equals(expected.seasons.to_pandas())  # NaN equals NaN
    (root / part / "IC40_exp.csv").write_text("the usual name goes first")
    with pytest.raises(ReleaseError, match=r"IC40_exp\.csv, line 1"):
        icecube_10yr.read(root, ICECUBE_10YR, list(map(files.season, NAMES)), check_counts=True)


def test_links_are_followed(tmp_path, root):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "icecube").symlink_to(root)
    (tmp_path / "here" / "circle").symlink_to(tmp_path / "here")
    assert fetch(tmp_path, tmp_path / "here")["root"] == str(tmp_path / "here" / "icecube")
    (tmp_path / "link").symlink_to(root)
    assert fetch(tmp_path, tmp_path / "link")["root"] == str(tmp_path / "link")
    events = root / "events" / "IC40_exp.csv"
    events.rename(tmp_path / "moved.csv")
    events.symlink_to(tmp_path / "moved.csv")
    assert len(fetch(tmp_path, root)["files"]) == 8
    (tmp_path / "moved.csv").rename(tmp_path / "gone.csv")
    refused("Links that lead nowhere: events/IC40_exp.csv", tmp_path, root)


@pytest.mark.parametrize("inner", ["a", "deep/inside/b"])
def test_two_releases_in_one_folder(tmp_path, root, inner):
    both = tmp_path / "both"
    shutil.copytree(root, both / "first")
    shutil.copytree(root, both / inner)
    told = refused("holds more than one release", tmp_path, both)
    assert str(both / "first") in told
    assert str(both / inner) in told
    assert fetch(tmp_path, both / "first")["root"] == str(both / "first")


def test_of_very_many_releases_a_few_are_named(tmp_path, root):
    for number in range(40):
        shutil.copytree(root, tmp_path / "many" / f"{number:02}")
    told = refused("04 and 35 more", tmp_path, tmp_path / "many")
    assert len(told) < 1000


def test_two_three_year_releases_in_one_folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "IC79-2010-TabulatedAeff.txt").touch()
    with pytest.raises(ReleaseError, match=r"holds more than one release: .*a, .*b"):
        icecube_3yr.find_root(tmp_path)


def test_a_release_linked_twice_is_one(tmp_path, root):
    (tmp_path / "here").mkdir()
    for name in ("a", "b"):
        (tmp_path / "here" / name).symlink_to(root)
    assert fetch(tmp_path, tmp_path / "here")["root"] == str(tmp_path / "here" / "a")


@pytest.mark.parametrize("mode", ["w:gz", "w", "w:xz"])
def test_tar_archives_are_to_be_unpacked(tmp_path, root, mode):
    path = tmp_path / f"release.tar{mode[1:].replace(':', '.')}"
    with tarfile.open(path, mode) as archive:
        archive.add(root, "release")
    refused("is a tar archive", tmp_path, path)
    assert path.exists()


@pytest.mark.parametrize("name", ["events/IC40_exp.csv", "irfs/IC40_smearing.csv"])
def test_single_files_are_no_release(tmp_path, root, name):
    refused("is a single file and no zip archive", tmp_path, root / name)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_damaged_archive_of_the_user_is_not_to_be_deleted(tmp_path, root, share):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.csv")):
            archive.write(file, f"release/{file.relative_to(root)}")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(Exception, match=r"truncated, damaged .* Copy or fetch it again") as caught:
        fetch(tmp_path, path)
    assert "elete" not in str(caught.value)


RUNS = ("54562.00", "54562.25"), ("54562.30", "54563.30"), ("54563.30", "54564.00")


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (
            RUNS * 2,
            "IC40_exp.csv, line 5: the run from MJD 54562.00000000 to 54562.25000000 overlaps the one of line 2",
        ),
        (
            (*RUNS, ("54562.9", "54563.0")),
            "line 5: the run from MJD 54562.90000000 to 54563.00000000 overlaps the one of line 3",
        ),
        ((("54562.0", "54564.0"), *RUNS[1:]), "line 3: the run from MJD 54562.30000000"),
        ((RUNS[0], ("54563.3", "54562.3")), "line 3, column stop_mjd: 54562.3 is not above start_mjd = 54563.3"),
    ],
)
def test_runs_that_overlap_or_end_before_they_start(tmp_path, root, runs, message):
    path = root / "uptime" / "IC40_exp.csv"
    path.write_text(files.UPTIME_HEADER + "".join(f" {start} {stop}\n" for start, stop in runs))
    refused(message, tmp_path, root, check_counts=False)


def test_runs_in_any_order_that_touch_or_meet_within_seconds(tmp_path, root):
    path = root / "uptime" / "IC40_exp.csv"
    runs = (*RUNS[::-1], ("54563.99999", "54565.0"))  # 0.9 s
    path.write_text(files.UPTIME_HEADER + "".join(f" {start} {stop}\n" for start, stop in runs))
    assert fetch(tmp_path, root)["release"] == "icecube-10yr"


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated") / "release"
    generate_release(folder, ICECUBE_10YR, ICECUBE_10YR.select(["IC40"]), seed=1, event_fraction=0.002)
    return folder


def _inner(tmp_path, generated):
    return shutil.copytree(generated, tmp_path / "outer" / "inner").parent


def _zipped(tmp_path, generated):
    return shutil.make_archive(str(tmp_path / "copy"), "zip", generated.parent, generated.name)


def _without_its_mark(tmp_path, generated):
    copy = shutil.copytree(generated, tmp_path / "copy")
    (copy / "GENERATED.json").unlink()
    return copy


def _other_line_ends(tmp_path, generated):
    copy = _without_its_mark(tmp_path, generated)
    area = copy / "irfs" / "IC40_effectiveArea.csv"
    area.write_bytes(area.read_bytes().replace(b"\n", b"\r\n"))
    return copy


def _link(tmp_path, generated):
    (tmp_path / "link").symlink_to(generated)
    return tmp_path / "link"


@pytest.mark.parametrize("way", [_inner, _zipped, _without_its_mark, _other_line_ends, _link])
def test_what_was_generated_is_synthetic_for_ever(tmp_path, monkeypatch, generated, way):
    monkeypatch.setitem(registry.RELEASES, "icecube-10yr", ICECUBE_10YR)
    manifest = fetch(tmp_path, way(tmp_path, generated), seasons=["IC40"])
    assert manifest["synthetic"] is True
    out = tmp_path / "out"
    others = {
        kind: out / f"{kind}.parquet"
        for kind in ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")
    }
    releases.ingest(tmp_path / "release.json", ["IC40"], {"IC40": out / "events.parquet"}, **others, check_counts=False)
    assert all(read_metadata(path)["synthetic"] for path in out.iterdir())


def test_real_files_are_not_taken_for_generated_ones(root, validation_data):
    assert not is_generated(root)
    assert not is_generated(validation_data / "icecube_10year_ps")


def test_what_is_in_the_download_folder_can_be_generated_too(tmp_path, monkeypatch, generated):
    monkeypatch.setitem(registry.RELEASES, "icecube-10yr", ICECUBE_10YR)
    shutil.copytree(generated, tmp_path / "data" / "icecube-10yr")
    assert ingest.obtain(config.Release(), 1, tmp_path / "data").synthetic
