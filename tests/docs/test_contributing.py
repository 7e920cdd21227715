"""The recipes of CONTRIBUTING.md work: their blocks are applied to a copy of the repository."""

import os
import re
import shutil
import subprocess

import pytest

from tests.docs.markdown import Block, blocks

RECIPES = ("release", "catalogue", "weighting", "figure", "term to the likelihood", "spectrum")


def section(repository, title: str) -> str:
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_works(repository, recipe, tmp_path):
    copy = tmp_path / "nusky"
    left_out = shutil.ignore_patterns(
        ".git", ".venv", "results", "data", ".snakemake", "__pycache__", "_build", "_generated", ".*_cache"
    )
    shutil.copytree(repository, copy, ignore=left_out, symlinks=True)
    (copy / ".venv").symlink_to(repository / ".venv")
    steps = blocks(section(repository, f"Add a {recipe}"))
    assert steps[-1].language == "sh"
    assert "pytest" in steps[-1].code
    for step in steps:
        apply(step, copy)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_fits_the_files_that_it_changes(repository, recipe, tmp_path):
    changes = [step for step in blocks(section(repository, f"Add a {recipe}")) if not step.above.endswith("Run:")]
    assert changes
    for step in changes:
        name = named(step)[1]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (repository / name).exists() and not (tmp_path / name).exists():
            shutil.copy(repository / name, tmp_path / name)
    for step in changes:
        apply(step, tmp_path)


def named(step: Block) -> tuple[str, str]:
    """What a block does, and to which file."""
    return re.search(r"(New file|Append to|Change) `([^`]+)`:$", step.above).groups()


def apply(step: Block, copy) -> None:
    """Do what a block says: run it, write it, append it, or change a file by it."""
    if step.above.endswith("Run:"):
        environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
        done = subprocess.run(
            ["bash", "-eu", "-c", step.code], cwd=copy, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{step.code}{done.stdout}{done.stderr}"
        return
    action, name = named(step)
    path = copy / name
    if action == "New file":
        assert not path.exists(), f"{name} exists already"
        path.write_text(step.code, encoding="utf-8")
    elif action == "Append to":
        path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{step.code}", encoding="utf-8")
    else:
        change(path, step.code)


def change(path, diff: str) -> None:
    """Replace the lines of `diff` that begin with a blank or a minus by those that begin with a blank or a plus."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] != "+")
    after = "".join(line[1:] for line in lines if line[0] != "-")
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{path.name} does not hold exactly once:\n{before}"
    path.write_text(text.replace(before, after), encoding="utf-8")
