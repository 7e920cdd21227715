"""What is kept is used again by its owner only, and only for what it was made of."""

import hashlib
import os
import pickle
from pathlib import Path

import pytest

from nusky import pickles

OTHER_USER = 65533


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "data" / "release"
    made.mkdir(parents=True)
    (made / "events").write_text("one")
    return made


class Making:
    """Counts how often it was asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return {"call": self.calls}


def kept(folder, make):
    return pickles.kept(folder, "analysis", [folder / "events"], make)


def files(folder):
    return sorted(folder.glob("*.pickle"))


def test_it_is_made_once(folder):
    make = Making()
    assert [kept(folder, make) for _ in range(3)] == [{"call": 1}] * 3
    [path] = files(folder)
    assert path.stat().st_mode & 0o777 == 0o600


def test_other_inputs_make_it_anew_and_one_version_stays(folder):
    make = Making()
    kept(folder, make)
    (folder / "events").write_text("other")
    assert kept(folder, make) == {"call": 2}
    assert len(files(folder)) == 1
    assert kept(folder, make) == {"call": 2}


def test_so_do_other_sources_and_libraries(folder, monkeypatch):
    make = Making()
    kept(folder, make)
    monkeypatch.setattr(pickles, "sources_sha256", lambda: "others")
    assert kept(folder, make) == {"call": 2}
    monkeypatch.setattr(pickles, "version", lambda library: "99")
    assert kept(folder, make) == {"call": 3}


@pytest.mark.parametrize(
    "damage",
    [lambda content: b"", lambda content: content[:-3], lambda content: content[:-1] + b"!"],
    ids=["empty", "cut", "other"],
)
def test_a_damaged_one_is_prepared_anew(folder, damage):
    make = Making()
    kept(folder, make)
    [path] = files(folder)
    path.write_bytes(damage(path.read_bytes()))
    assert [kept(folder, make) for _ in range(2)] == [{"call": 2}] * 2


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(lambda file: os.chown(file, OTHER_USER, -1), marks=needs_root),
        pytest.param(lambda file: os.chown(file.parent, OTHER_USER, -1), marks=needs_root),
        pytest.param(lambda file: os.chown(file.parents[1], OTHER_USER, -1), marks=needs_root),
        lambda file: file.chmod(0o666),
        lambda file: file.parent.chmod(0o777),
        lambda file: file.parents[1].chmod(0o777),
    ],
    ids=["file", "folder", "parent", "file-666", "folder-777", "parent-777"],
)
def test_a_prepared_release_of_others_is_not_read(folder, tmp_path, prepare):
    make = Making()
    kept(folder, make)
    [path] = files(folder)
    content = pickle.dumps(Trap(tmp_path / "sprung"))
    path.write_bytes(hashlib.sha256(content).digest() + content)
    prepare(path)
    assert kept(folder, make) == {"call": 2}
    assert not (tmp_path / "sprung").exists()


def test_where_nothing_can_be_written_it_is_made_every_time(folder, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pickles.os, "open", full)
    make = Making()
    assert [kept(folder, make) for _ in range(2)] == [{"call": 1}, {"call": 2}]
    assert not files(folder)


def test_inputs_that_are_gone_are_a_matter_of_who_makes_it(folder):
    (folder / "events").unlink()
    with pytest.raises(ValueError, match="no events"):
        kept(folder, lambda: (_ for _ in ()).throw(ValueError("no events")))
