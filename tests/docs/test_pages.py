"""The documentation's own claims: its code runs, its configurations are valid, its links lead somewhere.

Every code block of every page is run, in the order of the page, or says above it why not. Pages whose blocks call the
shell, or read the results of the demo, share one folder in which `make demo` makes a small run of generated events.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from nusky import config
from tests.conftest import REPOSITORY
from tests.docs.markdown import Block, blocks, pages

PAGES = pages(REPOSITORY)
NO_CODE = {"", "text", "{toctree}", "diff"}
"""Languages of blocks that hold nothing to run; `diff` belongs to the recipes of CONTRIBUTING.md."""
ELSEWHERE = {
    "CONTRIBUTING.md": ("python", "sh"),
    "README.md": ("sh",),
    "docs/cli.md": ("sh",),
    "docs/tutorials/name_to_table.md": ("python",),
}
"""Page -> languages a test of its own runs: `test_contributing.py`, `test_readme_word_for_word.py`, `test_cli.py`."""
DATA = {"docs/tutorials/flare.md": ("txs", "txs0506_release_2018")}
"""Page -> the folder it reads and which of the validation data that is."""
FIRST = "docs/tutorials/first_run.md"

SMALL = {
    "release": {"synthetic": "always", "generator": {"event_fraction": 0.03}},
    "figures": {"formats": ["png"], "dpi": 50},
}
"""What the configurations of the pages get here: generated events, small figures."""
SMALL_DEMO = {"run": "demo", "release": {"name": "icecube-3yr"}, "catalogues": {"wcda-hess": {"gammas": [2.0, 2.53]}}}


def read(page: str) -> list[Block]:
    return blocks((REPOSITORY / page).read_text(encoding="utf-8"))


def runnable(page: str) -> list[Block]:
    """The blocks of a page that are run here."""
    return [
        block
        for block in read(page)
        if block.language not in NO_CODE and not block.not_run and block.language not in ELSEWHERE.get(page, ())
    ]


def needs_a_run(page: str) -> bool:
    return any(b.language == "sh" or (b.language == "python" and "results/" in b.code) for b in runnable(page))


def is_plain(page: str) -> bool:
    return not needs_a_run(page) and any(block.language == "python" for block in runnable(page))


def execute(page: str, block: Block, namespace: dict) -> None:
    # Padding makes a traceback name the line of the page.
    exec(compile("\n" * (block.line - 1) + block.code, page, "exec"), namespace)


def test_every_language_is_run_or_known_to_hold_no_code():
    assert {block.language for page in PAGES for block in read(page)} <= {*NO_CODE, "python", "sh", "yaml"}


def test_blocks_that_are_not_run_are_few_and_say_why():
    code = [block for page in PAGES for block in read(page) if block.language not in NO_CODE]
    left_out = [block for block in code if block.not_run]
    assert len(left_out) < len(code) / 4
    assert all(len(block.not_run) > 15 for block in left_out)


@pytest.mark.parametrize("page", [page for page in PAGES if is_plain(page)])
def test_python_runs_in_order(page, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if page in DATA:
        folder, name = DATA[page]
        (tmp_path / folder).symlink_to(request.getfixturevalue("validation_data") / name)
    namespace = {"__name__": "examples"}
    for block in runnable(page):
        if block.language == "python":
            execute(page, block, namespace)


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "yaml" for b in read(page))])
def test_configurations_shown_are_valid(page):
    for block in read(page):
        if block.language == "yaml":
            content = yaml.safe_load(block.code)
            config.parse({"run": "example", "catalogues": {"wcda-hess": {}}, **content}, where=f"{page}:{block.line}")


@pytest.mark.parametrize("page", PAGES)
def test_links_inside_the_repository_exist(page):
    path = REPOSITORY / page
    prose = re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", prose)
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert not missing, f"{page} links to files that do not exist"


def test_the_summary_page_names_every_key():
    from nusky.stages import summary

    text = (REPOSITORY / "docs/summary.md").read_text(encoding="utf-8")
    for column in summary._STACK_COLUMNS:
        assert f"`{summary._RENAMED.get(column, column)}`" in text


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """A folder like a clone after `make`, with a small demo; environment, sources and lists are those of this one."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("Makefile", "Snakefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, folder)
    shutil.copytree(REPOSITORY / "workflow", folder / "workflow")
    for name in ("src", "resources", "environment.yml"):
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / ".venv").mkdir()
    for entry in (REPOSITORY / ".venv").iterdir():
        if not entry.name.startswith(".ready-"):
            (folder / ".venv" / entry.name).symlink_to(entry)
    shell("touch .venv/.ready-$(cat requirements.lock pyproject.toml | cksum | cut -d' ' -f1)", folder)
    write_small(folder / "config/demo.yaml", SMALL_DEMO)
    return folder


def write_small(path: Path, content: dict) -> None:
    """Write a configuration with generated events and small figures in place of real ones."""
    small = {**content, "figures": SMALL["figures"]}
    if content.get("catalogues"):
        small["release"] = {**content["release"], **SMALL["release"]}
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(small), encoding="utf-8")


def shell(code: str, folder: Path) -> None:
    environment = {**os.environ, "CORES": "2"}
    done = subprocess.run(
        ["bash", "-eu", "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, f"{code}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", sorted((page for page in PAGES if needs_a_run(page)), key=lambda page: (page != FIRST, page))
)
def test_a_page_runs_from_top_to_bottom(page, workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    if page != FIRST and not (workspace / "results/demo/summary.json").exists():
        shell("make demo", workspace)
    namespace = {"__name__": "examples"}
    for block in runnable(page):
        if block.language == "sh":
            shell(block.code, workspace)
        elif block.language == "python":
            execute(page, block, namespace)
        elif named := re.match(r"# (\S+\.yaml)\n", block.code):
            write_small(workspace / named[1], yaml.safe_load(block.code))
