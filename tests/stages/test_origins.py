"""What the files of a run come from."""

import os
import shutil

import pytest

from nusky import config, tables
from nusky.files import sha256, write_json
from nusky.stages import origins
from nusky.stages.run_log import RunLog
from tests.stages.test_run_log import job  # noqa: F401

ROOT = "results/r"


def table(path, values=(1.0, 2.0)):
    tables.write_table(path, {"a": list(values)}, kind="toy", provenance=tables.Provenance(False))
    return path


@pytest.fixture
def made(job, tmp_path):  # noqa: F811
    """A table of the run `results/r`, with the run log of the job that made it."""
    log = RunLog(tmp_path / job.log[1], job)
    table(tmp_path / job.output[0])
    log.end("finished")
    return job.output[0]


def test_what_jobs_of_the_run_wrote_is_known(made, tmp_path):
    assert origins.strangers(tmp_path, ROOT, [made, "results/r/not_there.parquet"]) == origins.Strangers([], [])


def test_a_table_of_another_run_in_its_place_is_noticed_whatever_its_time(made, tmp_path):
    other = table(tmp_path / "results/other/a.parquet", (1.0, 3.0))
    os.utime(other, (1e9, 1e9))
    shutil.copy2(other, tmp_path / made)
    assert origins.strangers(tmp_path, ROOT, [made]).changed == [made]


def test_a_table_no_job_made_is_noticed(made, tmp_path):
    added = str(table(tmp_path / "results/r/b.parquet").relative_to(tmp_path))
    found = origins.strangers(tmp_path, ROOT, [made, added])
    assert (found.changed, found.unaccounted) == ([], [added])


def test_a_copied_folder_is_not_that_of_the_run(made, tmp_path):
    shutil.copytree(tmp_path / ROOT, tmp_path / "results/copy")
    copied = made.replace("/r/", "/copy/")
    assert origins.strangers(tmp_path, "results/copy", [copied]).unaccounted == [copied]


def test_the_last_job_that_wrote_a_table_counts(made, tmp_path):
    """Rules may have been called otherwise when the table was first made."""
    old = {"outputs": [made], "outputs_sha256": {made: "0" * 64}, "ended": "2000-01-01T00:00:00.000+00:00"}
    write_json(tmp_path / ROOT / "logs/zzz.json", old)
    assert origins.strangers(tmp_path, ROOT, [made]).changed == []


def test_tables_of_two_states_of_the_code_are_named(tmp_path, monkeypatch):
    paths = [table(tmp_path / f"{name}.parquet") for name in "ab"]
    assert len(origins.code(paths)) == 1
    monkeypatch.setattr(tables, "revision", lambda: "later")
    paths.append(table(tmp_path / "c.parquet"))
    (same,) = origins.code(paths)  # another revision of the same sources computes the same
    assert (same["tables"], "later" in same["git_revisions"], len(same["git_revisions"])) == (3, True, 2)
    monkeypatch.setattr(tables, "sources_sha256", lambda: "f" * 64)
    paths.append(table(tmp_path / "d.parquet"))
    first, second = origins.code(paths)
    assert (first["tables"], second["tables"], second["sources_sha256"]) == (3, 1, "f" * 64)
    assert origins.warnings([first], []) == []
    (warning,) = origins.warnings([first, second], [])
    assert "revision later" in warning
    assert "ffffffffffff" in warning


def test_digests_of_what_was_given_follow_the_content_alone(tmp_path):
    own = tmp_path / "mine.csv"
    own.write_text("name,ra_deg,dec_deg\na,1,2\n")
    catalogue = config.Catalogue(lists=[{"builtin": "hess"}, {"file": str(own)}])
    first = origins.of_lists(catalogue)
    assert first[-1] == sha256(own)
    os.utime(own, (1e9, 1e9))
    assert origins.of_lists(catalogue) == first
    own.write_text("name,ra_deg,dec_deg\na,1,3\n")
    os.utime(own, (1e9, 1e9))
    assert origins.of_lists(catalogue)[:-1] == first[:-1]
    assert origins.of_lists(catalogue)[-1] != first[-1]
    detector = tmp_path / "mine.yaml"
    detector.write_text("a: 1")
    assert origins.of_detectors(["juno", str(detector)])[1] == sha256(detector)
    assert origins.of_detectors(["juno", "dune"])[0] == origins.of_detectors(["juno"])[0]
    assert len(origins.of_supernovae()[0]) == 64


def test_digests_of_a_release_are_those_of_the_files_it_needs(tmp_path):
    archive = tmp_path / "release.zip"
    archive.write_bytes(b"one")
    named = config.Release(name="icecube-3yr", local_path=str(archive))
    assert origins.of_release(named) == [sha256(archive)]
    assert origins.of_release(config.Release(name="icecube-3yr")) == []
    given = {"A": archive, "B": tmp_path / "none.csv"}
    events = [
        {"name": name, "file": str(path), "ang_err_deg": 1.0, "livetime_days": 9.0} for name, path in given.items()
    ]
    lists = config.Release(name="lists", events=events)
    assert origins.of_release(lists) == [sha256(archive), "missing"]
    folder = tmp_path / "folder"
    folder.mkdir()
    seasons = config.Release(name="icecube-3yr", local_path=str(folder), seasons=["IC79-2010"])
    assert origins.of_release(seasons) == []  # no release: said with its reason when it is read
    for name in ("IC79-2010-events.txt", "IC79-2010-TabulatedAeff.txt", "IC79-2010-AngRes.txt", "notes.txt"):
        (folder / name).write_text(name)
    first = origins.of_release(seasons)
    assert len(first) == 3  # with the angular resolution
    (folder / "notes.txt").write_text("else")
    assert origins.of_release(seasons) == first
    (folder / "IC79-2010-events.txt").unlink()
    assert origins.of_release(seasons) == ["missing", *first[1:]]
