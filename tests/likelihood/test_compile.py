"""Compiled kernels are kept and found again, only by their owner, only for their sources, and never needed."""

import hashlib
import importlib.util
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from nusky import pickles
from nusky.likelihood import compile as compiling

OTHER_USER = 65533
SOURCE = "from nusky.likelihood.compile import kernel\n\n\n@kernel()\ndef twice(x):\n    return 2 * x\n"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of this test's own, in NUSKY_CACHE."""
    monkeypatch.setenv("NUSKY_CACHE", str(tmp_path / "cache"))
    fresh(monkeypatch)
    yield tmp_path / "cache"
    compiling._folder.cache_clear()


def fresh(monkeypatch):
    """As at the start of a process."""
    compiling._folder.cache_clear()
    compiling._digest_of.cache_clear()
    monkeypatch.setattr(compiling, "_complaints", [])


def load(tmp_path, source=SOURCE):
    """A module with a kernel, as another process would import it."""
    path = tmp_path / "module.py"
    path.write_text(source)
    compiling._digest_of.cache_clear()
    specification = importlib.util.spec_from_file_location("module", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def hits(function):
    return sum(function.stats.cache_hits.values())


def kept(cache):
    return [path for path in cache.glob("kernels-*/*") if path.is_file()]


def test_a_kernel_is_compiled_once_for_each_type(cache, tmp_path):
    first = load(tmp_path).twice
    assert (first(3), first(1.5), hits(first), len(kept(cache))) == (6, 3.0, 0, 2)
    second = load(tmp_path).twice
    assert (second(3), second(1.5), hits(second), len(kept(cache))) == (6, 3.0, 2, 2)
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in kept(cache)} == {0o600}


@pytest.mark.parametrize(
    ("old", "new"), [("2 * x", "3 * x"), ("@kernel()", "@kernel()  # the same"), ("2 * x", "2 * x + 0  # the same")]
)
def test_changed_sources_never_meet_old_kernels(cache, tmp_path, old, new):
    load(tmp_path).twice(3)
    changed = load(tmp_path, SOURCE.replace(old, new)).twice
    assert changed(3) == (9 if "3 * x" in new else 6)
    assert hits(changed) == 0


@pytest.mark.parametrize("variable", ["NUSKY_CACHE", "NUMBA_CACHE_DIR"])
def test_a_changed_kernel_called_from_another_file(tmp_path, repository, variable):
    """Half of the package is enough: the kernel of one file calls that of another one, which changes."""
    package = tmp_path / "copy" / "nusky"
    shutil.copytree(repository / "src/nusky", package, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {key: value for key, value in os.environ.items() if key not in ("NUSKY_CACHE", "NUMBA_CACHE_DIR")}
    environment |= {"PYTHONPATH": str(package.parent), variable: str(tmp_path / "cache")}
    (package / "inner.py").write_text(SOURCE)
    (package / "outer.py").write_text(
        "from nusky.inner import twice\nfrom nusky.likelihood.compile import kernel\n\n\n"
        "@kernel()\ndef outer(x):\n    return twice(x)\n\n\nprint(outer(3), sum(outer.stats.cache_hits.values()))\n"
    )
    command = [sys.executable, "-m", "nusky.outer"]

    def run():
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path)
        return done.stdout.split()

    assert run() == ["6", "0"]
    assert run() == ["6", "1"]
    times = (package / "inner.py").stat()
    (package / "inner.py").write_text(SOURCE.replace("2 *", "5 *"))
    os.utime(package / "inner.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert run() == ["15", "0"]
    assert not list((tmp_path / "cache").glob("*.nbi"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: pickle.dumps("something else"),
    ],
    ids=["empty", "cut", "bit", "other"],
)
def test_a_damaged_file_is_made_anew(cache, tmp_path, damage):
    load(tmp_path).twice(3)
    [path] = kept(cache)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    again = load(tmp_path).twice
    assert (again(3), hits(again)) == (6, 0)
    third = load(tmp_path).twice
    assert (third(3), hits(third)) == (6, 1)


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def set_a_trap(path, marker):
    content = pickle.dumps(Trap(marker))
    path.write_bytes(hashlib.sha256(content).digest() + content)


def test_the_trap_would_be_sprung(cache, tmp_path):
    load(tmp_path).twice(3)
    [path] = kept(cache)
    set_a_trap(path, tmp_path / "sprung")
    load(tmp_path).twice(3)
    assert (tmp_path / "sprung").exists()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda cache, folder, file: os.chown(file, OTHER_USER, -1), marks=needs_root),
        pytest.param(lambda cache, folder, file: os.chown(folder, OTHER_USER, -1), marks=needs_root),
        pytest.param(lambda cache, folder, file: os.chown(cache, OTHER_USER, -1), marks=needs_root),
        lambda cache, folder, file: file.chmod(0o666),
        lambda cache, folder, file: file.chmod(0o620),
        lambda cache, folder, file: folder.chmod(0o777),
        lambda cache, folder, file: folder.chmod(0o1777),
        lambda cache, folder, file: folder.chmod(0o770),
        lambda cache, folder, file: cache.chmod(0o777),
    ],
    ids=["file", "folder", "cache", "file-666", "file-620", "folder-777", "folder-1777", "folder-770", "cache-777"],
)
def test_what_others_own_or_can_write_is_not_read(cache, tmp_path, monkeypatch, caplog, prepare):
    load(tmp_path).twice(3)
    [path] = kept(cache)
    set_a_trap(path, tmp_path / "sprung")
    prepare(cache, path.parent, path)
    fresh(monkeypatch)
    again = load(tmp_path).twice
    assert (again(3), again(1.5), hits(again)) == (6, 3.0, 0)
    assert not (tmp_path / "sprung").exists()
    [said] = caplog.messages
    assert str(cache) in said
    assert "NUSKY_CACHE" in said


