"""Results as tables: on the terminal, in Markdown, as JSON."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Report, Value

Rows = list[Sequence[str]]
_PARTS = ("part", "nusky, s", "other side, s", "factor", "other side scaled, s", "ratio")
_VALUES = ("result", "measured", "target")


def show(report: Report, console: Console) -> None:
    """Print a report."""
    console.print(f"\n[bold]{report.title}[/bold]")
    console.print(report.about, highlight=False, markup=False)
    for header, rows in _tables(report):
        table = Table(*header)
        for row in rows:
            table.add_row(*row)
        console.print(table)


def markdown(reports: Sequence[Report], machine: dict[str, str]) -> str:
    """The page docs/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m benchmarks.run --write`; `make bench` measures again without changing this page.",
        "",
        "Events are made by the seeded generator at the size of the ten-year release. In paired timings both sides use",
        "the same threads in one process, the brute force (`benchmarks/brute_force.py`) on a reduced problem; its time",
        "is scaled by the factor given. `tests/benchmarks` shows that both compute the same numbers. The brute force",
        "computes each signal density, band count and acceptance integral once for all weightings.",
        "",
        *(f"- {name}: {value}" for name, value in machine.items()),
    ]
    for report in reports:
        lines += ["", f"## {report.title}", "", report.about]
        for header, rows in _tables(report):
            lines += ["", _line(header), _line(["---"] * len(header)), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def plain(report: Report) -> dict[str, Any]:
    """A report for JSON."""
    content = asdict(report)
    for part, of in zip(content["parts"], report.parts, strict=True):
        part["scaled_s"] = of.scaled_s
    for value, of in zip(content["values"], report.values, strict=True):
        value["met"] = of.met
        if math.isnan(of.value):
            value["value"] = None
    return content


def _tables(report: Report) -> list[tuple[Sequence[str], Rows]]:
    tables: list[tuple[Sequence[str], Rows]] = []
    if report.parts:
        rows = [
            (
                part.name,
                number(part.nusky_s),
                number(part.brute_force_s),
                f"{number(part.factor)} ({part.factor_is})",
                number(part.scaled_s),
                number(part.scaled_s / part.nusky_s),
            )
            for part in report.parts
        ]
        tables.append((_PARTS, rows))
    if report.values:
        tables.append((_VALUES, [(v.name, f"{number(v.value)} {v.unit}".strip(), _verdict(v)) for v in report.values]))
    return tables


def _verdict(value: Value) -> str:
    return f"{value.target}: {'met' if value.met else 'MISSED'}" if value.target else ""


def number(value: float) -> str:
    """Three significant digits without an exponent; whole numbers in full."""
    if math.isnan(value):
        return "unknown"
    if value == 0 or value == round(value):
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
