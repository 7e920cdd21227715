"""The command `nusky`, called in this process."""

import pytest
from typer.testing import CliRunner


@pytest.fixture
def nusky(tmp_path, monkeypatch):
    """Calls the command in an empty folder on a terminal of 80 columns that shows no colours."""
    from nusky.cli.app import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments, **options):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="nusky", **options)

    return call


@pytest.fixture
def refused(nusky):
    """Calls the command, which must end with a message; returns it."""

    def call(*arguments, status=1):
        result = nusky(*arguments)
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        return " ".join(result.stderr.split())

    return call
