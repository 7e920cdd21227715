"""The page of the command line: its examples run, and it says what the command says."""

import re
import shlex
import shutil

import numpy as np
import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from nusky.cli import exit_status
from nusky.cli.app import app
from nusky.files import write_json
from nusky.tables import Provenance, write_table
from tests.conftest import REPOSITORY
from tests.docs.markdown import blocks, pages
from tests.report.test_report import inferred

TEXT = (REPOSITORY / "docs/cli.md").read_text(encoding="utf-8")
EXAMPLES = [line for block in blocks(TEXT, "sh") if not block.not_run for line in block.code.splitlines()]
SUMMARY = inferred() | {
    "run": "demo",
    "release": "icecube-3yr",
    "n_events": 3,
    "livetime_days": 1.0,
    "seed": 1,
    "git_revision": "abc",
    "config_hash": "def",
    "synthetic": True,
    "seasons": ["IC79-2010"],
    "versions": {"nusky": "1"},
    "tables_sha256": {},
    "bdm": None,
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A folder with the configurations, the list of the page and tables where the demo has them."""
    folder = tmp_path_factory.mktemp("cli")
    shutil.copytree(REPOSITORY / "config", folder / "config")
    (folder / "mine.csv").write_text(blocks(TEXT, "text")[0].code)
    results = folder / "results/demo"
    write_json(results / "summary.json", SUMMARY)
    for name, columns in {
        "standard/limits/wcda-hess/flux": {"gamma": [2.0, 3.0]},
        "seasons": {"season": ["IC79-2010"], "n_events": [93_133]},
        "sources/wcda-hess": {"name": ["A"], "ra_deg": [1.0]},
    }.items():
        arrays = {key: np.array(values) for key, values in columns.items()}
        write_table(results / f"{name}.parquet", arrays, kind="test", provenance=Provenance(False))
    return folder


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_run(example, workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    command, _, output = example.partition(" > ")
    program, *arguments = shlex.split(command)
    assert program == "nusky"
    result = CliRunner().invoke(app, arguments, prog_name="nusky")
    assert result.exit_code == 0, result.output
    assert result.stdout
    if output:
        (workspace / output).write_text(result.stdout)


def parsed(line):
    """What the command line of `line` means; raises where a command or an option does not exist."""
    _, *arguments = shlex.split(line.partition(" > ")[0], comments=True)
    command = get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    return command.make_context("nusky", arguments).params


def test_all_pages_call_commands_and_options_that_exist():
    """In blocks that are not run, too."""
    found = [block for page in pages(REPOSITORY) for block in blocks((REPOSITORY / page).read_text("utf-8"), "sh")]
    lines = [line for block in found for line in block.code.replace("\\\n", " ").splitlines()]
    calls = [line for line in lines if re.match(r"(\.venv/bin/)?nusky ", line)]
    assert len(calls) > 50
    assert all(parsed(line) is not None for line in calls)
    with pytest.raises(Exception, match="No such option: --weigth"):
        parsed("nusky init blazars.csv --weigth flux")


def test_every_subcommand_has_an_example():
    shown = {" ".join(example.split()[1:3]) for block in blocks(TEXT, "sh") for example in block.code.splitlines()}
    for group, names in {
        "data": ("list", "fetch", "verify"),
        "catalogue": ("show", "validate"),
        "bdm": ("flux", "events", "skymap"),
    }.items():
        assert {f"{group} {name}" for name in names} <= shown
    assert any(example.startswith("check ") for example in shown)
    assert any(example.startswith("show ") for example in shown)


def test_the_table_of_statuses_is_complete():
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}
    assert listed == {value for name, value in vars(exit_status).items() if name.isupper()}


def test_the_units_are_those_of_the_options():
    from nusky.cli import quantities

    for kind in (quantities.ENERGY, quantities.TIME, quantities.DISTANCE, quantities.AREA):
        assert ", ".join(kind.units) in TEXT


def test_the_block_that_validate_prints_is_yaml(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    example = next(line for line in EXAMPLES if "validate" in line)
    printed = CliRunner().invoke(app, shlex.split(example)[1:]).stdout
    assert yaml.safe_load(printed.partition("configuration:\n")[2])["catalogues"]["mine"]["lists"]
