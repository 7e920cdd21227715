import os
import subprocess
import sys

import pytest

from nusky import __version__
from nusky.cli import app as command
from nusky.errors import CatalogueError

NUSKY = [sys.executable, "-c", "from nusky.cli import main; main()"]
GROUPS = ["check", "show", "data", "catalogue", "bdm", "version"]
COMMANDS = [
    ["check"],
    ["show"],
    ["version"],
    *(["data", name] for name in ("list", "fetch", "verify")),
    *(["catalogue", name] for name in ("show", "validate")),
    *(["bdm", name] for name in ("flux", "events", "skymap")),
]


def test_help_names_every_command_and_exit_status(nusky):
    result = nusky("--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert all(f"\n  {name} " in result.stdout for name in GROUPS)
    for status in (0, 1, 2, 3, 70, 130):
        assert f"{status:3}  " in result.stdout


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_shows_an_example(nusky, arguments):
    result = nusky(*arguments, "--help")
    assert result.exit_code == 0
    assert f"\n    nusky {' '.join(arguments)}" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_help_imports_nothing_heavy():
    heavy = ("numba", "numpy", "pandas", "astropy", "pyarrow", "scipy", "matplotlib", "pydantic", "snakemake")
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom nusky.cli.app import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_version(nusky, arguments):
    result = nusky(*arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"nusky {__version__} (revision ")


def test_no_subcommand_shows_the_help(nusky):
    result = nusky()
    assert result.exit_code == 2
    assert "Usage: nusky" in result.output


def failing(error):
    def fail(*_arguments, **_options):
        raise error

    return fail


@pytest.fixture
def breaks(monkeypatch):
    """Makes `nusky version` fail with an error."""

    def install(error):
        monkeypatch.setattr("nusky.revision.revision", failing(error))

    return install


def test_an_error_of_nusky_is_its_message(nusky, breaks):
    breaks(CatalogueError("mine.csv: holds no source."))
    result = nusky("version")
    assert (result.exit_code, result.stderr) == (1, "nusky: error: mine.csv: holds no source.\n")


def test_debug_adds_the_traceback(nusky, breaks):
    breaks(CatalogueError("mine.csv: holds no source."))
    result = nusky("--debug", "version")
    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.endswith("nusky: error: mine.csv: holds no source.\n")


def test_an_unforeseen_error_says_how_to_report_it(nusky, breaks):
    breaks(RuntimeError("odd"))
    result = nusky("version")
    assert result.exit_code == 70
    assert "unforeseen error: RuntimeError: odd." in result.stderr
    assert "nusky --debug" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_must_not_be_read_is_named(nusky, breaks):
    breaks(PermissionError(13, "Permission denied", "secret.parquet"))
    result = nusky("version")
    assert result.exit_code == 1
    assert "secret.parquet: Permission denied" in result.stderr


def test_ctrl_c_ends_with_a_plain_word(nusky, breaks):
    breaks(KeyboardInterrupt())
    result = nusky("version")
    assert result.exit_code == 130
    assert result.stderr == "nusky: interrupted; what was finished before is kept\n"


def test_a_real_interrupt():
    code = """
import os, signal, sys
import nusky.revision
from nusky.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
nusky.revision.revision = lambda: os.kill(os.getpid(), signal.SIGINT)
sys.argv = ["nusky", "version"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "nusky: interrupted; what was finished before is kept\n"


def test_a_reader_that_has_seen_enough():
    done = subprocess.run(
        [*NUSKY, "catalogue", "show", "hess", "--rows", "95"],
        stdout=pipe_nobody_reads(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0
    assert done.stderr == ""


def pipe_nobody_reads():
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_wrong_usage_is_2(refused):
    assert "No such option" in refused("version", "--loud", status=2)
    assert "No such command" in refused("bake", status=2)


def test_completion_scripts_are_there(nusky):
    assert "--install-completion" in nusky("--help").stdout


def test_documented_statuses_are_those_of_the_code():
    statuses = {command.OK, command.FAILED, command.USAGE, command.UNFINISHED, command.UNFORESEEN, command.INTERRUPTED}
    assert statuses == {0, 1, 2, 3, 70, 130}
