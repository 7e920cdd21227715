import errno
import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from nusky import config
from nusky.errors import DownloadError, ReleaseError, StorageError, TableError
from nusky.files import sha256, write_json
from nusky.releases import icecube_10yr, ingest, registry
from nusky.tables import Provenance, read_metadata, read_table
from tests import release_files as files

SEASON = files.season()
RELEASE = replace(registry.ICECUBE_10YR, seasons=(SEASON,), mirrors=(registry.Mirror("https://nowhere/"),), md5={})


@pytest.fixture
def release(monkeypatch):
    """The registry with one small ten-year season, and no network."""

    def offline(*_):
        raise DownloadError("no mirror answers")

    def register(**changes):
        monkeypatch.setitem(registry.RELEASES, "icecube-10yr", replace(RELEASE, **changes))

    register()
    monkeypatch.setattr(ingest, "fetch_release", offline)
    return register


@pytest.fixture
def generated(monkeypatch):
    """A stand-in for the generator that records its arguments."""
    from nusky.releases import generator

    calls = []

    def generate(root, *arguments):
        calls.append(arguments)
        files.write_ten_year(root)

    monkeypatch.setattr(generator, "generate_release", generate)
    return calls


def zip_folder(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.csv")):
            archive.write(file, f"icecube_10year_ps/{file.relative_to(folder)}")
    return path


def obtain(downloads, **settings):
    return ingest.obtain(config.Release(**settings), 7, downloads, progress=False)


class TestObtain:
    def test_local_folder(self, release, tmp_path):
        root = files.write_ten_year(tmp_path / "mine" / "inner")
        found = obtain(tmp_path / "data", local_path=str(tmp_path / "mine"))
        assert found == ingest.Obtained(root, "icecube-10yr", str(tmp_path / "mine"), synthetic=False)

    def test_local_path_is_relative_to_the_working_directory(self, release, tmp_path, monkeypatch):
        files.write_ten_year(tmp_path / "mine")
        monkeypatch.chdir(tmp_path)
        assert obtain(Path("data"), local_path="mine").root == Path("mine")

    def test_local_archive_is_unpacked_once(self, release, tmp_path):
        archive = zip_folder(files.write_ten_year(tmp_path / "mine"), tmp_path / "mine.zip")
        found = obtain(tmp_path / "data", local_path=str(archive))
        folder = tmp_path / "data" / f"icecube-10yr-local-{sha256(archive)[:12]}"
        assert found.root == folder / "icecube_10year_ps"
        assert (found.root / "events" / "IC40_exp.csv").read_text() == files.EVENT_HEADER + files.EVENTS
        assert obtain(tmp_path / "data", local_path=str(archive)) == found

    def test_missing_local_path_is_no_reason_to_generate(self, release, generated, tmp_path):
        with pytest.raises(ReleaseError, match=r"none: no such file or folder. Correct `release.local_path`"):
            obtain(tmp_path / "data", local_path=str(tmp_path / "none"), synthetic="if-unavailable")
        assert generated == []

    def test_fetched_archive_is_unpacked_and_then_used_offline(self, release, tmp_path, monkeypatch):
        archive = zip_folder(files.write_ten_year(tmp_path / "mine"), tmp_path / "mine.zip")
        with monkeypatch.context() as online:
            online.setattr(ingest, "fetch_release", lambda *_: (archive, RELEASE.mirrors[0]))
            first = obtain(tmp_path / "data")
        assert first.root == tmp_path / "data" / "icecube-10yr" / "icecube_10year_ps"
        assert (first.origin, first.synthetic) == ("https://nowhere/", False)
        assert obtain(tmp_path / "data") == first

    def test_offline_with_nothing(self, release, generated, tmp_path):
        with pytest.raises(DownloadError, match="no mirror answers"):
            obtain(tmp_path / "data")
        assert generated == []
        assert not (tmp_path / "data").exists()

    def test_generator_stands_in_when_allowed_and_says_so(self, release, generated, tmp_path, caplog):
        found = obtain(tmp_path / "data", synthetic="if-unavailable", generator={"event_fraction": 0.5})
        assert (found.origin, found.layout, found.synthetic) == ("generator", "icecube-10yr", True)
        assert found.root.name.startswith("icecube-10yr-synthetic-")
        assert "no mirror answers" in caplog.text
        assert "SYNTHETIC EVENTS" in caplog.text
        (_, seasons, seed, fraction, sources) = generated[0]
        assert (seasons, seed, fraction, sources) == ((SEASON,), 7, 0.5, [])

    def test_generated_always_asks_for_nothing_else(self, release, generated, tmp_path, monkeypatch):
        monkeypatch.setattr(ingest, "fetch_release", lambda *_: pytest.fail("must not be called"))
        assert obtain(tmp_path, synthetic="always", local_path=str(tmp_path / "none")).synthetic

    def test_generated_folder_depends_on_every_setting(self, release, generated, tmp_path):
        source = {"ra_deg": 1, "dec_deg": 2, "n_signal": 3}
        first = obtain(tmp_path, synthetic="always")
        assert obtain(tmp_path, synthetic="always") == first
        assert len(generated) == 1
        settings = config.Release(synthetic="always")
        roots = {
            first.root,
            ingest.obtain(settings, 8, tmp_path).root,
            obtain(tmp_path, synthetic="always", generator={"event_fraction": 2}).root,
            obtain(tmp_path, synthetic="always", generator={"sources": [source]}).root,
        }
        assert len(roots) == len(generated) == 4


def manifest_of(root: Path, *, synthetic: bool = False) -> dict:
    names = icecube_10yr.required_files(root, RELEASE, [SEASON])
    return {
        "release": "icecube-10yr",
        "layout": "icecube-10yr",
        "root": str(root),
        "origin": "test",
        "synthetic": synthetic,
        "files": {name: sha256(root / name) for name in names},
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"release": "icecube-99yr"}, "the key 'release' cannot be 'icecube-99yr'"),
        ({"layout": ["icecube-10yr"]}, r"the key 'layout' cannot be \['icecube-10yr'\]"),
        ({"root": None}, "the key 'root' cannot be None"),
        ({"synthetic": "no"}, "the key 'synthetic' cannot be 'no'"),
        ({"files": {"a": 1}}, r"the key 'files' cannot be \{'a': 1\}. Delete the file and fetch the release again"),
    ],
)
def test_damaged_manifests(tmp_path, change, message):
    manifest = {"release": "icecube-10yr", "layout": "icecube-10yr", "root": ".", "synthetic": False, "files": {}}
    write_json(tmp_path / "m.json", manifest)
    assert ingest.read_manifest(tmp_path / "m.json") == manifest
    write_json(tmp_path / "m.json", manifest | change)
    with pytest.raises(TableError, match=message) as caught:
        ingest.read_manifest(tmp_path / "m.json")
    assert str(tmp_path / "m.json") in str(caught.value)


