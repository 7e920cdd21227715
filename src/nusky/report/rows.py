"""The results of a run as rows of plain numbers, from its summary: sources, stacks, hot spots.

The report, `nusky table`, `nusky show` and `nusky.results` all take them from here. Columns carry their unit; limits
are on E² dN/dE of one flavour (neutrinos and antineutrinos), and None outside the energies they are about; of spectra
that are no power laws they are at 100 TeV only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nusky import conventions
from nusky.report.verdict import PIVOT_GEV, inferred, limits, reference, results

Rows = list[dict[str, Any]]
_TEV_GEV = 1e3
PARAMETERS = {key: f"{words} [GeV]" if key.endswith("_gev") else words for key, words in conventions.PARAMETERS.items()}
"""Parameters of spectra that may be fitted in place of the index, with their titles."""
_EXCESS = ("signal_energy_min68_gev", "signal_energy_max68_gev")


def source_rows(summary: Mapping[str, Any], catalogue: str) -> Rows:
    """The sources of a catalogue, the most significant first: position, fit, p-values, limit at the reference index.

    With an inference: `n_signal`, `gamma`, `test_statistic`, `p_local` and `p_post` with the trials behind them
    (`n_trials`, `n_sky_trials`), the central 68 % of the true energies behind the fitted signal (`signal_energy_*`),
    the limit (`limit_*`) and its energies.
    Without: the best whole number of signal events `n_signal` and `test_statistic` of directions.
    """
    result = dict(results(summary)).get(catalogue, {})
    sources = inferred(result)["sources"]
    if not sources:
        found = [
            {key: source.get(key) for key in ("name", "origin", "ra_deg", "dec_deg")}
            | {"n_signal": source.get("ns_best"), "test_statistic": source.get("ts_max")}
            for source in result.get("single_sources") or []
        ]
        return sorted(found, key=lambda row: -(row["test_statistic"] or 0))
    first, power_law = sources["fits"][0]["gamma_fixed"], _power_law(summary, catalogue)
    of_source: dict[tuple[str, str | None], dict[str, Any]] = {}
    for name, rows in sources["limits"].items():
        for row in rows:
            known = of_source.setdefault((name, row.get("origin")), {})
            known.setdefault(str(row["gamma"]), row)  # of an unknown flare the first duration asked for
    keys = ("name", "origin", "ra_deg", "dec_deg", "n_signal", "gamma", "test_statistic", "p_local", "p_post")
    keys += own_parameters(sources["fits"])
    found = []
    for fit in sources["fits"]:
        if fit["gamma_fixed"] != first:
            continue
        known = of_source.get((fit["name"], fit["origin"])) or of_source.get((fit["name"], None)) or {}
        known = {g: row for g, row in known.items() if row["e2dnde_100tev_gev_cm2_s"] is not None}
        best = reference(known)
        found.append(
            {key: fit[key] for key in keys}
            | {key: fit.get(key) for key in ("n_trials", "n_sky_trials", *_EXCESS)}
            | _limit_columns(known[best] if best else {}, power_law)
        )
    return sorted(found, key=lambda row: row["p_local"])


def stack_rows(summary: Mapping[str, Any]) -> Rows:
    """Every stack of the standard method: its fit and p-value where the inference treats it, its limit to quote."""
    of_stack = {(limit.catalogue, limit.weighting): limit for limit in limits(summary)}
    found, everything = [], dict(results(summary))
    fits = [
        fit
        for result in everything.values()
        for stack in inferred(result)["stacks"].values()
        for fit in stack.get("fits", ())
    ]
    keys = ("n_signal", "gamma", *own_parameters(fits), "test_statistic", "p_local", "n_trials", *_EXCESS)
    for catalogue, result in everything.items():
        for weighting, by_gamma in (result.get("stacking") or {}).items():
            fit = (inferred(result)["stacks"].get(weighting) or {"fits": [{}]})["fits"][0]
            n_sources = next((stack["n_sources"] for stack in by_gamma.values() if stack), None)
            row = {"catalogue": catalogue, "weighting": weighting, "n_sources": n_sources}
            row |= {key: fit.get(key) for key in keys}
            quoted: dict[str, Any] = {}
            if limit := of_stack.get((catalogue, weighting)):
                quoted = vars(limit) | {"gamma": float(limit.gamma), "e2dnde_100tev_gev_cm2_s": limit.e2dnde}
                quoted["e2_fluence_100tev_gev_cm2"] = limit.fluence
                quoted["method"] += "" if limit.calibrated else ", not calibrated"
            found.append(row | _limit_columns(quoted, _power_law(summary, catalogue)))
    return found


def own_parameters(fits: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Columns of fits with the parameter of the spectrum that was fitted in place of the index, if one was."""
    return tuple(key for key in PARAMETERS if any(key in fit for fit in fits))


def spot_rows(summary: Mapping[str, Any]) -> Rows:
    """The hot spots of the all-sky map in the summary, the most significant first; none without a map."""
    return [{"number": i, **spot} for i, spot in enumerate((summary.get("skymap") or {}).get("spots") or [], start=1)]


def _power_law(summary: Mapping[str, Any], catalogue: str) -> bool:
    """Whether the flux of a catalogue's sources is a power law with the index that its tables state."""
    asked = summary.get("configuration") or {}
    own = (asked.get("catalogues") or {}).get(catalogue) or {}
    spectrum = own.get("spectrum") or asked.get("spectrum") or {}
    return spectrum.get("shape", "power-law") == "power-law" and spectrum.get("gamma") is None


def _limit_columns(limit: Mapping[str, Any], power_law: bool) -> dict[str, Any]:
    """What is quoted of a limit, a row of its table; None throughout without one."""
    gamma, e2dnde_100tev = limit.get("gamma"), limit.get("e2dnde_100tev_gev_cm2_s")
    low, high = limit.get("energy_min_gev"), limit.get("energy_max_gev")

    def at(energy_gev: float) -> float | None:
        known = low is not None and high is not None
        if e2dnde_100tev is None or gamma is None or (known and not low <= energy_gev <= high):
            return None
        if energy_gev != PIVOT_GEV and not power_law:
            return None
        return e2dnde_100tev * (energy_gev / PIVOT_GEV) ** (2 - gamma)

    return {
        "limit_gamma": gamma,
        "limit_level": limit.get("confidence_level"),
        "limit_method": limit.get("method"),
        "limit_n_signal": limit.get("n_signal"),
        "limit_e2dnde_1tev_gev_cm2_s": at(_TEV_GEV),
        "limit_e2dnde_100tev_gev_cm2_s": at(PIVOT_GEV),
        conventions.FLUENCE: None if at(PIVOT_GEV) is None else limit.get("e2_fluence_100tev_gev_cm2"),
        "energy_min_gev": low,
        "energy_max_gev": high,
    }
