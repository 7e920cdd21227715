"""A fresh clone, an empty environment, and nothing but what the README says; then a tutorial on the demo's events."""

import json
import os
import subprocess

import pytest

from tests.docs.markdown import blocks


@pytest.fixture(scope="module")
def clone(repository, tmp_path_factory):
    """A clone in which the commands of the README were followed; its home folder lies beside it."""
    if not (repository / ".git").exists():
        pytest.skip("not a git clone: there is nothing to clone from")
    clone = tmp_path_factory.mktemp("readme") / "clone"
    (clone.parent / "home").mkdir()
    subprocess.run(["git", "clone", "--quiet", str(repository), str(clone)], check=True)
    text = (clone / "README.md").read_text(encoding="utf-8")
    demo, own_list = (block.code for block in blocks(text, "sh") if not block.not_run)
    assert demo.split("  ")[0] == "make demo"
    assert "nusky init" in own_list  # tests/test_installed.py follows it, on few events
    follow(demo, clone)
    return clone


@pytest.mark.slow
def test_the_readme_leads_from_a_clone_to_results(clone):
    summary = summary_of(clone)
    assert summary["synthetic"] or summary["n_events"] == 334_677
    assert set(summary["methods"]["standard"]) == {"wcda-hess", "km2a-hess"}
    assert "<html" in (clone / "results/demo/report.html").read_text(encoding="utf-8")[:200].lower()
    for block in blocks((clone / "README.md").read_text(encoding="utf-8"), "python"):
        assert "per MeV cm2 s" in run(block.code, clone)


@pytest.mark.slow
def test_a_page_leads_from_names_to_a_table_on_the_events_of_the_demo(clone):
    if summary_of(clone)["synthetic"]:
        pytest.skip("the three-year release cannot be reached from here")
    page = (clone / "docs/tutorials/name_to_table.md").read_text(encoding="utf-8")
    assert "NGC 1068" in run("\n".join(block.code for block in blocks(page, "python")), clone)
    rows = (clone / "sources.tex").read_text(encoding="utf-8").split(r"\startdata")[1].split(r"\enddata")[0]
    assert [row.count("&") for row in rows.strip().splitlines()] == [7] * 5


def summary_of(clone) -> dict:
    return json.loads((clone / "results/demo/summary.json").read_text(encoding="utf-8"))


def run(code: str, clone) -> str:
    """What a program prints that stands outside of the clone and runs in it."""
    (clone.parent / "example.py").write_text(code, encoding="utf-8")
    return follow(f".venv/bin/python {clone.parent / 'example.py'}", clone)


def follow(command: str, clone) -> str:
    """Run a command with nothing in the environment but where programs and the home folder are."""
    programs = [part for part in os.environ["PATH"].split(os.pathsep) if ".venv" not in part]
    environment = {"PATH": os.pathsep.join(programs), "HOME": str(clone.parent / "home")}
    done = subprocess.run(
        ["sh", "-eu", "-c", command], cwd=clone, env=environment, capture_output=True, text=True, timeout=3000
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done.stdout
