"""Two runs that need one release at the same time: both end well, and it is there once."""

import os
import subprocess
import sys
import zipfile

import pytest

from nusky import config
from nusky.releases import ingest, registry
from tests import release_files as files

GENERATED = {
    "name": "icecube-3yr",
    "seasons": ["IC79-2010"],
    "synthetic": "always",
    "generator": {"event_fraction": 0.01},
}


def archive_of(folder):
    files.write_ten_year(folder / "content")
    path = folder / "release.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((folder / "content").rglob("*")):
            archive.write(file, file.relative_to(folder / "content"))
    return path


def settings(kind, tmp_path):
    if kind == "generated":
        return GENERATED
    return {"name": "icecube-10yr", "seasons": ["IC40"], "local_path": str(archive_of(tmp_path))}


FETCH = """
import sys, time, yaml
from pathlib import Path
from nusky import config
from nusky.releases import ingest
from nusky.releases.generator import generate_release  # all imports are done when both start
settings = config.Release.model_validate(yaml.safe_load(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(ingest.obtain(settings, 1, Path(sys.argv[2])).root)
"""


@pytest.mark.parametrize("kind", ["generated", "archive"])
def test_two_processes(tmp_path, kind):
    given, downloads = settings(kind, tmp_path), tmp_path / "data"
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-c", FETCH, repr(given), downloads]
    both = [subprocess.Popen(command, text=True, **pipes) for _ in range(2)]
    assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    assert [path.name[0] for path in downloads.iterdir()] == ["i"]


def offer(monkeypatch, archive):
    release = registry.ICECUBE_10YR
    monkeypatch.setattr(ingest, "fetch_release", lambda *_: (archive, release.mirrors[0]))
    return lambda downloads: ingest.fetched(release, downloads)


@pytest.mark.parametrize("kind", ["generated", "archive", "download"])
@pytest.mark.parametrize("moment", ["before it begins", "before it ends"])
def test_the_other_run_is_faster(tmp_path, monkeypatch, kind, moment):
    """The folder of the other run appears at the worst moments: after the look for it, and before the rename."""
    downloads = tmp_path / "data"
    if kind == "download":
        obtain = offer(monkeypatch, archive_of(tmp_path))
    else:
        release = config.Release.model_validate(settings(kind, tmp_path))

        def obtain(folder):
            return ingest.obtain(release, 1, folder)

    root = obtain(downloads).root
    folder = downloads / root.relative_to(downloads).parts[0]
    marker = folder / "of the other run"
    marker.touch()
    hidden = folder.rename(tmp_path / "hidden")
    back, rename = lambda: os.rename(hidden, folder) if hidden.exists() else None, ingest.Path.rename
    if moment == "before it begins":
        make = ingest._make
        monkeypatch.setattr(ingest, "_make", lambda where, how: make(where, lambda: (back(), how())))
    else:

        def late(path, target):
            back()
            return rename(path, target)

        monkeypatch.setattr(ingest.Path, "rename", late)
    assert obtain(downloads).root == root
    assert marker.exists()
    assert not [path for path in downloads.iterdir() if path.name.endswith(".part")]