def test_a_link_or_a_pipe_is_not_followed(cache, tmp_path):
    load(tmp_path).twice(3)
    [path] = kept(cache)
    set_a_trap(tmp_path / "elsewhere", tmp_path / "sprung")
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert load(tmp_path).twice(3) == 6
    path.unlink()
    os.mkfifo(path)
    assert load(tmp_path).twice(3) == 6
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("place", ["/proc/nohome/cache", "/dev/null/cache", "/dev/full", "~nobody-at-all/cache"])
def test_without_a_place_kernels_are_compiled_and_one_line_says_so(tmp_path, monkeypatch, caplog, place):
    monkeypatch.setenv("NUSKY_CACHE", place)
    fresh(monkeypatch)
    module = load(tmp_path)
    assert (module.twice(3), module.twice(1.5)) == (6, 3.0)
    assert module.twice.stats.cache_path is None
    [said] = caplog.messages
    assert said.startswith(place)
    assert not list(tmp_path.rglob("*.nbi"))
    compiling._folder.cache_clear()


def test_a_place_that_fills_up_is_named_once(cache, tmp_path, monkeypatch, caplog):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pickles.os, "open", full)
    function = load(tmp_path).twice
    assert (function(3), function(1.5)) == (6, 3.0)
    [said] = caplog.messages
    assert "the disk is full" in said
    assert not kept(cache)


def test_where_kernels_are_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("NUSKY_CACHE", raising=False)
    for variable, place in (("XDG_CACHE_HOME", "home"), ("NUMBA_CACHE_DIR", "site"), ("NUSKY_CACHE", "own")):
        monkeypatch.setenv(variable, str(tmp_path / place))
        monkeypatch.setattr(numba.config, "CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", ""))
        fresh(monkeypatch)
        folder = compiling._folder()
        assert folder.name.startswith("kernels-")
        assert folder.parent == tmp_path / (place if place != "home" else "home/nusky")
    for given, place in (("  ", tmp_path / "site"), (f" {tmp_path}/own ", tmp_path / "own"), ("~/k", tmp_path / "k")):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NUSKY_CACHE", given)
        fresh(monkeypatch)
        assert compiling._folder().parent == place
    compiling._folder.cache_clear()
