import errno
import hashlib
import os
import subprocess
import sys
import time

import pytest

from nusky import files
from nusky.errors import StorageError, TableError


def test_a_finished_write_replaces_the_old_file(tmp_path):
    path = tmp_path / "new" / "a.txt"
    files.write_text(path, "first")
    files.write_text(path, "second")
    assert path.read_text() == "second"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError, match="stop"), files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, code):
    with (
        pytest.raises(StorageError, match=r"b\.txt: the disk is full"),
        files.atomic_path(tmp_path / "b.txt") as temporary,
    ):
        temporary.write_text("half")
        raise OSError(code, "full")
    assert list(tmp_path.iterdir()) == []


def test_other_system_errors_pass(tmp_path):
    with pytest.raises(OSError, match="I/O"), files.atomic_path(tmp_path / "b.txt"):
        raise OSError(errno.EINVAL, "I/O")


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_digest(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"a\.json: not valid JSON \(Expecting property name"),
        (b"[1]", "holds a JSON list, no object"),
        (b'{"a": 1}', "the key 'b' is missing"),
        (b'{"a": "\xff"}', r"a\.json, line 1: byte 0xff is no UTF-8 text"),
        (b"\0" * 9, r"a\.json, line 1: holds a NUL byte"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"b": ' + b"1" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_damaged_json(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(TableError, match=message):
        files.read_json(tmp_path / "a.json", keys=("b",))


def test_missing_json(tmp_path):
    with pytest.raises(TableError, match=r"none\.json: cannot be read \(No such file"):
        files.read_json(tmp_path / "none.json")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"file/r\.json: cannot be written \(.*\)\. Make its folder writable"):
        files.write_json(tmp_path / "file" / "r.json", {})


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.Path, "touch", full)
    with pytest.raises(StorageError, match="the disk is full"):
        files.write_json(tmp_path / "r.json", {})
    assert list(tmp_path.iterdir()) == []


def test_what_json_cannot_hold_becomes_null():
    content = {1: (float("nan"), 2.5, {"a": float("inf")}), "text": "nan", "n": 3, "none": None}
    assert files.finite_or_null(content) == {"1": [None, 2.5, {"a": None}], "text": "nan", "n": 3, "none": None}


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "data"
    with files.atomic_folder(target) as folder:
        (folder / "a").write_text("a")
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["a"]
    assert target.stat().st_mode & 0o777 == 0o755
    with pytest.raises(RuntimeError, match="stop"), files.atomic_folder(tmp_path / "other") as folder:
        (folder / "a").write_text("a")
        raise RuntimeError("stop")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_of_two_that_make_a_folder_the_first_one_stays(tmp_path):
    target = tmp_path / "data"
    with files.atomic_folder(target) as second:
        (second / "a").write_text("second")
        with files.atomic_folder(target) as first:
            (first / "a").write_text("first")
        assert second.is_dir()  # the first one left it alone: it is at work
    assert (target / "a").read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


LEAVE = """
import os, signal, sys
from pathlib import Path
from nusky.files import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(folder, flush=True)
    {end}
"""


@pytest.mark.parametrize("name", ["data", "a.zip", "odd[1]*name"])
def test_what_killed_processes_left_is_removed_and_what_others_use_is_not(tmp_path, name):
    beside = tmp_path / name
    kill = LEAVE.format(end="os.kill(os.getpid(), signal.SIGKILL)")
    left = subprocess.run([sys.executable, "-c", kill, beside], capture_output=True, text=True).stdout.strip()
    assert files.Path(left, "half").exists()
    sleeping = LEAVE.format(end="sys.stdin.read()")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", sleeping, beside], **pipes) as process:
        used = files.Path(process.stdout.readline().strip())
        assert not files.Path(left).exists()
        with files.scratch_folder(beside) as own:
            assert (used / "half").exists()
            assert own.is_dir()
        assert list(tmp_path.iterdir()) == [used]
        process.communicate("")
    assert list(tmp_path.iterdir()) == []


def test_without_locks_only_old_folders_are_left_over(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.EBADF, "as on some network file systems")

    monkeypatch.setattr(files.fcntl, "flock", unsupported)
    for age in (0, 2 * 86400):
        left = tmp_path / f".data.{age}.part"
        left.mkdir()
        os.utime(left, (time.time() - age,) * 2)
    with files.scratch_folder(tmp_path / "data"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".data.0.part"]


@pytest.mark.parametrize("home", ["/proc/nohome", "/dev/null"])
def test_caches_have_a_place_without_a_home(tmp_path, monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    files.ensure_cache_home(tmp_path)
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    files.ensure_cache_home(tmp_path / "other")
    assert "XDG_CACHE_HOME" not in os.environ
