"""What the machine lacks is said in one line, is never called damage, and costs no result."""

import errno
import os
import pwd
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from nusky import content, files, tables
from nusky.catalogues import texttable
from nusky.detector import spectrum_file
from nusky.errors import StorageError, TableError
from nusky.releases import text
from nusky.shortage import shortage

CODES = [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES, errno.EPERM, errno.EROFS]
CODES += [errno.EFBIG, errno.EAGAIN, errno.EIO, errno.ESTALE, errno.EREMOTEIO]


@pytest.mark.parametrize("code", CODES, ids=errno.errorcode.get)
def test_each_is_one_line_that_names_the_path(tmp_path, code):
    for error in (OSError(code, "x", str(tmp_path / "a")), OSError(code, "x")):
        message = str(shortage(error, tmp_path / "a"))
        assert message.startswith(f"{tmp_path / 'a'}: ")
        assert "\n" not in message
        assert "delete" not in message.lower()
    assert str(tmp_path / "a") in str(shortage(OSError(code, "x", str(tmp_path / "a"))))


def test_what_libraries_wrap_is_found():
    def wrapped():
        try:
            raise OSError(errno.ENOSPC, "No space left")
        except OSError:
            raise RuntimeError("cannot write the map") from None

    with pytest.raises(RuntimeError) as caught:
        wrapped()
    assert "the disk is full" in str(shortage(caught.value, "map.fits"))


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "x"), OSError("no number"), ValueError("x"), TableError("x")])
def test_other_errors_are_none(error):
    assert shortage(error) is None


def test_without_a_place_for_temporary_files(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nowhere"])
    with pytest.raises(FileNotFoundError) as caught:
        tempfile.mkdtemp()
    assert "Set TMPDIR" in str(shortage(caught.value))


def test_without_a_home(monkeypatch):
    def unknown(_number):
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(RuntimeError) as caught:
        Path.home()
    assert "Set HOME" in str(shortage(caught.value))


def test_memory_of_numpy_and_arrow():
    with pytest.raises(MemoryError) as caught:
        np.empty(1 << 60, dtype=np.uint8)
    assert "not enough memory (Unable to allocate" in str(shortage(caught.value, "a"))
    assert "not enough memory" in str(shortage(pa.ArrowMemoryError("malloc of size 4")))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write_table(path, {"a": [1.0]}, kind="x", provenance=tables.Provenance(False))
    files.write_json(tmp_path / "t.json", {"a": 1})
    return path


READERS = {
    "table": lambda path: tables.read_table(path, kind="x"),
    "metadata": tables.read_metadata,
    "json": lambda path: files.read_json(path.with_suffix(".json")),
    "text": lambda path: content.read_text(path.with_suffix(".json"), TableError),
    "digest": files.sha256,
}


@pytest.mark.parametrize("reader", READERS)
def test_readers_without_a_file_left_to_open(table, reader):
    READERS[reader](table)  # whatever it imports is there
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 5, hard))
        with pytest.raises(OSError, match="Too many open files"):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        with pytest.raises(StorageError, match="too many files are open") as caught:
            READERS[reader](table)
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert table.stem in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "error", [MemoryError(), PermissionError(errno.EACCES, "x"), OSError(errno.ENFILE, "x"), OSError(errno.EIO, "x")]
)
def test_readers_of_good_files_never_call_them_damaged(table, reader, error, monkeypatch):
    def fail(*_arguments, **_options):
        raise error

    for module, name in ((tables.pq, "read_schema"), (tables.pq, "read_table")):
        monkeypatch.setattr(module, name, fail)
    for module in (content, files):
        monkeypatch.setattr(module, "open", fail, raising=False)
    with pytest.raises(StorageError) as caught:
        READERS[reader](table)
    assert "delete" not in str(caught.value).lower()
    assert table.stem in str(caught.value)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["version"], ["catalogue", "show", "hess", "--json"], ["data", "list"]], ids=str)
def test_output_that_finds_no_room(arguments):
    code = f"import sys; sys.argv = ['nusky', *{arguments}]; from nusky.cli import main; main()"
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("nusky: error: ")
    assert "the disk is full" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_disk_that_is_really_full(tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", full], capture_output=True).returncode:
        pytest.skip("no mounts here")
    try:
        writers = [
            lambda: files.write_text(full / "a.txt", "x" * 100_000),
            lambda: tables.write_table(
                full / "t.parquet",
                {"a": np.random.default_rng(1).random(50_000)},
                kind="x",
                provenance=tables.Provenance(False),
            ),
        ]
        for write in writers:
            with pytest.raises(StorageError, match=rf"^{full}/.*the disk is full \(0\.. MB free\)"):
                write()
            assert list(full.iterdir()) == []
    finally:
        subprocess.run(["umount", full], check=True)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EMFILE, "x"), "too many files are open"),
        (OSError(errno.EIO, "x"), "the disk or the network behind it does not answer"),
        (PermissionError(errno.EACCES, "x"), "Permission denied"),
    ],
    ids=repr,
)
def test_a_file_of_a_release_that_cannot_be_opened_is_not_called_wrong(tmp_path, monkeypatch, error, told):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(text, "open", fail, raising=False)
    with pytest.raises(StorageError, match=rf"events\.csv: .*{told}"):
        text.read_numbers(tmp_path / "events.csv", {"a": "a"})


def test_a_spectrum_that_finds_no_memory_is_not_called_wrong(tmp_path, monkeypatch):
    path = tmp_path / "spectrum.csv"
    path.write_text("energy [TeV],flux [1 / (TeV cm2 s)]\n1,2\n2,1\n")

    def fail(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(texttable, "read", fail)
    with pytest.raises(StorageError, match=r"spectrum\.csv: not enough memory"):
        spectrum_file.read_spectrum(path)


@pytest.mark.parametrize("suffix", ["csv", "fits", "vot"])
def test_a_source_list_that_finds_no_memory_is_not_called_wrong(tmp_path, monkeypatch, suffix):
    from astropy.table import Table

    from nusky.catalogues import tablefile

    path = tmp_path / f"a.{suffix}"
    table = Table({"name": ["A"], "ra_deg": [10.0], "dec_deg": [20.0]})
    table.write(path, format={"vot": "votable", "csv": "ascii.csv"}.get(suffix, suffix))

    def fail(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(tablefile, {"csv": "_text", "fits": "_fits", "vot": "_votable"}[suffix], fail)
    with pytest.raises(StorageError, match=rf"a\.{suffix}: not enough memory") as caught:
        tablefile.read_table(path, "name")
    assert "orrect the file" not in str(caught.value)
