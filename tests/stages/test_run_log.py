import contextlib
import errno
import json
import logging
from types import SimpleNamespace

import pytest

from nusky import files
from nusky.errors import CatalogueError, StorageError
from nusky.files import read_json
from nusky.printable import printable
from nusky.stages import run_log
from nusky.stages.runner import logged


@pytest.fixture
def job(tmp_path, monkeypatch):
    """What Snakemake gives the script of a job of the run `results/r`."""
    handlers = logging.getLogger().handlers[:]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    (tmp_path / "results/r").mkdir(parents=True)
    yield SimpleNamespace(
        rule="acceptance",
        wildcards={"catalogue": "mine"},
        output=["results/r/acceptance/mine.parquet"],
        log=["results/r/logs/acceptance/mine.log", "results/r/logs/acceptance/mine.json"],
        threads=1,
    )
    logging.captureWarnings(False)
    logging.getLogger().handlers[:] = handlers


def test_a_finished_job(job, tmp_path):
    with logged(job):
        assert read_json(job.log[1])["status"] == "running"
    log = read_json(job.log[1])
    assert (log["status"], log["error"]) == ("finished", None)
    assert (log["rule"], log["wildcards"], log["threads"]) == ("acceptance", {"catalogue": "mine"}, 1)
    assert log["started"] <= log["ended"]
    assert log["wall_s"] >= 0
    assert log["cpu_s"] > 0
    assert 10 < log["peak_memory_mib"] < 1e6
    assert log["engine"]["snakemake"]
    assert {"host", "load_average", "python", "git_revision", "nusky_version"} <= log.keys()


def test_an_error_of_nusky_is_one_message_without_a_traceback(job, capsys):
    with pytest.raises(SystemExit) as caught, logged(job):
        raise CatalogueError("mine.csv: no column 'ra_deg'.")
    assert caught.value.code == 1
    assert capsys.readouterr().err == "nusky: error: mine.csv: no column 'ra_deg'.\n"
    log = read_json(job.log[1])
    assert (log["status"], log["error"]) == ("failed", "mine.csv: no column 'ra_deg'.")


def test_an_unforeseen_error_keeps_its_traceback(job):
    with pytest.raises(ZeroDivisionError), logged(job):
        _ = 1 / 0
    assert read_json(job.log[1])["error"] == "ZeroDivisionError: division by zero"
    with open(job.log[0]) as text:
        assert "Traceback" in text.read()


def test_the_log_of_a_file_is_found_wherever_the_run_lies(job, tmp_path):
    with logged(job):
        pass
    logs = tmp_path / "results/r/logs"
    (logs / "other.json").write_text(json.dumps([1]))
    (logs / "broken.json").write_text("{")
    moved = tmp_path / "elsewhere"
    (tmp_path / "results/r").rename(moved)
    assert run_log.find(moved / "acceptance/mine.parquet")["rule"] == "acceptance"
    assert run_log.find(moved / "acceptance/other.parquet") is None
    assert run_log.find(tmp_path / "nowhere/mine.parquet") is None


def full(*_arguments, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "error",
    [
        StorageError("a: the disk is full."),
        OSError(errno.ENOSPC, "x", "a"),
        MemoryError(),
        OSError(errno.EMFILE, "x", "a"),
    ],
)
def test_where_the_machine_falls_short_one_line_says_so(job, capsys, monkeypatch, error):
    with pytest.raises(SystemExit) as caught, logged(job):
        monkeypatch.setattr(files.os, "replace", full)  # the run log finds no room either
        raise error
    assert caught.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("nusky: error: ")


@pytest.mark.parametrize("when", ["start", "end"])
def test_a_run_log_without_room(job, capsys, monkeypatch, when):
    with pytest.raises(SystemExit), contextlib.ExitStack() as stack:
        if when == "start":
            monkeypatch.setattr(files.os, "replace", full)
        stack.enter_context(logged(job))
        monkeypatch.setattr(files.os, "replace", full)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"nusky: error: {job.log[1]}: the disk is full")


def test_a_log_that_takes_no_more(job, capsys, tmp_path):
    job.log[0] = "/dev/full"
    with logged(job):
        for _ in range(3):
            logging.getLogger("x").warning("message")
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("nusky: the log is incomplete: /dev/full: the disk is full")
    assert read_json(job.log[1])["status"] == "finished"


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b31m", "\u202e"])
def test_names_steer_no_log_and_no_terminal(job, capsys, text):
    with pytest.raises(SystemExit), logged(job):
        logging.getLogger("x").warning("source %s", text)
        raise CatalogueError(f"a{text}.csv: no column.")
    with open(job.log[0], encoding="utf-8") as log:
        assert text not in (said := log.read())
    assert f"source {printable(text)}" in said
    assert capsys.readouterr().err == f"nusky: error: a{printable(text)}.csv: no column.\n"
