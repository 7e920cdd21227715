"""Write the report of a run: one HTML file that needs no other file and no network."""

import base64
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nusky.conventions import index_text
from nusky.errors import ConfigurationError
from nusky.files import write_text
from nusky.report import bdm
from nusky.report.inference import inference_findings, inference_tables
from nusky.report.page import page_template
from nusky.report.skymap import skymap_findings, skymap_tables

MISSING = "–"
LIMIT_UNIT = "GeV cm⁻² s⁻¹"
_MEDIA_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Table:
    """A table of the report."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    """Cells are numbers, text or None for a number there is not."""
    description: str = ""


def build_report(
    summary: Mapping[str, Any], figures: Sequence[Mapping[str, Any]], output: str | os.PathLike[str]
) -> None:
    """Write the report of a run to `output`.

    Parameters
    ----------
    summary
        Content of the run's ``summary.json``; null where there is no number.
    figures
        In order of appearance: `path` of a PNG or SVG file, `title` and `caption` (plain text).

    Raises
    ------
    ConfigurationError
        When a figure is in a format that a page cannot show.
    """
    page = page_template("template.html.j2", number=format_number).render(
        summary=summary,
        lead=_lead(summary),
        findings=[*_findings(summary), *skymap_findings(summary.get("skymap"), format_number)],
        notes=list(_notes(summary)),
        figures=[{**figure, "image": _embed(Path(figure["path"]))} for figure in figures],
        bdm=_bdm(summary),
        tables=[
            *_bdm_tables(summary),
            *_inference_tables(summary),
            *(Table(*parts) for parts in skymap_tables(summary.get("skymap"))),
            *_stacking_tables(summary),
            *_single_source_tables(summary),
        ],
    )
    write_text(output, page)


def format_number(value: Any) -> str:
    """A number for people: four significant digits, thousands separated, powers of ten written out."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}".replace("-", "−")
    decimals = 0 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def _embed(path: Path) -> str:
    if path.suffix not in _MEDIA_TYPES:
        raise ConfigurationError(
            f"{path}: a page cannot show this format; the report needs a png or svg of every figure. "
            "Add `png` to `figures.formats`."
        )
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_MEDIA_TYPES[path.suffix]};base64,{content}"


