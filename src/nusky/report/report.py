"""Write the report of a run: one HTML file that needs no other file and no network."""

import base64
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup, escape

from nusky.conventions import FLUENCE, IN_WINDOW, index_text
from nusky.errors import ConfigurationError
from nusky.files import write_text
from nusky.printable import printable
from nusky.probability import least
from nusky.report import bdm
from nusky.report.columns import FLUX_UNIT, titled
from nusky.report.inference import inference_findings, inference_tables
from nusky.report.numbers import Probability, cell_of, format_number, index_cell
from nusky.report.page import page_template
from nusky.report.rows import PARAMETERS, source_rows, stack_rows
from nusky.report.skymap import skymap_findings, skymap_tables
from nusky.report.verdict import (
    REFERENCE_GAMMA,
    energies,
    energy,
    inferred,
    reference,
    results,
    scan_words,
    tests,
    verdict,
)

PUBLISHED = (
    "It repeats the LHAASO and H.E.S.S. stacking analysis of arXiv:2205.15963 digit for digit, its mistakes "
    "included, so that those numbers can be checked. It is here for comparison only: draw no conclusion from it."
)
_REFERENCE = re.compile(r"\b(doi|arXiv):([\w./()-]*[\w)])", re.ASCII)
_EQUATION = re.compile(r"\b(?:p|f|TS|γ) (?:=|&lt;|&gt;) [\d.]+")
_MEDIA_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


MOST_ROWS = 5000
"""Of a table; browsers take long for more, and nobody reads them."""


