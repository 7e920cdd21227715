import json
import logging
from types import SimpleNamespace

import pytest

from nusky.errors import CatalogueError
from nusky.files import read_json
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
