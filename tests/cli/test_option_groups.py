from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from nusky.cli.option_groups import with_groups


@dataclass(frozen=True)
class Colours:
    """Options of the test."""

    line: Annotated[str, typer.Option(help="Colour of lines.")] = "black"
    width: Annotated[float, typer.Option("--wide", min=0)] = 1.0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a"], "a Colours(line='black', width=1.0) 3"),
        (["a", "--line", "red", "--wide", "2", "--n", "4"], "a Colours(line='red', width=2.0) 4"),
    ],
)
def test_fields_are_options_in_the_place_of_their_parameter(words, expected):
    app = typer.Typer()

    @app.command()
    @with_groups
    def draw(what: str, *, colours: Colours, n: int = 3) -> None:
        typer.echo(f"{what} {colours} {n}")

    assert CliRunner().invoke(app, words).output.strip() == expected
    shown = CliRunner().invoke(app, ["--help"]).output
    assert shown.index("Colour of lines.") < shown.index("--wide") < shown.index("--n ")