@dataclass(frozen=True)
class Table:
    """A table of the report: of very long ones the beginning."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    """Cells are numbers, text or None for a number there is not."""
    description: str = ""

    def __post_init__(self) -> None:
        if len(self.rows) > MOST_ROWS:
            told = f"The first {MOST_ROWS} of {len(self.rows)} rows; summary.json has all."
            object.__setattr__(self, "description", f"{self.description} {told}".strip())
            object.__setattr__(self, "rows", self.rows[:MOST_ROWS])


@dataclass(frozen=True)
class Part:
    """A section of the report: sentences, figures and tables, in this order; empty ones are left out.

    What several tables have in common is explained once. Sentences that begin with one of several `catalogues` stand
    together below its name.
    """

    key: str
    title: str
    text: Sequence[str] = ()
    findings: Sequence[str] = ()
    figures: Sequence[Mapping[str, Any]] = ()
    tables: Sequence[Table] = ()
    catalogues: Sequence[str] = ()

    def __post_init__(self) -> None:
        first: dict[str, Table] = {}
        shown = []
        for table in self.tables:
            known = first.setdefault(table.description, table)
            told = table.description if known is table or not known.description else f"As for: {known.title}."
            shown.append(replace(table, description=told))
        object.__setattr__(self, "tables", shown)

    @property
    def groups(self) -> Iterator[tuple[str, list[str]]]:
        """Sentences by the catalogue that they are about."""
        found: dict[str, list[str]] = {}
        for sentence in self.findings:
            name, _, rest = sentence.partition(": ")
            several = len(self.catalogues) > 1 and name in self.catalogues
            found.setdefault(name if several else "", []).append(rest[:1].upper() + rest[1:] if several else sentence)
        yield from found.items()

    def __bool__(self) -> bool:
        return bool(self.findings or self.figures or self.tables)


def build_report(
    summary: Mapping[str, Any], figures: Sequence[Mapping[str, Any]], output: str | os.PathLike[str]
) -> None:
    """Write the report of a run to `output`.

    Parameters
    ----------
    summary
        Content of the run's ``summary.json``; null where there is no number.
    figures
        In order of appearance: `path` of a PNG or SVG file, `title` and `caption` (plain text); `published` where it
        shows the published method, `pdf` where it lies beside the page as PDF: its address from there; `kind` and
        `catalogue`, as `nusky.stages.figures` calls them.

    Raises
    ------
    ConfigurationError
        When a figure is in a format that a page cannot show.
    """
    page = page_template("template.html.j2", number=format_number, linked=linked, unbroken=unbroken).render(
        summary=summary,
        verdict=verdict(summary),
        lead=_lead(summary),
        notes=list(_notes(summary)),
        bdm=bool(summary.get("bdm")),
        parts=[part for part in _parts(summary, [_figure(figure) for figure in figures]) if part],
        configuration=_configuration(summary),
    )
    write_text(output, page)


def linked(text: str) -> Markup:
    """`text` with its DOIs and arXiv numbers as links."""
    return Markup(_REFERENCE.sub(_link, str(escape(printable(text)))))


def unbroken(text: str) -> Markup:
    """`text` with short equations, such as p = 0.1, kept on a line."""
    return Markup(_EQUATION.sub(r'<span class="unbroken">\g<0></span>', str(escape(printable(text)))))


def _link(match: re.Match[str]) -> str:
    kind, number = match.groups()
    where = "https://doi.org/" if kind == "doi" else "https://arxiv.org/abs/"
    return f'<a href="{where}{number}">{match[0]}</a>'


def _figure(figure: Mapping[str, Any]) -> dict[str, Any]:
    own = {"published": False, "pdf": None, "bdm": False, "kind": None, "catalogue": None} | dict(figure)
    return own | {"image": _embed(Path(figure["path"]))}


def _configuration(summary: Mapping[str, Any]) -> str:
    found = summary.get("configuration")
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100) if found else ""


def _parts(summary: Mapping[str, Any], figures: Sequence[dict[str, Any]]) -> Iterator[Part]:
    """The sections after the verdict and what was searched."""
    shown = [figure for figure in figures if not (figure["published"] or figure["bdm"] or _is_empty(figure, summary))]
    standard = list(results(summary, "standard"))
    names = list(summary["catalogues"])
    found, searches = list(_findings(summary)), list(_searches(summary))
    yield Part("searches", "What each search found", findings=found, tables=searches, catalogues=names)
    yield Part("limits", "Limits", tables=list(_limit_tables(summary)))
    yield Part(
        "sources",
        "Sources",
        tables=[*_source_tables(summary), *(Table(*parts) for parts in skymap_tables(summary.get("skymap")))],
    )
    yield Part("figures", "Figures", figures=shown)
    details = [Table(*parts) for where, found in standard for parts in inference_tables(found.get("inference"), where)]
    yield Part("details", "Further tables", tables=[*details, *_stacking_tables(summary, "standard")])
    if found := summary.get("bdm"):
        tables = [Table("Boosted dark matter, published and standard", bdm.COLUMNS, bdm.rows(found))]
        drawn = [figure for figure in figures if figure["bdm"]]
        yield Part("bdm", "Boosted dark matter", [bdm.lead(found)], bdm.DIFFERENCES, drawn, tables)
    tables = [*_stacking_tables(summary, "published"), *_single_source_tables(summary, "published")]
    drawn = [figure for figure in figures if figure["published"]]
    yield Part(
        "published", "Appendix: the published method", [PUBLISHED], list(_scans(summary, "published")), drawn, tables
    )


def _is_empty(figure: Mapping[str, Any], summary: Mapping[str, Any]) -> bool:
    """Whether a figure is one of gamma rays of a catalogue in which no source has measured ones."""
    if figure["kind"] != "gamma_rays":
        return False
    found = (summary["methods"].get("standard") or {}).get(figure["catalogue"]) or {}
    return not ((found.get("inference") or {}).get("sources") or {}).get("hadronic")


def _embed(path: Path) -> str:
    if path.suffix not in _MEDIA_TYPES:
        raise ConfigurationError(
            f"{path}: a page cannot show this format; the report needs a png or svg of every figure. "
            "Add `png` to `figures.formats`."
        )
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_MEDIA_TYPES[path.suffix]};base64,{content}"


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
    """One sentence for every search of the standard method, and for every limit the inference has."""
    for catalogue, result in results(summary, "standard"):
        yield from (f"{catalogue}: {text}" for text in inference_findings(result.get("inference"), format_number))
    yield from skymap_findings(summary.get("skymap"), format_number)
    yield from _scans(summary, "standard")


def _searches(summary: Mapping[str, Any]) -> Iterator[Table]:
    """The p-values of all searches, by themselves and corrected for the run."""
    found = summary.get("corrected")
    if not found or len(found["searches"]) == 1:  # whose p-value stands in the verdict
        return
    rows = [
        [test.what, Probability(test.p, test.n_trials), Probability(test.p_run, found["n_skies"]), test.n_trials]
        for test in sorted(tests(summary), key=lambda test: (test.p_run, test.p))
    ]
    yield Table(
        "Every search of this run",
        ["search", "p by itself", "p for the run", "skies of its own"],
        rows,
        "By itself, a p-value is corrected for the sources or positions that the search looked at; for the run, for "
        f"all of this table, by the {format_number(found['n_skies'])} scrambled skies that all of them look at. "
        f"The latter is never below {format_number(least(found['n_skies']))}. Bonferroni's bound, the smallest p-value "
        f"times {len(rows)}, is {format_number(found['bonferroni'])}.",
    )


def _scans(summary: Mapping[str, Any], method: str) -> Iterator[str]:
    """What the flux scans and the single sources of directions say; nothing where the likelihood says it better."""
    for catalogue, result in results(summary, method):
        likelihood = inferred(result)
        for weighting, by_gamma in (result.get("stacking") or {}).items():
            if weighting in likelihood["stacks"]:
                continue
            tested = {gamma: stack for gamma, stack in by_gamma.items() if stack and stack.get("ts_max") is not None}
            gamma = reference(tested)
            where = f"{catalogue}: {scan_words(summary, catalogue)} with {weighting} weights"
            if gamma is None:
                yield f"{where}: no test statistic."
                continue
            best, limit = tested[gamma], tested[gamma].get("ul95_e2dnde_100tev_gev_cm2_s")
            found = (
                f"the test statistic is {format_number(float(best['ts_max']))} at "
                f"{format_number(best.get('n_signal_at_max'))} signal events"
                if best["ts_max"] > 0
                else "the test statistic never exceeds zero"
            )
            above = (
                "no upper limit lies inside the scanned range of fluxes"
                if limit is None
                else f"95 % upper limit E² dN/dE < {format_number(limit)} {FLUX_UNIT} at 100 TeV for one flavour"
                f"{energies(best.get('energy_min_gev'), best.get('energy_max_gev'))}, not calibrated"
            )
            yield f"{where}, {index_text(gamma)}: {found}; {above}."
        tested = [source for source in result.get("single_sources") or [] if source.get("ts_max") is not None]
        if tested and not likelihood["sources"]:
            best = max(tested, key=lambda source: source["ts_max"])
            yield (
                f"{catalogue}: of {_count(len(tested), 'single source')}, {best['name']} ({best['origin']}) has the "
                f"largest test statistic, {format_number(float(best['ts_max']))}, at "
                f"{format_number(best.get('ns_best'))} signal events; it is no p-value, and not corrected for the "
                "number of sources."
            )


def _notes(summary: Mapping[str, Any]) -> Iterator[str]:
    for name, catalogue in summary["catalogues"].items():
        yield from (f"{name}: {note}" for note in catalogue.get("notes") or [])
    for method in summary["methods"]:
        for name, result in results(summary, method):
            yield from (f"{name}, {method} method: {note}" for note in result.get("notes") or [])


_ENERGIES = {"energies": "energies of the limit", "signal_energies": "68 % of the signal"}
_STACKING_COLUMNS = titled(
    "n_sources ns_per_phi0_per_gev ns_per_phi0_per_ev ts_max phi0_at_max_per_ev n_signal_at_max "
    "ul95_e2dnde_100tev_gev_cm2_s",
    ns_per_phi0_per_gev="events per φ₀ [GeV cm² s]",
    ns_per_phi0_per_ev="events per φ₀ [eV cm² s]",
    phi0_at_max_per_ev="φ₀ at max [eV⁻¹ cm⁻² s⁻¹]",
    n_signal_at_max="events at max",
    ul95_e2dnde_100tev_gev_cm2_s=f"95 % limit, E² dN/dE at 100 TeV [{FLUX_UNIT}]",
)
_SINGLE_SOURCE_COLUMNS = titled(
    "name origin ra_deg dec_deg n_band ts_max ns_best", n_band="events in band", ns_best="signal events"
)
_LIMIT_COLUMNS = titled(
    f"catalogue weighting limit_gamma limit_e2dnde_100tev_gev_cm2_s {FLUENCE} limit_n_signal limit_level limit_method "
    "energies test_statistic signal_energies p_local n_sources",
    limit_gamma="γ",
    limit_level="level",
    limit_method="construction",
    **_ENERGIES,
    p_local="p of the stack",
)
_SOURCE_COLUMNS = titled(
    f"name p_local p_post limit_e2dnde_100tev_gev_cm2_s {FLUENCE} n_signal gamma {' '.join(PARAMETERS)} "
    "test_statistic limit_e2dnde_1tev_gev_cm2_s limit_n_signal energies signal_energies ra_deg dec_deg origin",
    **PARAMETERS,
    p_post="p corrected",
    n_signal="signal events",
    limit_e2dnde_1tev_gev_cm2_s=f"limit at 1 TeV [{FLUX_UNIT}]",
    **_ENERGIES,
)


def _shown(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """The titles and cells of those of `columns` that `rows` have anything in; energies as ranges in handy units."""
    rows = [
        row
        | {
            "energies": _range(row.get("energy_min_gev"), row.get("energy_max_gev")),
            "signal_energies": _range(row.get("signal_energy_min68_gev"), row.get("signal_energy_max68_gev")),
        }
        for row in rows
    ]
    kept = [key for key in columns if any(row.get(key) is not None for row in rows)]
    return [columns[key] for key in kept], [[cell_of(row, key) for key in kept] for row in rows]


def _range(low_gev: float | None, high_gev: float | None) -> str | None:
    return None if low_gev is None or high_gev is None else f"{energy(low_gev)} to {energy(high_gev)}"


def _about_fluences(rows: Sequence[Mapping[str, Any]]) -> str:
    if all(row[FLUENCE] is None for row in rows):
        return ""
    return f" Fluxes are those {IN_WINDOW}; the fluence E² F is E² times the flux integrated over time."


def _limit_tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    rows = stack_rows(summary)
    if any(row["limit_gamma"] is not None for row in rows):
        yield Table(
            "Upper limits of the stacks",
            *_shown(_LIMIT_COLUMNS, rows),
            "Flux of all sources of a stack together, one flavour (neutrinos and antineutrinos), for one index: of "
            f"those computed the nearest to {REFERENCE_GAMMA:g} whose signal is expected around 100 TeV. The energies "
            "hold the central 90 % of the expected signal; outside them a limit says nothing. Limits that are not "
            "calibrated rest on the fall of the likelihood alone, or on signal drawn by assumption; their coverage is "
            f"not shown.{_about_fluences(rows)}",
        )


def _source_tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    for catalogue, _ in results(summary, "standard"):
        rows = source_rows(summary, catalogue)
        if not rows:
            continue
        if "p_local" in rows[0]:
            n, skies = rows[0]["n_trials"], rows[0]["n_sky_trials"]
            floor = f", never below {format_number(least(skies))}" if skies else ""
            first = next((row for row in rows if row["limit_gamma"] is not None), None)
            text = (
                f"The most significant first. A local p-value is the share of {format_number(n)} scrambled skies at "
                f"least as signal-like at this source, never below {format_number(least(n))}; the corrected one "
                f"allows for the number of sources looked at{floor}. 68 % of the fitted signal come from the true "
                "energies beside it, as the events that were seen tell. "
            )
            if first:
                text += (
                    f"Upper limits at {100 * first['limit_level']:g} % ({first['limit_method']}) of one flavour for "
                    f"{index_text(format(first['limit_gamma'], 'g'))}; none is given at energies outside those it is "
                    f"about.{_about_fluences(rows)}"
                )
        else:
            text = (
                "Largest test statistic first, of directions only: a large value is a reason to look, no p-value. "
                "Such p-values and limits stand here where the configuration asks for those of single sources."
            )
        yield Table(f"Sources of {catalogue}", *_shown(_SOURCE_COLUMNS, rows), text)


_SCAN = {
    "standard": "The flux scan uses directions and angular errors only, no energies: it is the published method with "
    "its errors corrected, and shows how the test statistic depends on the flux. Where p-values are given above, they "
    "and the limits there are the result; the scan of the same stack has another test statistic, because it does not "
    "use energies. ",
    "published": "",
}


def _stacking_tables(summary: Mapping[str, Any], method: str) -> Iterator[Table]:
    for catalogue, result in results(summary, method):
        body = [
            [weighting, index_cell(gamma), *((stack or {}).get(key) for key in _STACKING_COLUMNS)]
            for weighting, by_gamma in (result.get("stacking") or {}).items()
            for gamma, stack in by_gamma.items()
        ]
        if body:
            yield Table(
                f"Flux scan of {catalogue}, {method} method",
                ["weights", "γ", *_STACKING_COLUMNS.values()],
                body,
                f"{_SCAN[method]}Flux of all sources together, one flavour; φ₀ is its value at 100 TeV.",
            )


def _single_source_tables(summary: Mapping[str, Any], method: str) -> Iterator[Table]:
    for catalogue, result in results(summary, method):
        listed = result.get("single_sources") or []
        sources = sorted(listed, key=lambda row: math.inf if row.get("ts_max") is None else -row["ts_max"])
        if sources:
            yield Table(
                f"Single sources of {catalogue}, {method} method",
                list(_SINGLE_SOURCE_COLUMNS.values()),
                [[source.get(key) for key in _SINGLE_SOURCE_COLUMNS] for source in sources],
                "Largest test statistic first. TS is taken with decimal logarithms, as published.",
            )


def _count(number: int | None, noun: str) -> str:
    return f"{format_number(number)} {noun}{'' if number == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
