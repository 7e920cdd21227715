import subprocess

import pytest

from nusky import revision


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


def test_before_the_first_commit(tree):
    git(tree, "init", "-q")
    assert revision.revision() == "unknown"


def test_without_git(tree, monkeypatch):
    commit(tree)
    monkeypatch.setenv("PATH", "")
    assert revision.revision() == "unknown"


def test_the_workflow_decides_for_its_jobs(tree, monkeypatch):
    commit(tree)
    monkeypatch.setenv(revision.VARIABLE, "as given")
    assert revision.revision() == "as given"