def _bdm(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Text of the section on boosted dark matter; None where there is none."""
    found = summary.get("bdm")
    return {"lead": bdm.lead(found), "differences": bdm.DIFFERENCES} if found else None


def _bdm_tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    if summary.get("bdm"):
        yield Table("Boosted dark matter, published and standard", bdm.COLUMNS, bdm.rows(summary["bdm"]))


def _lead(summary: Mapping[str, Any]) -> str:
    seasons = summary["seasons"]
    if not seasons:
        return "No events were searched."
    what = "events, some or all of them generated," if summary["synthetic"] else "events"
    text = f"{format_number(summary['n_events'])} {what} of {_count(len(seasons), 'season')} ({', '.join(seasons)})"
    if summary.get("livetime_days") is not None:
        text += f", {format_number(round(float(summary['livetime_days']), 1))} days of livetime,"
    names = [
        f"{name} ({_count(catalogue.get('n_sources'), 'source')})" for name, catalogue in summary["catalogues"].items()
    ]
    return f"{text} were searched for neutrinos from {_listed(names) or 'no catalogue'}."


def _findings(summary: Mapping[str, Any]) -> Iterator[str]:
    """One sentence per method, catalogue and kind of search."""
    for method, catalogue, result in _results(summary):
        where = f"{catalogue}, {method} method"
        stacks = list(_stacks(result))
        limits = [stack for stack in stacks if stack[2].get("ul95_e2dnde_100tev_gev_cm2_s") is not None]
        if limits:
            weighting, gamma, best = min(limits, key=lambda stack: stack[2]["ul95_e2dnde_100tev_gev_cm2_s"])
            yield (
                f"{where}: the lowest 95 % upper limit of the stack is E² dN/dE < "
                f"{format_number(best['ul95_e2dnde_100tev_gev_cm2_s'])} {LIMIT_UNIT} at 100 TeV for one flavour "
                f"({index_text(gamma)}, {weighting} weights)."
            )
        elif stacks:
            yield f"{where}: no upper limit lies inside the scanned range of fluxes."
        excesses = [stack for stack in stacks if stack[2].get("ts_max") is not None]
        if excesses:
            weighting, gamma, best = max(excesses, key=lambda stack: stack[2]["ts_max"])
            if best["ts_max"] > 0:
                yield (
                    f"{where}: the largest test statistic of the stack is {format_number(float(best['ts_max']))}, "
                    f"at {format_number(best.get('n_signal_at_max'))} signal events "
                    f"({index_text(gamma)}, {weighting} weights)."
                )
            else:
                yield f"{where}: the test statistic of the stack never exceeds zero."
        tested = [source for source in result.get("single_sources") or [] if source.get("ts_max") is not None]
        if tested:
            best = max(tested, key=lambda source: source["ts_max"])
            yield (
                f"{where}: of {_count(len(tested), 'single source')}, {best['name']} ({best['origin']}) has the "
                f"largest test statistic, {format_number(float(best['ts_max']))}, at "
                f"{format_number(best.get('ns_best'))} signal events; not corrected for the number of sources."
            )
        yield from (f"{where}: {sentence}" for sentence in inference_findings(result.get("inference"), format_number))


def _notes(summary: Mapping[str, Any]) -> Iterator[str]:
    for name, catalogue in summary["catalogues"].items():
        yield from (f"{name}: {note}" for note in catalogue.get("notes") or [])
    for method, name, result in _results(summary):
        yield from (f"{name}, {method} method: {note}" for note in result.get("notes") or [])


_STACKING_COLUMNS = {
    "n_sources": "sources",
    "ns_per_phi0_per_gev": "events per φ₀ [GeV cm² s]",
    "ns_per_phi0_per_ev": "events per φ₀ [eV cm² s]",
    "ts_max": "TS max",
    "phi0_at_max_per_ev": "φ₀ at max [eV⁻¹ cm⁻² s⁻¹]",
    "n_signal_at_max": "events at max",
    "ul95_e2dnde_100tev_gev_cm2_s": f"95 % limit, E² dN/dE at 100 TeV [{LIMIT_UNIT}]",
}
_SINGLE_SOURCE_COLUMNS = {
    "name": "source",
    "origin": "list",
    "ra_deg": "RA [deg]",
    "dec_deg": "Dec [deg]",
    "n_band": "events in band",
    "ts_max": "TS max",
    "ns_best": "signal events",
}


def _stacking_tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    rows: dict[str, list[list[Any]]] = {}
    for method, catalogue, result in _results(summary):
        for weighting, gamma, stack in _stacks(result):
            numbers = [stack.get(key) for key in _STACKING_COLUMNS]
            rows.setdefault(catalogue, []).append([method, weighting, gamma, *numbers])
    for catalogue, body in rows.items():
        yield Table(
            f"Stack of {catalogue}",
            ["method", "weights", "γ", *_STACKING_COLUMNS.values()],
            body,
            "Flux of all sources together, one flavour (neutrinos and antineutrinos); φ₀ is its value at 100 TeV.",
        )


def _single_source_tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    for method, catalogue, result in _results(summary):
        sources = sorted(result.get("single_sources") or [], key=_by_test_statistic)
        if sources:
            yield Table(
                f"Single sources of {catalogue}, {method} method",
                list(_SINGLE_SOURCE_COLUMNS.values()),
                [[source.get(key) for key in _SINGLE_SOURCE_COLUMNS] for source in sources],
                "Largest test statistic first."
                + (" TS is taken with decimal logarithms, as published." if method == "published" else ""),
            )


def _inference_tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    for method, catalogue, result in _results(summary):
        for parts in inference_tables(result.get("inference"), f"{catalogue}, {method} method"):
            yield Table(*parts)


def _by_test_statistic(source: Mapping[str, Any]) -> float:
    return math.inf if source.get("ts_max") is None else -source["ts_max"]


def _results(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for method, catalogues in summary["methods"].items():
        for catalogue, result in catalogues.items():
            yield method, catalogue, result or {}


def _stacks(result: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for weighting, by_gamma in (result.get("stacking") or {}).items():
        for gamma, stack in by_gamma.items():
            yield weighting, gamma, stack or {}


def _count(number: int | None, noun: str) -> str:
    return f"{format_number(number)} {noun}{'' if number == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
