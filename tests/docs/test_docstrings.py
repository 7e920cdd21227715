"""Public functions have docstrings, those with numbers say units or shapes, and documented parameters exist."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpydoc.validate
import pytest

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "src" / "nusky"
SPEAKING = {"paths.py"}
"""Modules whose properties are what their names say: `Paths.events` is the pattern of the events' file names."""

NUMBERS = re.compile(r"\b(float|ArrayLike|NDArray|ndarray|Array)\b")
UNITS = re.compile(
    r"(?<![A-Za-z'])(rad|deg|degrees|[GMTk]?eV|kpc|cm\b|cm\^|cm2|sr|dex|erg|MiB|inch|inches|years?|days?|seconds?|s)(?![A-Za-z])"
    r"|\) (?:float|int|bool)|\((n_\w+|\d+|\.\.\.)(, ?[\w .*+]+)*,?\)"
    r"|[Ss]ame shape|shape of|any shape|broadcast|dimensionless"
)
IN_NAME = re.compile(r"_(rad|deg|gev|mev|tev|ev|kpc|cm2|sr|s|days|mjd|yr|mib)$|^seconds$")
DIMENSIONLESS = re.compile(
    r"^(n_\w+|gammas?|ts|ts_\w+|\w*tail|rtol|\w*weights?|\w*fraction\w*|\w*ratios?|\w*p_values?|\w*level\w*|\w*sigmas?|"
    r"power|shares?|share_\w+|test_statistic|background_ts|observed\w*|post_trial|threshold\w*|target|least|k|n|chosen|"
    r"rows)$"
)
"""Parameters that have no unit by what they are: counts, indices, probabilities, weights."""


@dataclass(frozen=True)
class Function:
    """A public function or method; `about` is its docstring with that of its class."""

    place: str
    node: ast.FunctionDef
    docstring: str | None
    about: str

    def numbers(self) -> list[str]:
        """Parameters that hold numbers with a unit, by annotation and name."""
        arguments = self.node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        return [
            a.arg
            for a in named
            if a.annotation is not None
            and NUMBERS.search(ast.unparse(a.annotation))
            and not IN_NAME.search(a.arg)
            and not DIMENSIONLESS.match(a.arg)
        ]


def functions() -> Iterator[Function]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if not any(part.startswith("_") and part != "__init__.py" for part in path.relative_to(PACKAGE).parts):
            yield from _inside(ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(PACKAGE)), "")


def _inside(parent: ast.AST, place: str, about: str) -> Iterator[Function]:
    for node in ast.iter_child_nodes(parent):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
            continue
        docstring = ast.get_docstring(node)
        where = f"{place}:{node.lineno} {node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _inside(node, place, docstring or "")
        elif not (place in SPEAKING and node.decorator_list):
            yield Function(where, node, docstring, f"{docstring or ''}\n{about}")


FUNCTIONS = list(functions())


def test_public_functions_have_docstrings():
    # The setter of a property has that of the property.
    setters = [f for f in FUNCTIONS if any("setter" in ast.unparse(d) for d in f.node.decorator_list)]
    missing = [f.place for f in FUNCTIONS if f.docstring is None and f not in setters]
    assert not missing, "public functions without a docstring:\n" + "\n".join(missing)
    assert len(FUNCTIONS) > 300


def test_public_classes_have_docstrings():
    missing = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and ast.get_docstring(node) is None
    ]
    assert not missing, "public classes without a docstring:\n" + "\n".join(missing)


def test_functions_of_numbers_say_units_or_shapes():
    silent = [f"{f.place}({', '.join(f.numbers())})" for f in FUNCTIONS if f.numbers() and not UNITS.search(f.about)]
    assert not silent, "numbers without a unit or a shape in the docstring:\n" + "\n".join(silent)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Angle of the source, rad.", True),
        ("Events, (n_events,) float64.", True),
        ("Flux [GeV^-1 cm^-2 s^-1].", True),
        ("Adds the sources of the source's list.", False),
        ("The degree of the polynomial; reads radii.", False),
    ],
)
def test_the_rule_itself(text, says):
    assert bool(UNITS.search(text)) is says


def test_documented_parameters_exist():
    """Sections are known ones, and what they list are parameters of the function (numpydoc's GL06 and PR02)."""
    found = []
    for module in sorted({f.place.split(":")[0] for f in FUNCTIONS}):
        name = "nusky." + module.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for node in ast.parse((PACKAGE / module).read_text(encoding="utf-8")).body:
            if (
                isinstance(node, ast.FunctionDef)
                and not node.name.startswith("_")
                and "Parameters" in (ast.get_docstring(node) or "")
            ):
                errors = numpydoc.validate.validate(f"{name}.{node.name}")["errors"]
                found += [f"{name}.{node.name}: {message}" for code, message in errors if code in ("GL06", "PR02")]
    assert not found, "\n".join(found)
