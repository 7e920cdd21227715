"""What the report says of the standard inference of one catalogue."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nusky.conventions import IN_WINDOW, index_text, parameter_text
from nusky.probability import at_floor, compared
from nusky.report.columns import FLUX_UNIT, titled
from nusky.report.numbers import cell_of, format_number, index_cell
from nusky.report.rows import PARAMETERS, own_parameters

_DRAWN = {
    "angular resolution": ", signal as far from its source as the release's median resolution says",
    "gaussian (uncalibrated)": ", uncalibrated: signal drawn from a Gaussian of AngErr",
    "none (uncalibrated)": ", uncalibrated",
}
"""What a line adds about the signal behind a limit."""
_STATEMENT_COLUMNS = titled(
    "method confidence_level n_signal n_signal_error e2dnde_100tev_gev_cm2_s diffuse_share_100tev energy_min_gev "
    "energy_max_gev n_trials extrapolated problem",
    diffuse_share_100tev="share of the diffuse flux",
)
_SOURCE_COLUMNS = titled(
    "name origin n_signal gamma test_statistic p_local p_post", n_signal="signal events", p_post="post-trial p"
)
_FLARE_COLUMNS = titled(
    "name rank start_mjd stop_mjd duration_days n_signal gamma test_statistic e2_fluence_100tev_gev_cm2",
    duration_days="good runs [d]",
    n_signal="signal events",
)
_CURVE_COLUMNS = titled("threshold lag_days")
"""Of a light curve that is fitted."""
_STACK_SOURCE_COLUMNS = titled(
    "name origin share n_signal test_statistic n_signal_without gamma_without test_statistic_without p_without",
    share="expected share",
    n_signal="signal events",
    test_statistic="adds to TS",
    n_signal_without="signal events without it",
    gamma_without="γ without it",
    test_statistic_without="TS without it",
    p_without="p without it",
)
_POPULATION_COLUMNS = titled(
    "n_sources k p_k p_binomial p_post n_sky_trials",
    k="sources named",
    p_k="local p up to",
    p_binomial="binomial probability",
    p_post="p corrected",
)
_HADRONIC_COLUMNS = titled(
    "name gamma n_signal_limit n_hadronic n_hadronic_error n_hadronic_capped relation fraction fraction_unbiased "
    "fraction_low68 fraction_high68 p_local fraction_sensitivity fraction_limit method n_trials energy_min_gev "
    "energy_max_gev events_energy_min90_gev events_energy_max90_gev problem",
    n_signal_limit="limit [events]",
    n_hadronic="events if hadronic",
    n_hadronic_error="error",
    n_hadronic_capped="at most from where nothing was seen",
    fraction="best fraction",
    fraction_unbiased="without its bias",
    fraction_low68="68 % from",
    fraction_high68="to",
    fraction_sensitivity="sensitivity",
    fraction_limit="limit on the fraction",
    events_energy_min90_gev="90 % of the events from [GeV]",
    events_energy_max90_gev="to [GeV]",
)
_LIMIT_COLUMNS = titled(
    "gamma method confidence_level n_signal n_signal_error e2dnde_100tev_gev_cm2_s energy_min_gev energy_max_gev "
    "n_trials problem"
)
_DIFFERENTIAL_COLUMNS = titled(
    "log10_energy_min_gev log10_energy_max_gev statement method confidence_level n_signal n_signal_error "
    "e2dnde_gev_cm2_s n_trials problem",
    log10_energy_min_gev="from log₁₀(E/GeV)",
    log10_energy_max_gev="to",
)
_RECOVERY_COLUMNS = titled(
    "gamma n_injected n_fitted_mean n_fitted_error gamma_fitted_mean n_trials",
    n_injected="injected events",
    n_fitted_mean="mean fitted events",
    n_fitted_error="error",
    gamma_fitted_mean="mean fitted γ",
)
_COVERAGE_COLUMNS = titled(
    "gamma n_injected method confidence_level coverage coverage_low coverage_high n_trials",
    n_injected="true events",
    coverage_low="from",
    coverage_high="to",
)
_SYSTEMATICS_COLUMNS = titled(
    "gamma statement effect size n_signal shift_minus shift_plus shift_low shift_high n_trials problem",
    shift_minus="shift if smaller",
    shift_plus="shift if larger",
    shift_low="band from",
    shift_high="to",
)
_TIME_COLUMNS = titled("e2_fluence_100tev_gev_cm2 duration_s")
"""After the flux, where sources change with time."""
_WINDOW_COLUMNS = titled(
    "name start_mjd stop_mjd duration_days exposure_days seasons problem",
    start_mjd="start [MJD]",
    stop_mjd="stop [MJD]",
    duration_days="duration [d]",
    exposure_days="seen [d]",
    problem="left out",
)
_P_KEYS = {
    "local": ("p_local", "n_trials", "significance"),
    "post": ("p_post", "n_sky_trials", "significance_post"),
}
Parts = tuple[str, Sequence[str], Sequence[Sequence[Any]], str]


def inference_findings(inference: Mapping[str, Any] | None, number: Callable[[Any], str]) -> Iterator[str]:
    """Sentences with p-values, their trials, and limits; `number` writes a number for people."""
    if not inference:
        return
    how = inference["analysis"]
    if inference.get("time"):
        how += f", {inference['time']['profile']} in time"
    if outside := inference.get("windows_outside_seasons"):
        left_out = ", ".join(outside)
        yield f"left out, as no good run is on in their windows: {left_out}."
    for weighting, stack in inference["stacks"].items():
        for fit in stack["fits"]:
            yield (
                f"stack with {weighting} weights, {how}{_at(fit)}: TS = {number(fit['test_statistic'])} at "
                f"{number(fit['n_signal'])} signal events (68 % likelihood interval {number(fit['n_signal_low68'])} to "
                f"{number(fit['n_signal_high68'])}), {_p(fit, 'local', number)}, "
                f"{number(fit['n_trials'])} scrambled skies."
            )
        for gamma, statements in stack["statements"].items():
            yield from _limit(weighting, gamma, statements, number)
    sources = inference["sources"]
    if sources:
        best = sources["best"]
        yield (
            f"single sources, {how}{_at(best)}: the smallest local p-value is that of {best['name']}, "
            f"{_p(best, 'local', number)} from {number(best['n_trials'])} scrambled skies; post-trial "
            f"{_p(best, 'post', number)} from "
            f"{number(best['n_sky_trials'])} full skies."
        )
        if best.get("start_mjd") is not None:
            yield (
                f"the strongest flare of {best['name']}: MJD {best['start_mjd']:.2f} to {best['stop_mjd']:.2f}, "
                f"{number(best['n_signal'])} signal events in {number(best['duration_days'])} days of good runs."
            )
        if best.get("lag_days") is not None:
            yield (
                f"the light curve of {best['name']} fits best with a threshold of {number(best['threshold'])}, "
                f"{number(best['lag_days'])} days later."
            )
        if (inference.get("time") or {}).get("limit_days"):
            yield from _flare_limits(best, sources["limits"], number)
        yield from (f"single sources{_at(test)}: {population_words(test, number)}" for test in sources["population"])


def population_words(test: Mapping[str, Any], number: Callable[[Any], str]) -> str:
    """The binomial test of a list of sources as a sentence."""
    after = f"corrected for the choice of their number and for shared events {_p(test, 'post', number)} from "
    after += f"{number(test['n_sky_trials'])} full skies."
    if not test["k"]:
        none = f"no source of {test['n_sources']} has a local p-value of {test['p_max']:g} or less"
        return f"in the binomial test {none}."
    return (
        f"the binomial test of all {test['n_sources']} sources names {test['k']} with local p-values up to "
        f"{number(test['p_k'])}; as many among independent sources have the probability {number(test['p_binomial'])}, "
        f"{after}"
    )


def _limit(
    weighting: str, gamma: str, statements: Mapping[str, Mapping[str, Any]], number: Callable[[Any], str]
) -> Iterator[str]:
    limit = statements.get("upper_limit")
    if limit is None:
        return
    if limit["n_signal"] is None:
        yield f"stack with {weighting} weights: no upper limit for {index_text(gamma)}: {limit['problem']}"
        return
    level = f"{100 * limit['confidence_level']:g} %"
    trials = f", {number(limit['n_trials'])} trials with signal" if limit["n_trials"] else ""
    drawn = _DRAWN.get(limit["injection"], "")
    head = f"stack with {weighting} weights: {level} upper limit {number(limit['n_signal'])} events"
    how = f"({index_text(gamma)}, {limit['method']}{trials}{drawn})"
    if limit["e2dnde_100tev_gev_cm2_s"] is None:
        yield f"{head} {how}; no flux, as no effective area is known."
        return
    yield (
        f"{head}, E² dN/dE < {number(limit['e2dnde_100tev_gev_cm2_s'])} {FLUX_UNIT} at 100 TeV for one flavour {how}, "
        f"{number(100 * limit['diffuse_share_100tev'])} % of IceCube's diffuse flux."
        if limit.get("duration_s") is None
        else f"{head}, fluence E² F < {number(limit['e2_fluence_100tev_gev_cm2'])} GeV cm⁻² at 100 TeV for one flavour "
        f"{how}; {IN_WINDOW}, E² dN/dE < {number(limit['e2dnde_100tev_gev_cm2_s'])} {FLUX_UNIT}."
    )


def _flare_limits(
    best: Mapping[str, Any], limits: Mapping[str, Sequence[Mapping[str, Any]]], number: Callable[[Any], str]
) -> Iterator[str]:
    """The limits of the source called best on a flare of every duration that was asked for."""
    for limit in limits[best["name"]]:
        if limit["origin"] != best["origin"]:
            continue
        days = number(limit["duration_s"] / 86400)
        what = f"flare of {best['name']} of {days} days at any time, {index_text(format(limit['gamma'], 'g'))}"
        if limit["n_signal"] is None:
            yield f"{what}: no upper limit: {limit['problem']}"
            continue
        fluence = limit["e2_fluence_100tev_gev_cm2"]
        stated = "" if fluence is None else f", fluence E² F < {number(fluence)} GeV cm⁻² at 100 TeV for one flavour"
        yield (
            f"{what}: {100 * limit['confidence_level']:g} % upper limit {number(limit['n_signal'])} events{stated} "
            f"({limit['method']}, {number(limit['n_trials'])} trials with signal)."
        )


def _at(fit: Mapping[str, Any]) -> str:
    for key in own_parameters([fit]):
        return f", {PARAMETERS[key]} fitted: {format_number(fit[key])}"
    return ", γ fitted" if fit["gamma_fixed"] is None else f", {index_text(format(fit['gamma_fixed'], 'g'))}"


def _p(fit: Mapping[str, Any], kind: str, number: Callable[[Any], str]) -> str:
    p, n_trials, significance = (fit[key] for key in _P_KEYS[kind])
    least = "more than " if at_floor(p, n_trials) else ""
    sigma = "" if significance is None else f" ({least}{number(round(significance, 2))} σ)"
    return f"p {compared(p, n_trials, number)}{sigma}"


def inference_tables(inference: Mapping[str, Any] | None, where: str) -> Iterator[Parts]:
    """Title, columns, rows and description of every table."""
    if not inference:
        return
    timed = bool(inference.get("time"))
    columns = _with_fluence(_STATEMENT_COLUMNS, timed)
    rows = [
        [weighting, index_cell(gamma), name.replace("_", " "), *(_cell(statement[key]) for key in columns)]
        for weighting, stack in inference["stacks"].items()
        for gamma, statements in stack["statements"].items()
        for name, statement in statements.items()
    ]
    if rows:
        yield (
            f"Sensitivity and limits of the stack of {where}",
            ["weights", "γ", "statement", *columns.values()],
            rows,
            f"{inference['analysis'].capitalize()}. Flux of all sources together, one flavour (neutrinos and "
            "antineutrinos); the energies hold the central 90 % of the expected signal. The level of a sensitivity or "
            f"discovery potential is the share of trials above its threshold.{_IN_WINDOW if timed else ''}",
        )
    if windows := inference.get("windows"):
        yield (
            f"Windows of {where}",
            list(_WINDOW_COLUMNS.values()),
            [[cell_of(row, key) for key in _WINDOW_COLUMNS] for row in windows],
            "Boxes from start to stop, other profiles from 5 to 95 % of their fluence. The duration is the fluence "
            "over the flux, or over that at the peak; seen is what of it lies in good runs.",
        )
    for weighting, stack in inference["stacks"].items():
        columns = _with_parameter(_STACK_SOURCE_COLUMNS, stack["sources"], "_without", " without it")
        yield (
            f"Sources of the stack of {where}, {weighting} weights",
            ["γ", *columns.values()],
            [
                [_fit_index(row), *(cell_of(row, key, {"p_without": "n_trials"}) for key in columns)]
                for row in stack["sources"]
            ],
            "What each source adds to the best fit; the columns add up to the signal events and the test statistic of "
            "the stack. Less than nothing is added where events are missing. Then the fit without the source, for some "
            "with the p-value of what is left: a stack that lives from one source loses its excess without it.",
        )
        yield from _checks(stack, f"the stack of {where}, {weighting} weights")
    sources = inference["sources"]
    if not sources:
        return
    yield from _at_every_index(sources, where, timed)
    yield (
        f"Binomial test of the sources of {where}",
        ["γ", *_POPULATION_COLUMNS.values(), "names"],
        [
            [_fit_index(test), *(cell_of(test, key) for key in _POPULATION_COLUMNS), ", ".join(test["names"])]
            for test in sources["population"]
        ],
        "Are there more small local p-values than background gives? The number of sources is the one that is least "
        "likely by chance; its probability is for independent sources, the corrected one from common scrambled skies, "
        "in which sources share events as they do in the data.",
    )
    if sources.get("flares"):
        columns = _with_parameter(_FLARE_COLUMNS, sources["flares"])
        yield (
            f"Flares of the sources of {where}",
            list(columns.values()),
            [[cell_of(row, key) for key in columns] for row in sources["flares"]],
            "The strongest window of every source, then the strongest of those that lie apart from it. TS of each has "
            "the factor for the number of short windows; the p-values above are those of the sources. The fluence is "
            "that of the fitted events, of one flavour.",
        )
    yield from _checks(sources, f"one source of {where}")
    if sources["hadronic"]:
        yield (
            f"Limits on the hadronic fraction of {where}",
            list(_HADRONIC_COLUMNS.values()),
            [[_cell(row[key]) for key in _HADRONIC_COLUMNS] for row in sources["hadronic"]],
            "Upper limits on the share of the gamma rays that comes from proton-proton collisions. Events are expected "
            "only at the neutrino energies that belong to the measured gamma rays; nothing is extrapolated. A limit "
            "above 1 excludes nothing. 1LHAASO states no energies of its spectra: those of WCDA are assumed to be 1 to "
            "25 TeV, those of KM2A 25 to 100 TeV, or 200 TeV of sources seen above 100 TeV.",
        )


def _at_every_index(sources: Mapping[str, Any], where: str, timed: bool) -> Iterator[Parts]:
    """Fits and limits of the sources side by side, where there is more of them than the table of the sources has."""
    columns, of_fit = _with_fluence(_LIMIT_COLUMNS, timed), _with_parameter(_SOURCE_COLUMNS, sources["fits"])
    of_fit = of_fit | (_CURVE_COLUMNS if "lag_days" in sources["fits"][0] else {})
    rows, fixed = [], {fit["gamma_fixed"] for fit in sources["fits"]}
    for fit in sorted(sources["fits"], key=lambda row: row["p_local"]):
        fitted = [cell_of(fit, key) for key in of_fit]
        own = [
            limit
            for limit in sources["limits"].get(fit["name"], ())
            if limit.get("origin") in (None, fit["origin"])
            and (limit["gamma"] == fit["gamma_fixed"] or limit["gamma"] not in fixed)
        ]
        rows += [[*fitted, *(_cell(limit[key], key) for key in columns)] for limit in own or [dict.fromkeys(columns)]]
    more = timed or any(limit["problem"] for own in sources["limits"].values() for limit in own)
    if more or len(rows) > len({(fit["name"], fit["origin"]) for fit in sources["fits"]}):
        yield (
            f"Sources of {where} at every index",
            [*of_fit.values(), *(f"limit: {title}" for title in columns.values())],
            rows,
            "Smallest local p-value first, fit and limits of a source side by side. Fluxes are of one flavour; their "
            "energies hold the central 90 % of the expected signal. Asymptotic limits have no trials, and their "
            f"coverage is not calibrated.{_IN_WINDOW if timed else ''}"
            f"{_OF_FLARES if 'flares' in sources and sources['limits'] else ''}",
        )


_IN_WINDOW = " E² dN/dE is that in the window, or at the peak; F its integral over the duration."
_OF_FLARES = " Limits of unknown flares are of those that last the stated duration and come at any time."


def _behind(columns: Mapping[str, str], key: str, more: Mapping[str, str]) -> dict[str, str]:
    """The columns of a table with `more` behind one of them, where it has that."""
    found: dict[str, str] = {}
    for own, title in columns.items():
        found[own] = title
        if own == key:
            found |= more
    return found


def _with_fluence(columns: Mapping[str, str], timed: bool) -> dict[str, str]:
    """The columns of a table, with the fluence behind the flux where sources change with time."""
    return _behind(columns, "e2dnde_100tev_gev_cm2_s", _TIME_COLUMNS if timed else {})


def _with_parameter(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], ending: str = "", words: str = ""
) -> dict[str, str]:
    """The columns of a table, with the parameter that was fitted in place of the index, if one was, behind the index.

    `ending` and `words` are what its key and its title end in.
    """
    own = {f"{key}{ending}": f"{name}{words}" for key, name in PARAMETERS.items()}
    return _behind(columns, f"gamma{ending}", {key: own[key] for key in own if rows and key in rows[0]})


def _with_fitted(columns: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a table with the mean of what was fitted, whatever it is, in place of that of the index."""
    if "gamma_fitted_mean" not in columns or "gamma_fitted_mean" in row:
        return dict(columns)
    ending = "_fitted_mean"
    name = next(key.removesuffix(ending) for key in row if key.endswith(ending) and not key.startswith("n_"))
    words = parameter_text(name)
    own = {name: f"injected {words}", f"{name}{ending}": f"mean fitted {words}"}
    return {key: title for key, title in columns.items() if key != "gamma_fitted_mean"} | own


