"""A fresh clone, an empty environment, and nothing but what the README says."""

import json
import os
import subprocess

import pytest

from tests.docs.markdown import blocks


@pytest.mark.slow
def test_the_readme_leads_from_a_clone_to_results(repository, tmp_path):
    if not (repository / ".git").exists():
        pytest.skip("not a git clone: there is nothing to clone from")
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(repository), str(clone)], check=True)
    text = (clone / "README.md").read_text(encoding="utf-8")
    commands = [block.code for block in blocks(text, "sh") if not block.not_run]
    assert [command.split("  ")[0] for command in commands] == ["make demo"]

    follow(commands[0], clone, home)
    summary = json.loads((clone / "results/demo/summary.json").read_text(encoding="utf-8"))
    assert summary["synthetic"] or summary["n_events"] == 334_677
    assert set(summary["methods"]["standard"]) == {"wcda-hess", "km2a-hess"}
    assert "<html" in (clone / "results/demo/report.html").read_text(encoding="utf-8")[:200].lower()

    for block in blocks(text, "python"):
        (tmp_path / "example.py").write_text(block.code, encoding="utf-8")
        printed = follow(f".venv/bin/python {tmp_path / 'example.py'}", clone, home)
        assert "per MeV cm2 s" in printed


def follow(command: str, folder, home) -> str:
    """Run a command with nothing in the environment but where programs and the home folder are."""
    programs = [part for part in os.environ["PATH"].split(os.pathsep) if ".venv" not in part]
    environment = {"PATH": os.pathsep.join(programs), "HOME": str(home)}
    done = subprocess.run(
        ["sh", "-eu", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=3000
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done.stdout
