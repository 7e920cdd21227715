"""Unpacked files are used under the name of their archive only while they are its files, whatever their times say."""

import os
import zipfile

import pytest

from nusky import config
from nusky.errors import ReleaseError
from nusky.files import sha256, write_json
from nusky.releases import ingest, registry
from tests import release_files as files


@pytest.fixture(params=["download", "local archive"])
def release(request, tmp_path, monkeypatch):
    """Obtains a small release, unpacked from an archive; the folder of the downloads and the archive."""
    files.write_ten_year(tmp_path / "content")
    downloads = tmp_path / "data"
    archive = downloads / "archives/a.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as packed:
        for file in sorted((tmp_path / "content").rglob("*")):
            packed.write(file, file.relative_to(tmp_path / "content"))
    settings = {"name": "icecube-10yr", "seasons": ["IC40"]}
    if request.param == "download":
        monkeypatch.setattr(ingest, "fetch_release", lambda *_: (archive, registry.ICECUBE_10YR.mirrors[0]))
    else:
        settings["local_path"] = str(archive)
    parsed = config.Release.model_validate(settings)
    return lambda: ingest.obtain(parsed, 1, downloads).root, archive


def move_an_event(root):
    path = root / "events/IC40_exp.csv"
    times, lines = path.stat(), path.read_text().splitlines()
    assert len(lines[1]) == len(lines[2])
    lines[2] = lines[1]
    path.write_text("\n".join(lines) + "\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


CHANGES = {
    "an event": move_an_event,
    "the area": lambda root: [path.write_text(path.read_text() + "\n") for path in root.glob("irfs/*Area.csv")],
    "the uptimes": lambda root: (root / "uptime/IC40_exp.csv").write_text("#\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_files_are_refused(release, change):
    obtain, _ = release
    CHANGES[change](root := obtain())
    with pytest.raises(ReleaseError, match=r"\.csv: changed since they were unpacked; .* `release.local_path`"):
        obtain()
    # Given as a folder they are what somebody says they are, and the name is that of the folder.
    own = config.Release(name="icecube-10yr", seasons=["IC40"], local_path=str(root))
    assert ingest.obtain(own, 1, root.parent).origin == str(root)


def test_unchanged_files_are_used_again(release):
    obtain, _ = release
    root = obtain()
    for path in root.rglob("*.csv"):
        os.utime(path, (1, 1))
    assert obtain() == root


def test_an_archive_that_changed_or_went(release, caplog, tmp_path):
    obtain, archive = release
    root = obtain()
    if root.name != "icecube-10yr":
        pytest.skip("an archive of the user's own is named by its digest")
    content = archive.read_bytes()
    record = root.parent / "icecube-10yr.json"
    write_json(record, {"origin": "https://mirror/", "archive": archive.name, "archive_sha256": "0" * 64})
    with pytest.raises(ReleaseError, match=r"a\.zip: SHA-256 is .*, it was 0000"):
        obtain()
    archive.unlink()
    assert obtain() == root
    assert "its archive is not there" in caplog.text
    archive.write_bytes(content)
    write_json(record, {"origin": "https://mirror/", "archive": archive.name, "archive_sha256": sha256(archive)})
    assert obtain() == root
