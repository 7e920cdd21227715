"""What a run found, in three sentences: is there an excess, how likely is background alone, how much flux is excluded.

The p-value is one for the whole run. Every search in it (a stack at an index, the sources of a catalogue one by one and
together, a hemisphere of the map) looks at the same scrambled skies; the share of these in which any search finds as
small a local p-value is the p-value of the run (`nusky.stages.corrected`). The smallest p-value times the number of
searches (Bonferroni) stands beside it: an upper bound that knows nothing of how the searches are correlated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nusky.conventions import IN_WINDOW, index_text
from nusky.probability import compared, least
from nusky.report.columns import FLUX_UNIT
from nusky.report.numbers import format_number as number

REFERENCE_GAMMA = 2.5
"""Limits are quoted for the index nearest to it: that of IceCube's diffuse flux is 2.37 (ApJ 928, 50)."""
PIVOT_GEV = 1e5
_WORDS = (
    (2.866516e-7, "A neutrino excess is detected"),
    (1.349898e-3, "There is evidence for a neutrino excess"),
    (2.275013e-2, "There is a hint of a neutrino excess, which background alone gives now and then"),
)
"""Up to the one-sided p-values of 5, 3 and 2 sigma; what is larger is no excess."""
FLUX_SCAN = "flux scan"
"""Method of limits without trials, or how its name begins."""
_HEMISPHERES = {"north": "northern", "south": "southern"}


@dataclass(frozen=True)
class Test:
    """One search of a run.

    Attributes
    ----------
    what : in words
    p : that of the search by itself: corrected for the number of sources or positions it looked at
    n_trials : scrambled skies behind `p`
    p_run : corrected for all searches of the run
    """

    what: str
    p: float
    n_trials: int
    p_run: float


@dataclass(frozen=True)
class Verdict:
    """The answer of a run.

    Attributes
    ----------
    headline, p_sentence, limit_sentence : plain text; the last empty without any limit
    p : the corrected p-value of the run; None without scrambled skies
    tests : the searches it is corrected for
    """

    headline: str
    p_sentence: str
    limit_sentence: str
    p: float | None
    tests: tuple[Test, ...]


def verdict(summary: Mapping[str, Any]) -> Verdict:
    """The answer of a run from the content of its ``summary.json``."""
    found, limit = summary.get("corrected"), _limit_sentence(summary)
    if not found:
        searched = any((*summary["methods"].values(), summary.get("skymap")))
        headline = "This run cannot say whether there is an excess." if searched else "No events were searched."
        p = (
            "It has no p-value, for want of scrambled skies: add an `inference` block and run again."
            if searched
            else ""
        )
        return Verdict(headline, p, limit, None, ())
    what = search_words(summary, found["best"])
    p = found["p_value"]
    words = next((text for most, text in _WORDS if p <= most), None)
    text = f"p {compared(p, found['n_skies'], number)}"
    headline = (
        f"No excess of neutrinos over background was found ({text})." if words is None else f"{words} ({text}): {what}."
    )
    if summary.get("synthetic"):
        headline = f"In events some or all of which are generated, not measured: {headline[0].lower()}{headline[1:]}"
    return Verdict(headline, _p_sentence(found, what), limit, p, tuple(tests(summary)))


def tests(summary: Mapping[str, Any]) -> Iterator[Test]:
    """Every search of a run that has a p-value, those of the inference first."""
    for search in (summary.get("corrected") or {"searches": ()})["searches"]:
        yield Test(search_words(summary, search), search["p_value"], search["n_trials"], search["p_run"])


def search_words(summary: Mapping[str, Any], search: Mapping[str, Any]) -> str:
    """A search of the summary's `corrected` in words."""
    kind, gamma = search["search"], search["gamma_fixed"]
    catalogue, _, weighting = search["hypothesis"].partition("/")[2].partition("/")
    if kind in _HEMISPHERES:
        spots = (summary.get("skymap") or {}).get("hottest", ())
        spot = next((own for own in spots if own["hemisphere"] == kind and own["test_statistic"] is not None), None)
        where = f"the hottest spot of the {_HEMISPHERES[kind]} sky"
        if spot is None:
            return where
        return f"{where} at RA {number(round(spot['ra_deg'], 2))}°, Dec {number(round(spot['dec_deg'], 2))}°"
    at = "" if gamma is None else f", {index_text(format(gamma, 'g'))}"
    if kind == "stack":
        return f"the stack of {catalogue} with {weighting} weights{at}"
    sources = summary["methods"]["standard"][catalogue]["inference"]["sources"]
    if kind == "population":
        test = next(own for own in sources["population"] if own["gamma_fixed"] == gamma)
        number_of = f"{test['k']} of {test['n_sources']} sources" if test["k"] else f"the {test['n_sources']} sources"
        return f"{number_of} of {catalogue} together (binomial test){at}"
    fits = [fit for fit in sources["fits"] if fit["gamma_fixed"] == gamma]
    name = min(fits, key=lambda fit: (fit["p_post"], fit["p_local"]))["name"]
    return f"{name}, the most significant source of {catalogue}{at}"


