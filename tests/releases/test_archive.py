import errno
import stat
import zipfile
from pathlib import Path

import pytest

from nusky.errors import ArchiveError, StorageError
from nusky.releases import archive


def make(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def refused(path: Path, target: Path, match: str, **options: int) -> None:
    with pytest.raises(ArchiveError, match=match) as caught:
        archive.unpack(path, target, **options)
    assert str(path) in str(caught.value)
    assert [p for p in target.parent.iterdir() if p != path] == []


def test_unpacks_everything_but_litter(tmp_path):
    members = {"r/a.txt": b"1 2\n", "r/s/b.txt": b"3\n", "__MACOSX/r/._a.txt": b"x", "r/.DS_Store": b"x"}
    archive.unpack(make(tmp_path / "a.zip", members), tmp_path / "out")
    files = {str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert files == {"r/a.txt": b"1 2\n", "r/s/b.txt": b"3\n"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "out"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "absolute"),
        ("C:/windows", "absolute"),
        ("a\\..\\b", "absolute"),
        ("../up", "leads out"),
        ("a/../../up", "leads out"),
    ],
)
def test_paths_out_of_the_folder_are_refused(tmp_path, name, reason):
    refused(make(tmp_path / "a.zip", {"good": b"1", name: b"1"}), tmp_path / "out", reason)


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    refused(tmp_path / "a.zip", tmp_path / "out", "'link' is a link")


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_devices_pipes_and_sockets_are_refused(tmp_path, kind):
    member = zipfile.ZipInfo("odd")
    member.external_attr = (kind | 0o666) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(member, b"")
    refused(tmp_path / "a.zip", tmp_path / "out", "'odd' is a link or a special file")


@pytest.mark.parametrize("name", ["a" * 201, "d/" * 150 + "a", "a\x1b[31m", "a\nb", "a\u202eb"])
def test_unwritable_names_are_refused(tmp_path, name):
    refused(make(tmp_path / "a.zip", {name: b"1"}), tmp_path / "out", "longer than 200 bytes or holds control char")


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    path = make(tmp_path / "a.zip", {f"{i}": b"" for i in range(4)})
    refused(path, tmp_path / "out", "holds 4 members, 3 are allowed; nothing was unpacked")


def test_a_size_that_lies_is_noticed(tmp_path):
    path = make(tmp_path / "a.zip", {"a": b"1 2\n" * 1000})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 24  # size in the central directory
    content[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    refused(path, tmp_path / "out", "Bad CRC-32 for file 'a'")


def test_other_troubles_of_the_disk_are_not_the_archives(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(zipfile.ZipFile, "extract", fail)
    with pytest.raises(StorageError, match="the disk or the network behind it does not answer"):
        archive.unpack(make(tmp_path / "a.zip", {"a": b"1"}), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_encrypted_members_are_refused(tmp_path):
    path = make(tmp_path / "a.zip", {"secret": b"1"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # general purpose flag of the central directory: encrypted
    path.write_bytes(content)
    refused(path, tmp_path / "out", "'secret' is encrypted")


@pytest.mark.parametrize(("offset", "value", "reason"), [(10, 99, "compression"), (6, 99, "zip file version 9.9")])
def test_what_zipfile_does_not_know_is_refused(tmp_path, offset, value, reason):
    path = make(tmp_path / "a.zip", {"a": b"1"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + offset] = value  # central directory: method, version needed to extract
    path.write_bytes(content)
    refused(path, tmp_path / "out", reason)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["a.txt", "A.TXT", "./a.txt"])
def test_duplicate_names_are_refused(tmp_path, second):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.txt", b"1")
        file.writestr(second, b"2")
    refused(tmp_path / "a.zip", tmp_path / "out", "occurs twice")


def test_a_name_that_is_file_and_folder_is_refused(tmp_path):
    refused(make(tmp_path / "a.zip", {"a": b"1", "a/b": b"2"}), tmp_path / "out", "both a file and a folder")


def test_bombs_are_refused(tmp_path):
    refused(make(tmp_path / "a.zip", {"zeros": bytes(10**6)}), tmp_path / "out", "expands more than 200 times")


def test_total_size_is_limited(tmp_path):
    path = make(tmp_path / "a.zip", {"a": b"x" * 60, "b": b"y" * 60}, zipfile.ZIP_STORED)
    refused(path, tmp_path / "out", "would unpack to 120 bytes", max_bytes=119)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_truncated_archive(tmp_path, keep):
    path = make(tmp_path / "a.zip", {f"{i}": bytes(range(256)) * 9 for i in range(20)}, zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    refused(path, tmp_path / "out", "truncated, damaged or not a zip archive.*Delete it and fetch it again")


def test_damaged_member_leaves_nothing(tmp_path):
    path = make(tmp_path / "a.zip", {"first": b"1" * 50, "second": b"2" * 50}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"2" * 50, b"3" * 50))
    refused(path, tmp_path / "out", "Bad CRC-32 for file 'second'")


def test_empty_and_missing_archives(tmp_path):
    refused(make(tmp_path / "a.zip", {"__MACOSX/x": b"1"}), tmp_path / "out", "holds no files")
    with pytest.raises(ArchiveError, match="no such file"):
        archive.unpack(tmp_path / "none.zip", tmp_path / "out")


def test_existing_folder_is_kept(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    with pytest.raises(ArchiveError, match="exists already"):
        archive.unpack(make(tmp_path / "a.zip", {"a": b"1"}), tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "x"


def test_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extract", full)
    path = make(tmp_path / "a.zip", {"a": b"1" * 2_000_000}, zipfile.ZIP_STORED)
    with pytest.raises(StorageError, match=r"out: the disk is full \(\d+\.\d MB free\)"):
        archive.unpack(path, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]