class TestRead:
    AREA = "irfs/IC40_effectiveArea.csv"
    EVENTS = "events/IC40_exp.csv"

    @pytest.fixture
    def root(self, release, tmp_path):
        return files.write_ten_year(tmp_path)

    def md5(self, root, name):
        return hashlib.md5((root / name).read_bytes()).hexdigest()

    def test_changed_and_missing_files(self, root):
        manifest = manifest_of(root)
        (root / self.AREA).write_text(files.AREA_HEADER + files.AREAS.replace("12.50", "12.51"))
        with pytest.raises(ReleaseError, match=r"IC40_effectiveArea.csv: missing or changed since .* Fetch it again"):
            ingest.read(manifest, [SEASON], check_counts=True)
        (root / self.AREA).unlink()
        with pytest.raises(ReleaseError, match=r"IC40_effectiveArea.csv: missing or changed"):
            ingest.read(manifest, [SEASON], check_counts=True)
        with pytest.raises(ReleaseError, match=r"IC59_exp.csv: not in the manifest"):
            ingest.read(manifest, [files.season("IC59")], check_counts=True)

    def test_published_digests_are_met_whatever_the_line_ends(self, root, release, caplog):
        release(md5={name: self.md5(root, name) for name in (self.AREA, self.EVENTS)})
        for name in (self.AREA, self.EVENTS):
            (root / name).write_bytes(b"\xef\xbb\xbf" + (root / name).read_bytes().replace(b"\n", b"\r\n"))
        assert ingest.read(manifest_of(root), [SEASON], check_counts=True).effective_area.num_rows == 4
        assert caplog.text == ""

    def test_another_effective_area_is_refused(self, root, release):
        release(md5={self.AREA: "0" * 32})
        with pytest.raises(
            ReleaseError, match=r"IC40_effectiveArea.csv: its content is not the one published .*MD5 differs"
        ):
            ingest.read(manifest_of(root), [SEASON], check_counts=True)
        assert ingest.read(manifest_of(root), [SEASON], check_counts=False).effective_area.num_rows == 4
        assert ingest.read(manifest_of(root, synthetic=True), [SEASON], check_counts=True).smearing.num_rows == 2

    def test_rewritten_events_of_the_right_number_are_reported(self, root, release, caplog):
        release(md5={self.EVENTS: "0" * 32})
        assert ingest.read(manifest_of(root), [SEASON], check_counts=True).events["IC40"].num_rows == 3
        assert "IC40_exp.csv: its content is not the one published" in caplog.text

    def test_counts_of_generated_events_are_free(self, root):
        season = replace(SEASON, n_events=99)
        with pytest.raises(ReleaseError, match="3 events, the release has 99"):
            ingest.read(manifest_of(root), [season], check_counts=True)
        release = ingest.read(manifest_of(root, synthetic=True), [season], check_counts=True)
        assert release.seasons["n_events"].to_pylist() == [3]