def _p_sentence(found: Mapping[str, Any], what: str) -> str:
    n, n_searches = found["n_skies"], len(found["searches"])
    p = compared(found["p_value"], n, number)
    share = f"p {p} for {'the run' if n_searches > 1 else what}: the share of {number(n)} skies of background alone "
    if n_searches == 1:
        return f"{share}that look at least as signal-like, never below {number(least(n))}."
    best = found["best"]
    return (
        f"{share}in which any of its {n_searches} searches finds something at least as unlikely as {what} "
        f"(by itself p {compared(best['p_value'], best['n_trials'], number)}). All searches look at the same skies, so "
        f"that this holds however they are related; it is never below {number(least(n))}. The smallest p-value "
        f"times {n_searches} (Bonferroni's bound) is {number(found['bonferroni'])}, "
        f"{number(round(found['bonferroni_ratio'], 2))} times as large."
    )


def results(summary: Mapping[str, Any], method: str = "standard") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What a method found, by catalogue; empty where it found nothing."""
    for catalogue, result in (summary["methods"].get(method) or {}).items():
        yield catalogue, result or {}


def inferred(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The inference of a catalogue; one without stacks and sources where there is none."""
    return result.get("inference") or {"stacks": {}, "sources": None}


def reference(rows: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The index to quote a limit at, of those that have a row: the nearest to `REFERENCE_GAMMA`.

    Indices whose central 90 % of the expected signal hold 100 TeV, where limits are quoted, come first.
    """

    def order(gamma: str) -> tuple[bool, float]:
        low, high = (rows[gamma].get(f"energy_{end}_gev") for end in ("min", "max"))
        outside = low is not None and high is not None and not low <= PIVOT_GEV <= high
        return outside, abs(float(gamma) - REFERENCE_GAMMA)

    return min(rows, key=order, default=None)


@dataclass(frozen=True)
class Limit:
    """The upper limit of a stack to quote: one flavour, all its sources together.

    Attributes
    ----------
    calibrated : whether simulated skies stand behind it
    e2dnde : at 100 TeV, GeV cm^-2 s^-1; of sources that change with time in the window, or at the peak
    energy_min_gev, energy_max_gev : the central 90 % of the expected signal; None where unknown
    fluence : E^2 times the flux integrated over time, at 100 TeV, GeV cm^-2; None for steady sources
    """

    catalogue: str
    weighting: str
    gamma: str
    calibrated: bool
    method: str
    confidence_level: float
    n_signal: float | None
    e2dnde: float
    energy_min_gev: float | None
    energy_max_gev: float | None
    fluence: float | None

    @property
    def from_trials(self) -> bool:
        """Whether trials with signal are behind it."""
        return _from_trials(self.method)


def limits(summary: Mapping[str, Any]) -> Iterator[Limit]:
    """One limit for every stack of the standard method: from trials where there is one, else from its flux scan."""
    for catalogue, result in results(summary):
        stacks = inferred(result)["stacks"]
        for weighting, by_gamma in (result.get("stacking") or {}).items():
            made = {
                gamma: own.get("upper_limit") for gamma, own in stacks.get(weighting, {}).get("statements", {}).items()
            }
            words = scan_words(summary, catalogue)
            scanned = {gamma: _of_scan(row, words) for gamma, row in by_gamma.items() if row}
            for known in (made, scanned):
                known = {g: row for g, row in known.items() if row and row.get("e2dnde_100tev_gev_cm2_s") is not None}
                gamma = reference(known)
                if gamma is not None:
                    yield Limit(
                        catalogue, weighting, gamma, is_calibrated(known[gamma]), *map(known[gamma].get, _OF_LIMIT)
                    )
                    break


_OF_LIMIT = ("method", "confidence_level", "n_signal", "e2dnde_100tev_gev_cm2_s")
_OF_LIMIT += ("energy_min_gev", "energy_max_gev", "e2_fluence_100tev_gev_cm2")


def _of_scan(row: Mapping[str, Any], words: str) -> dict[str, Any]:
    """The limit of a flux scan as a statement has it."""
    flux = row.get("ul95_e2dnde_100tev_gev_cm2_s")
    return {**row, "method": words, "confidence_level": 0.95, "e2dnde_100tev_gev_cm2_s": flux}


def scan_words(summary: Mapping[str, Any], catalogue: str) -> str:
    """What a flux scan is called: it knows no times, whatever the flux of the sources does."""
    block = ((summary.get("configuration") or {}).get("catalogues") or {}).get(catalogue) or {}
    return f"{FLUX_SCAN} of a steady flux" if block.get("time") else FLUX_SCAN


def is_calibrated(row: Mapping[str, Any]) -> bool:
    """Whether a limit comes from trials whose signal is drawn in a way that is shown to give the stated coverage."""
    return _from_trials(row["method"]) and "uncalibrated" not in row["injection"]


def _from_trials(method: str) -> bool:
    return method != "asymptotic" and not method.startswith(FLUX_SCAN)


def _limit_sentence(summary: Mapping[str, Any]) -> str:
    return " ".join([*_flux_sentence(summary), *hadronic_sentences(summary)])


def _flux_sentence(summary: Mapping[str, Any]) -> Iterator[str]:
    found = list(limits(summary))
    if not found:
        return
    calibrated = [limit for limit in found if limit.calibrated]
    limit = (calibrated or found)[0]
    yield (
        f"Upper limit at {100 * limit.confidence_level:g} % on {limit.catalogue} ({limit.weighting} weights): "
        f"E² dN/dE < {_two(limit.e2dnde)} {FLUX_UNIT} at 100 TeV{_in_window(limit)}, one flavour, all sources "
        f"together, for {index_text(limit.gamma)}{energies(limit.energy_min_gev, limit.energy_max_gev)}; "
        f"{_how(limit.method, calibrated=limit.calibrated, from_trials=limit.from_trials)}."
    )


def _in_window(limit: Limit) -> str:
    if limit.fluence is None:
        return ""
    return f" {IN_WINDOW} (fluence E² F < {_two(limit.fluence)} GeV cm⁻²)"


def _how(method: str, *, calibrated: bool, from_trials: bool) -> str:
    if calibrated:
        return f"{method}, calibrated with simulated skies"
    if from_trials:
        return f"{method} from simulated skies, uncalibrated: its coverage is not shown"
    return "from the fall of the likelihood, not calibrated"


def hadronic_fractions(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The hadronic fraction of all sources together of each catalogue that has one: its row of the table."""
    found = {}
    for catalogue, result in results(summary):
        rows = (inferred(result)["sources"] or {}).get("hadronic") or []
        if rows and rows[-1]["source"] < 0:
            found[catalogue] = rows[-1]
    return found


def hadronic_sentences(summary: Mapping[str, Any]) -> Iterator[str]:
    """The hadronic fraction of the sources of every catalogue, one for all of them."""
    for catalogue, row in hadronic_fractions(summary).items():
        n = row["n_sources"]
        what = f"Hadronic fraction f of the gamma rays of {catalogue}, one f for its {n} sources with measured spectra"
        if row["fraction_limit"] is None:
            yield f"{what}: no limit, as {row['problem']}"
            continue
        parts = [f"best fit {_two(row['fraction'])}"]
        if row["fraction_unbiased"] is not None and row["fraction_high68"] is not None:
            ends = f"{_two(row['fraction_low68'])} to {_two(row['fraction_high68'])}"
            parts.append(f"{_two(row['fraction_unbiased'])} without its bias, {ends} at 68 %")
        parts.append(f"sensitivity {_two(row['fraction_sensitivity'])}")
        parts += ["above 1 nothing is excluded"] * (row["fraction_limit"] >= 1)
        how = _how(row["method"], calibrated=is_calibrated(row), from_trials=row["method"] != "asymptotic")
        yield (
            f"{what}: f < {_two(row['fraction_limit'])} at {100 * row['confidence_level']:g} % ({', '.join(parts)})"
            f", {_measured(row)}, {row['relation']} relation; {how}."
        )


def _measured(row: Mapping[str, Any]) -> str:
    """The energies that a hadronic fraction is about, in words."""
    span, events = (
        f"{energy(row[f'{of}energy_min{part}_gev'])} to {energy(row[f'{of}energy_max{part}_gev'])}"
        for of, part in (("", ""), ("events_", "90"))
    )
    return (
        f"valid for each source at the neutrino energies of its measured gamma rays, {span} in all; 90 % of "
        f"the events are expected at {events}"
    )


def _two(value: float | None) -> str:
    """A limit or fraction with two digits: trials do not tell more."""
    return "unknown" if value is None else number(float(f"{value:.2g}"), 2)


def energies(low_gev: float | None, high_gev: float | None) -> str:
    """The range a limit is about, as words that follow it; empty where it is unknown."""
    return "" if low_gev is None or high_gev is None else f", valid from {energy(low_gev)} to {energy(high_gev)}"


def energy(gev: float) -> str:
    """An energy [GeV] with two digits in a handy unit."""
    for unit, size in (("PeV", 1e6), ("TeV", 1e3)):
        if gev >= size:
            return f"{number(float(f'{gev / size:.2g}'))} {unit}"
    return f"{number(float(f'{gev:.2g}'))} GeV"