def _fit_index(row: Mapping[str, Any]) -> Any:
    return "fitted" if row["gamma_fixed"] is None else index_cell(row["gamma_fixed"])


def _checks(found: Mapping[str, Any], where: str) -> Iterator[Parts]:
    """Tables that a configuration may leave out."""
    for name, title, columns, description in (
        (
            "differential",
            "Sensitivity and limit by energy of",
            _DIFFERENTIAL_COLUMNS,
            "For a flux confined to each part of the energy axis, E⁻² inside; one flavour, all sources together.",
        ),
        (
            "recovery",
            "Injection and recovery,",
            _RECOVERY_COLUMNS,
            "Fits of scrambled skies with a Poisson number of injected events; γ is averaged over trials with n_s > 0.",
        ),
        (
            "coverage",
            "Coverage of the upper limits,",
            _COVERAGE_COLUMNS,
            "Share of pseudo-experiments whose limit lies above the truth, with its 68 % interval.",
        ),
        (
            "systematics",
            "Systematic errors of limits and sensitivities,",
            _SYSTEMATICS_COLUMNS,
            "By which part the limit on the flux moves if the truth differs from what the analysis believes: effective "
            "area, distance of signal from its source, reconstructed energy of signal, density of the background near "
            "the sources, each smaller or larger by its size, from injection of its own. The band of all is the root "
            "of the sum of squares.",
        ),
    ):
        if found.get(name):
            named = "name" in found[name][0] and len({row["name"] for row in found[name]}) > 1
            shown = ({"name": "source"} if named else {}) | _with_fitted(columns, found[name][0])
            rows = [[_cell(row[key], key) for key in shown] for row in found[name]]
            yield (f"{title} {where}", list(shown.values()), rows, description)


def _cell(value: Any, key: str = "") -> Any:
    if key == "effect":
        return value.replace("_", " ")
    if key == "gamma":
        return index_cell(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