class TestWrite:
    KINDS = ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")

    @pytest.fixture
    def job(self, release, tmp_path):
        canonical = ingest.read(manifest_of(files.write_ten_year(tmp_path / "r")), [SEASON], check_counts=True)
        out = tmp_path / "out"
        others = {kind: out / f"{kind}.parquet" for kind in self.KINDS}
        return canonical, {"IC40": out / "events" / "IC40.parquet"}, others, Provenance(True, {"a": "b"})

    def test_tables_are_read_back_with_their_provenance(self, job):
        canonical, events, others, provenance = job
        ingest.write(*job)
        assert read_table(events["IC40"], kind="events") == canonical.events["IC40"]
        for kind, path in others.items():
            table, expected = read_table(path, kind=kind), getattr(canonical, kind)
            assert table.schema == expected.schema
            assert table.to_pandas().equals(expected.to_pandas())  # NaN equals NaN
            assert read_metadata(path)["synthetic"] is True
            assert read_metadata(path)["inputs"] == provenance.inputs

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
    def test_full_disk_leaves_no_table(self, job, tmp_path, monkeypatch, code):
        write_table, count = pq.ParquetWriter.write_table, iter(range(99))

        def fill_up(writer, table, *options):
            write_table(writer, table, *options)
            if next(count) == 2:
                raise OSError(code, "No space left on device")

        monkeypatch.setattr(pq.ParquetWriter, "write_table", fill_up)
        with pytest.raises(StorageError, match=r"uptimes.parquet: the disk is full \(.* MB free\). Make room"):
            ingest.write(*job)
        assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []

    def test_other_errors_pass(self, job, tmp_path, monkeypatch):
        def fail(*_, **__):
            raise OSError(errno.EINVAL, "Input/output error")

        monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
        with pytest.raises(OSError, match="Input/output error"):
            ingest.write(*job)
