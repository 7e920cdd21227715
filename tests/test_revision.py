import os
import subprocess

import pytest

from nusky import revision

OTHER_USER = 65533


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Asks for the revision of a tree of its own; makes it a repository with one commit if asked to."""
    monkeypatch.delenv(revision.VARIABLE, raising=False)
    monkeypatch.setattr(revision, "_TREE", tmp_path)
    revision.revision.cache_clear()
    yield tmp_path
    revision.revision.cache_clear()


def git(folder, *arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder):
    git(folder, "init", "-q")
    (folder / "a.py").write_text("a = 1\n")
    git(folder, "add", "a.py")
    git(folder, "commit", "-qm", "one")
    return git(folder, "rev-parse", "HEAD")


def test_the_commit_of_a_clean_tree(tree):
    head = commit(tree)
    git(tree, "tag", "-a", "v1", "-m", "a tag changes nothing")
    assert revision.revision() == head


def test_changed_files_are_told_and_new_ones_are_not(tree):
    head = commit(tree)
    (tree / "results.parquet").write_text("x")
    assert revision.revision() == head
    revision.revision.cache_clear()
    (tree / "a.py").write_text("a = 2\n")
    assert revision.revision() == f"{head}-dirty"


def test_a_repository_around_an_installed_package_is_not_ours(tree, monkeypatch):
    commit(tree)
    (tree / "lib/python").mkdir(parents=True)
    monkeypatch.setattr(revision, "_TREE", tree / "lib/python")
    assert revision.revision() == "unknown"


def test_before_the_first_commit(tree, caplog):
    git(tree, "init", "-q")
    assert revision.revision() == "unknown"
    assert str(tree) in caplog.text


def test_without_git(tree, monkeypatch, caplog):
    commit(tree)
    monkeypatch.setenv("PATH", "")
    assert revision.revision() == "unknown"
    assert "No such file or directory: 'git'" in caplog.text


def test_a_damaged_repository(tree, caplog):
    commit(tree)
    (tree / ".git/HEAD").write_text("nothing")
    assert revision.revision() == "unknown"
    assert "not a git repository" in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a tree away")
@pytest.mark.parametrize("kind", ["clean", "changed", "linked"])
def test_the_tree_of_another_user_has_the_same_revision(tree, monkeypatch, kind):
    expected = commit(tree)
    if kind == "changed":
        (tree / "a.py").write_text("a = 2\n")
        expected += "-dirty"
    if kind == "linked":
        git(tree, "worktree", "add", "-q", "linked")
        monkeypatch.setattr(revision, "_TREE", tree / "linked")
    for path in (tree, *tree.rglob("*")):
        os.chown(path, OTHER_USER, OTHER_USER, follow_symlinks=False)
    monkeypatch.setenv("HOME", str(tree / "nowhere"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    refused = subprocess.run(["git", "-C", revision._TREE, "describe", "--always"], capture_output=True, text=True)
    assert "dubious ownership" in refused.stderr
    assert revision.revision() == expected


def test_settings_of_the_tree_start_no_program(tree):
    head = commit(tree)
    (tree / "run.sh").write_text(f"#!/bin/sh\ntouch {tree}/sprung\n")
    (tree / "run.sh").chmod(0o755)
    git(tree, "config", "core.fsmonitor", str(tree / "run.sh"))
    assert revision.revision() == head
    assert not (tree / "sprung").exists()


def test_the_workflow_decides_for_its_jobs(tree, monkeypatch):
    commit(tree)
    monkeypatch.setenv(revision.VARIABLE, "as given")
    assert revision.revision() == "as given"
