"""The search at a position or for a stack, from a release to what may be quoted: `nusky.Search`.

The numbers are those of the workflow for the same seed and settings: both call `nusky.search.target`.
"""

import html
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nusky.detector.spectrum import PowerLaw
from nusky.errors import ConfigurationError, PhysicsError
from nusky.files import atomic_path, finite_or_null, write_json
from nusky.printable import for_spreadsheets, printable
from nusky.results.result import Result
from nusky.units import date_of, direction, moment, plain

if TYPE_CHECKING:  # importing them takes longer than `import nusky` may
    from astropy.table import Table
    from matplotlib.figure import Figure

    from nusky.detector.spectrum import Spectrum
    from nusky.search.analysis import Analysis
    from nusky.search.likelihood_profile import LikelihoodProfile
    from nusky.search.sources import Sources
    from nusky.search.time_profile import Box, Flare

GAMMAS = (2.0, 3.0)
"""Indices of the limits where none is asked for."""
GAMMA_RANGE = (1.0, 4.0)
CONFIDENCE_LEVEL = 0.9
QUOTED_TEV = (1.0, 100.0)
LEAST_WEIGHT = 0.05
"""Events below this probability to be signal are not listed."""
NO_FLARE_LIMIT = "no limit: it depends on the duration of the flare, which is not stated"
_MOST_TRIALS = 1_000_000
SUFFIXES = (".json", ".ecsv", ".fits", ".csv", ".png", ".pdf", ".svg")
_CONTOUR_GAMMAS, _CONTOUR_STEPS = 31, 61


class Search:
    """Searches in a public release, which is read once into the user's data folder and used again.

    Parameters
    ----------
    release : 'icecube-10yr', 'icecube-3yr' or 'icecube-14yr'
    path : folder or zip archive of the release on this machine; it is fetched if left out
    seasons : names of those to use; all of them if left out
    seed : root of the random streams of the trials
    check_counts, allow_version_1 : whether files that are not the published ones are refused, and version 1.0 of the
        fourteen-year release accepted: the keys of a configuration's block `release`

    Examples
    --------
    ``nusky.Search("icecube-3yr").at(SkyCoord(40.67, -0.01, unit="deg"))``
    """

    def __init__(
        self,
        release: str = "icecube-10yr",
        path: str | os.PathLike[str] | None = None,
        seasons: Sequence[str] | None = None,
        seed: int = 1,
        *,
        check_counts: bool = True,
        allow_version_1: bool = False,
    ) -> None:
        from nusky.releases import registry
        from nusky.releases.store import stored

        if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
            raise ConfigurationError(f"seed = {seed!r}: give a whole number of at least 0.")
        self.seed = int(seed)
        self.release = registry.find(release)
        accepted = {"check_counts": check_counts, "allow_version_1": allow_version_1}
        for key, value in accepted.items():
            if not isinstance(value, bool):
                raise ConfigurationError(f"{key} = {value!r}: give True or False.")
        self.tables = stored(release, path, seasons, **accepted)
        self.check_counts = check_counts

    @cached_property
    def analysis(self) -> "Analysis":
        """The events with their times and the detector's response; prepared once, and kept beside the tables."""
        from nusky import pickles
        from nusky.stages.inference import Data, load_analysis

        names = ("seasons", "effective_area", "smearing", "angular_resolution", "uptimes")
        data = Data(self.tables.events, *map(self.tables.table, names))

        def prepared() -> "Analysis":
            made = load_analysis(data)
            made.indexed  # noqa: B018 - kept with it
            return made

        return pickles.kept(self.tables.folder, "analysis", data.paths, prepared)

    def at(
        self,
        ra: Any,
        dec: Any = None,
        *,
        extension: Any = 0.0,
        name: str | None = None,
        gamma: float | None = None,
        spectrum: Any = None,
        window: tuple[Any, Any] | None = None,
        flare: tuple[float, float] | None = None,
        limit_days: float | None = None,
        trials: int = 1000,
    ) -> "SearchResult":
        """Search at one position.

        Parameters
        ----------
        ra, dec : ICRS, numbers in rad or quantities, or a SkyCoord of any frame as `ra` alone
        extension : Gaussian width of the source, rad or a quantity
        name : how the result calls the source
        gamma : spectral index to fix; it is fitted if left out, where the release has smearing tables
        spectrum : of the source, a power law if left out: one of `nusky.detector.spectrum`, a text such as
            ``'cutoff:cutoff=100TeV'`` or the name of a table (docs/spectra.md), or a model of gammapy. Its parameter
            that is not fixed is fitted.
        window : first and last moment at which the source shines; steady if left out. MJD, dates in UTC as text, or
            Time of astropy. The flux of the limits is that in the window, and they are also given as fluence.
        flare : shortest and longest duration [d of good runs] of an unknown flare, whose window is looked for; what is
            said of events and energies is about the window found
        limit_days : duration of the flares that limits are about, which may come at any time; needs `flare` and trials
        trials : scrambled skies behind the p-value, and behind limits as many with signal; 0 leaves out the p-value and
            gives asymptotic limits

        Raises
        ------
        PhysicsError : the arguments are no direction, width, index, window in the data, durations of a flare that fit
            into them, or number of trials; or no neutrino of the energies of the spectrum can be seen.
        ConfigurationError : a text is no spectrum.
        """
        from nusky.search.sources import Sources

        if window is not None and flare is not None:
            raise PhysicsError("a window is known or looked for: give either `window` or `flare`.")
        if limit_days is not None and (flare is None or not trials):
            raise PhysicsError("`limit_days` is about the limits of an unknown flare: it needs `flare`, and trials.")
        ra, dec = direction(ra, dec)
        if ra.size != 1 or dec.size != 1:
            raise PhysicsError(f"{max(ra.size, dec.size)} positions: `at` searches at one; `stack` takes several.")
        profile, shining, days = (*self._window(window), None) if flare is None else _flare(flare, limit_days)
        sources = Sources.of(ra, dec, plain("extension", extension, "rad"), profiles=profile)
        ra_deg, dec_deg = np.degrees([sources.ra[0], sources.dec[0]])
        keys = ("position", f"{ra_deg:.6f}", f"{dec_deg:.6f}", f"{np.degrees(sources.extension[0]):.6f}")
        row = {"name": name or f"RA {ra_deg:.3f}°, Dec {dec_deg:+.3f}°", "ra_deg": ra_deg, "dec_deg": dec_deg}
        if flare is not None:
            keys += ("flare",)
        keys += tuple(shining.values())
        return self._search(sources, keys, row | shining, (gamma, spectrum), trials, days)

    def stack(
        self,
        table: Any,
        *,
        weights: Any = None,
        name: str = "stack",
        gamma: float | None = None,
        spectrum: Any = None,
        window: tuple[Any, Any] | None = None,
        trials: int = 1000,
    ) -> "SearchResult":
        """Search for the flux that sources share.

        Parameters
        ----------
        table : a SkyCoord of several positions; or a table of astropy or pandas, or a mapping, with the columns `ra`
            and `dec` (quantities, or numbers in rad), or `ra_deg` and `dec_deg`, and perhaps `extension` or
            `extension_deg`
        weights : (n_sources,) shares of the flux, in any normalisation, or the name of a column; equal if left out. A
            table that has a column `weight` or `weights` needs it to be named, or `weights=1`
        name, gamma, spectrum, window, trials : as in `at`; spectrum and window are those of all sources
        """
        from nusky.search.sources import Sources

        ra, dec, extension, columns = _positions(table)
        if isinstance(weights, str):
            if weights not in columns:
                raise PhysicsError(f"weights = '{weights}': the table has no such column; it has {', '.join(columns)}.")
            weights = columns[weights]
        elif weights is None and (ignored := next((key for key in ("weight", "weights") if key in columns), None)):
            raise PhysicsError(
                f"the table has a column '{ignored}', which counts only if it is named: weights='{ignored}'. For equal "
                "shares give weights=1."
            )
        try:
            shares = np.asarray(1.0 if weights is None else getattr(weights, "value", weights), dtype=float)
            shares = np.broadcast_to(shares, ra.shape)
        except (TypeError, ValueError):
            raise PhysicsError(f"weights: give one number for each of the {ra.size} sources.") from None
        if not (np.isfinite(shares).all() and (shares >= 0).all()):
            raise PhysicsError("weights must be finite and not negative; leave out sources without one.")
        box, shining = self._window(window)
        sources = Sources.of(ra, dec, extension, shares, box)
        keys = ("stack", name, len(sources), *shining.values())
        return self._search(
            sources, keys, {"name": name, "n_sources": len(sources)} | shining, (gamma, spectrum), trials
        )

    def _window(self, window: Any) -> tuple["Box | None", dict[str, float]]:
        """The profile in time, and what a row says of it."""
        if window is None:
            return None, {}
        from nusky.search.time_profile import reach_of

        box = _box(window)
        runs = self.analysis.runs
        if not any(box.exposure(own) > 0 for own in runs):
            first, last = reach_of(runs)
            raise PhysicsError(
                f"no data were taken in the window from MJD {box.start:.10g} ({date_of(box.start)}) to {box.stop:.10g} "
                f"({date_of(box.stop)}): the good runs of {self.release.name}, which have gaps, reach from MJD "
                f"{first:.4f} ({date_of(first)}) to {last:.4f} ({date_of(last)}). Choose another window or release."
            )
        live = sum(box.exposure(own) for own in runs)
        return box, {"start_mjd": box.start, "stop_mjd": box.stop, "livetime_days": live}

    def _search(
        self,
        sources: "Sources",
        keys: tuple,
        row: dict[str, Any],
        wanted: tuple[float | None, Any],
        trials: int,
        limit_days: float | None = None,
    ) -> "SearchResult":
        """`wanted` are the index to fix and the spectrum, None where left out."""
        from nusky.detector.configured import spectrum_from
        from nusky.search.experiment import Experiment, Indices, Request
        from nusky.search.target import Target

        gamma, spectrum = wanted
        spectrum = None if spectrum is None else spectrum_from(spectrum)
        check_request(gamma, spectrum, trials)
        with_energy = self.analysis.smearings is not None
        # Without energies the indices only share the signal between the seasons: one is enough for the fit.
        fixed = gamma if gamma is not None or with_energy else GAMMAS[0]
        indices = Indices.choose(fixed, GAMMAS, with_energy, spectrum)
        experiment = Experiment.of(self.analysis, sources, indices, self.seed, keys)
        target = Target(experiment, sources, row, indices.spectrum, limit_days)
        method = "neyman" if trials else "asymptotic"
        request = Request(CONFIDENCE_LEVEL, method, (), max(100, int(trials) // 2))
        quoted = indices.spectrum.quoted(GAMMAS if gamma is None else [gamma])
        return _quoted(self, target, quoted, int(trials), request)


def check_request(
    gamma: Any, spectrum: "Spectrum | None", trials: Any, window: Any = None, flare: Any = None, limit_days: Any = None
) -> None:
    """Refuse what no data could answer, before any are fetched or read; the parameters are those of `Search.at`.

    Raises
    ------
    PhysicsError : index, number of trials, window or durations are none, or contradict each other.
    """
    if gamma is not None and spectrum is not None and spectrum.fit != "gamma":
        raise PhysicsError(f"gamma = {gamma}: the index of {spectrum.words} is fixed already. Leave gamma out.")
    if gamma is not None and not GAMMA_RANGE[0] <= float(gamma) <= GAMMA_RANGE[1]:
        hint = " The flux falls as E^-gamma: leave the minus sign out." if float(gamma) < 0 else ""
        raise PhysicsError(f"gamma = {gamma}: give an index from {GAMMA_RANGE[0]:g} to {GAMMA_RANGE[1]:g}.{hint}")
    if isinstance(trials, bool) or not isinstance(trials, int | np.integer) or not 0 <= trials <= _MOST_TRIALS:
        raise PhysicsError(f"trials = {trials!r}: give a whole number from 0 to {_MOST_TRIALS}.")
    if 0 < trials < 100:
        raise PhysicsError(f"trials = {trials}: a 90 % limit needs 100 or more; 0 gives asymptotic limits.")
    if window is not None:
        _box(window)
    if flare is not None:
        _flare(flare, limit_days)


def _box(window: Any) -> "Box":
    from nusky.search.time_profile import Box

    try:
        start, stop = window
    except (TypeError, ValueError):
        raise PhysicsError(f"window = {window!r}: give its start and its stop, two times.") from None
    return Box(moment("start of the window", start), moment("stop of the window", stop))


def _flare(flare: Any, limit_days: Any) -> tuple["Flare", dict[str, float], float | None]:
    """The profile of an unknown flare, what a row says of it, and the duration [d] that its limits are about."""
    from nusky.search.time_profile import Flare

    try:
        shortest, longest = (float(plain("duration of a flare", days, "d")) for days in flare)
        about = None if limit_days is None else float(plain("limit_days", limit_days, "d"))
    except (TypeError, ValueError):
        raise PhysicsError(
            f"flare = {flare!r}, limit_days = {limit_days!r}: give the shortest and the longest duration, in days, "
            "and one duration for limits."
        ) from None
    profile = Flare(shortest, longest)
    if about is not None:
        profile.check_lasting(about)
    return profile, {"shortest_days": shortest, "longest_days": longest}, about


def _quoted(search: Search, target: Any, values: list[float], trials: int, request: Any) -> "SearchResult":
    from nusky.search.statistics.limits import BAND_QUANTILES
    from nusky.search.statistics.statements import FluxStatement

    experiment = target.experiment
    observed = experiment.observed[:, 2]
    background = experiment.background(range(trials))[:, :, 2] if trials else np.empty((0, len(observed)))
    fit = next(target.fit_rows(observed, background))
    rows = []
    median = list(BAND_QUANTILES).index("median")
    for value in values:
        made, scale = _limit(target, value, float(observed[0]), background[:, 0] if trials else background, request)
        statement = FluxStatement(made.strength, scale)
        sensitivity = FluxStatement(replace(made.strength, n_signal=float(made.expected[median])), scale)
        row = {
            "gamma_limit": float(getattr(scale.spectrum, "gamma", np.nan)),
            "spectrum_limit": scale.spectrum.fixed.words,
            "method": made.strength.method,
            "confidence_level": request.confidence_level,
            "n_signal_limit": made.strength.n_signal,
            "n_signal_sensitivity": float(made.expected[median]),
            "energy_min_gev": scale.energy_min_gev,
            "energy_max_gev": scale.energy_max_gev,
            "phi0_limit_per_gev": statement.phi0_per_gev,
        }
        if experiment.hypothesis.flare is not None:
            row["limit_days"] = scale.duration_s / 86400
        for energy in QUOTED_TEV:
            row[f"limit_e2dnde_{energy:g}tev_gev_cm2_s"] = float(statement.e2_dnde(1e3 * energy))
            row[f"sensitivity_e2dnde_{energy:g}tev_gev_cm2_s"] = float(sensitivity.e2_dnde(1e3 * energy))
            if target.sources.profiles:
                for what, stated in (("limit", statement), ("sensitivity", sensitivity)):
                    fluence = float(stated.e2_dnde(1e3 * energy)) * scale.duration_s
                    row[f"{what}_e2_fluence_{energy:g}tev_gev_cm2"] = fluence
        rows.append(row | {"problem": made.problem})
    spectrum = target.spectrum
    settings = {
        "release": search.release.name,
        "seasons": list(search.tables.seasons),
        "citation": search.release.citation,
        "origin": search.tables.origin,
        "check_counts": search.check_counts,
        "likelihood": search.analysis.kind,
        "spectrum": spectrum.words,
        "injection": experiment.inject.label if trials else "none",
        "trials": trials,
        "trials_with_signal": request.n_trials if trials else 0,
        "seed": search.seed,
    }
    fit = {key: value for key, value in fit.items() if key != "gamma_fixed"}
    fit |= {"gamma_fitted": experiment.free and spectrum.fit == "gamma"}
    return SearchResult.of(target, fit, rows, settings, search.tables.synthetic)


def _limit(target: Any, gamma: float, ts: float, background: NDArray, request: Any) -> tuple[Any, Any]:
    """The limit at an index, and events per flux; NaN for an unknown flare whose duration is not stated."""
    from nusky.search.statistics.limits import BAND_QUANTILES
    from nusky.search.statistics.statements import FluxScale, SignalStrength
    from nusky.search.target import Limit

    nothing = float("nan")
    if target.experiment.hypothesis.flare is None or target.limit_days is not None:
        return target.limit(gamma, ts, background, request), target.flux_scale(gamma)
    strength = SignalStrength("upper limit", "", request.confidence_level, *(nothing,) * 3, n_trials=0)
    made = Limit(strength, np.full(len(BAND_QUANTILES), nothing), NO_FLARE_LIMIT)
    return made, FluxScale(target.spectrum.at(gamma), *(nothing,) * 3, duration_s=nothing)


def _positions(table: Any) -> tuple[NDArray, NDArray, NDArray, Mapping[str, Any]]:
    """ra, dec, extension [rad] of the sources, and the columns by name."""
    if hasattr(table, "transform_to"):
        ra, dec = map(np.atleast_1d, direction(table))
        return ra, dec, np.zeros(ra.shape), {}
    if not hasattr(table, "keys"):
        raise PhysicsError(
            "a stack is given as a SkyCoord, or a table with the columns ra and dec or ra_deg and dec_deg, not as "
            f"{type(table).__name__}. Read a file with astropy.table.Table.read."
        )
    columns = {str(name): table[name] for name in list(table.keys())}

    def angle(name: str) -> Any:
        if name in columns:
            values = columns[name]
            unit = getattr(values, "unit", None)
            return (
                np.asarray(values, dtype=float)
                if unit is None
                else values.quantity
                if hasattr(values, "quantity")
                else values
            )
        if f"{name}_deg" in columns:
            return np.radians(np.asarray(columns[f"{name}_deg"], dtype=float))
        return None

    if angle("ra") is None or angle("dec") is None:
        raise PhysicsError(f"the table has no ra and dec, or ra_deg and dec_deg; its columns are {', '.join(columns)}.")
    ra, dec = map(np.atleast_1d, direction(angle("ra"), angle("dec")))
    width = angle("extension")
    width = np.zeros(ra.shape) if width is None else np.nan_to_num(np.asarray(plain("extension", width, "rad"), float))
    return ra, dec, width, columns


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult(Result):
    """What a search found; as a `Result` its table has one row for each index with a limit.

    Attributes
    ----------
    row : name and position, or the number of sources
    fit : `test_statistic`, `n_signal`, `gamma` with 68 % intervals, and with trials `p_local` with its own
    settings : release, seasons, likelihood, trials, seed
    target : what was searched, see `nusky.search.target`
    """

    row: dict[str, Any]
    fit: dict[str, Any]
    settings: dict[str, Any]
    target: Any

    @classmethod
    def of(
        cls, target: Any, fit: dict[str, Any], limits: list[dict[str, Any]], settings: dict[str, Any], synthetic: bool
    ) -> "SearchResult":
        """From the fit and the limits of a target."""

        def figure(**options: Any) -> "Figure":
            from nusky.figures.search import search_figure

            return search_figure(made, **options)

        title = f"search at {target.row['name']}" if "ra_deg" in target.row else f"search for {target.row['name']}"
        data = pa.Table.from_pylist([target.row | fit | limit for limit in limits])
        made = cls(f"{title}, {settings['release']}", data, synthetic, figure, target.row, fit, settings, target)
        return made

    @property
    def limits(self) -> list[dict[str, Any]]:
        """The rows of the table: for each index the upper limit and the sensitivity with their energies."""
        return self.data.to_pylist()

    @cached_property
    def _events(self) -> Any:
        from nusky.search.contributions import contributions

        return contributions(self._hypothesis, self.n_judged, self.parameter, LEAST_WEIGHT)

    @property
    def is_free(self) -> bool:
        """Whether a parameter of the spectrum was fitted."""
        return self.target.experiment.free

    @property
    def parameter(self) -> float:
        """The parameter of the spectrum at the best fit, of an energy log10(E/GeV); where nothing is fitted, the first
        at which a limit is quoted."""
        spectrum = self.target.spectrum
        if not self.is_free:
            return float(self.target.experiment.hypothesis.gammas[0])
        best = self.fit[spectrum.fit]
        if not np.isfinite(best):
            return spectrum.quoted(GAMMAS)[0]
        return float(np.log10(best) if spectrum.fit.endswith("_gev") else best)

    @cached_property
    def _hypothesis(self) -> Any:
        """What was searched; of an unknown flare at the window found, or over all of the data if there is none."""
        from nusky.search.time_profile import Box, reach_of

        hypothesis = self.target.experiment.hypothesis
        if hypothesis.flare is None:
            return hypothesis
        edges = self.fit["start_mjd"], self.fit["stop_mjd"]
        return hypothesis.at_window(Box(*(edges if np.isfinite(edges[0]) else reach_of(self.target.analysis.runs))))

    @property
    def n_judged(self) -> float:
        """Number of signal events at which the events are judged: the best one, at least 1."""
        return max(1.0, float(self.fit["n_signal"]))

    def events(self) -> "Table":
        """The events that are signal with a probability (`weight`) of at least 5 % at the best fit, in order.

        `ratio` is S/B, `test_statistic` what the event adds to TS, `separation` the angle to the nearest source.
        """
        from astropy import units as u
        from astropy.table import Table

        found, analysis = self._events, self.target.analysis
        starts = np.concatenate([[0], np.cumsum([len(season) for season in analysis.seasons])])
        number = found.event - starts[found.season]
        picked = {
            name: np.array([getattr(analysis.seasons[k], name)[i] for k, i in zip(found.season, number, strict=True)])
            for name in ("ra", "dec", "ang_err", "mjd")
        }
        sources = self.target.sources
        apart = [_separation(r, d, sources).min() for r, d in zip(picked["ra"], picked["dec"], strict=True)]
        table = Table(
            {
                "season": np.array([analysis.seasons[k].name for k in found.season], dtype=str),
                "row": number,
                "mjd": picked["mjd"] * u.d,
                "ra": np.degrees(picked["ra"]) * u.deg,
                "dec": np.degrees(picked["dec"]) * u.deg,
                "ang_err": np.degrees(picked["ang_err"]) * u.deg,
                "separation": np.degrees(np.array(apart, dtype=float)) * u.deg,
                "weight": found.weight,
                "ratio": found.ratio,
                "test_statistic": found.ts,
            }
        )
        table.meta = {"title": f"events of the {self.title}", "n_signal": self.n_judged, "synthetic": self.synthetic}
        return table

    @cached_property
    def profile(self) -> "LikelihoodProfile":
        """TS of the data over n_s, or the flux, and gamma: what `write_profile` writes."""
        from nusky.search.likelihood_profile import likelihood_profile

        return likelihood_profile(self.target)

    def write_profile(self, path: str | os.PathLike[str]) -> Path:
        """Write the likelihood profile for other programs, ``.fits`` or ``.ecsv`` (`nusky.results.profile`)."""
        from nusky.results.profile import profile_table, write_profile

        if self.is_free and self.target.spectrum.fit != "gamma":
            raise PhysicsError(
                f"{path}: a profile for other programs is one over flux and index, and {self.target.spectrum.fit} was "
                "fitted. Leave the profile out, or the index free."
            )
        about = {"OBJECT": self.row["name"], "RELEASE": self.settings["release"], "SYNTH": self.synthetic}
        about |= {"RA": self.row["ra_deg"], "DEC": self.row["dec_deg"]} if "ra_deg" in self.row else {}
        about |= {"LIKELIHD": self.settings["likelihood"], "SPECTRUM": self.target.spectrum.words}
        return write_profile(profile_table(self.profile.rows(), about), path)

    @cached_property
    def contours(self) -> tuple[NDArray, NDArray, NDArray]:
        """gamma (n_gammas,), n_s (n_steps,), and TS(n_s, gamma) of the data, (n_gammas, n_steps).

        In place of gamma the fitted parameter of another spectrum, of an energy log10(E/GeV).
        """
        best = float(np.nan_to_num(self.fit["n_signal_high68"]))  # of no flare there is none
        high = max(1.6 * best, best + 4.0)
        steps = np.linspace(0.0, high, _CONTOUR_STEPS)
        hypothesis, spectrum = self._hypothesis, self.target.spectrum
        gammas = np.linspace(*spectrum.bounds, _CONTOUR_GAMMAS) if self.is_free else hypothesis.gammas[:1]
        return gammas, steps, hypothesis.profile_likelihood(gammas, steps)

    def sources(self) -> "Table":
        """The sources that were searched: `ra`, `dec`, Gaussian width `extension` [deg], `weight`, their shares of the
        flux, which add up to 1."""
        from astropy.table import QTable
        from astropy.units import deg

        searched = self.target.sources
        angles = {name: np.degrees(getattr(searched, name)) * deg for name in ("ra", "dec", "extension")}
        return QTable(angles | {"weight": searched.weights})

    def to_dict(self) -> dict[str, Any]:
        """Everything found, as JSON has it: source, those of a stack, fit, limits, events, settings."""
        events, sources = self.events(), self.sources()
        content = {"title": self.title, "synthetic": self.synthetic, "source": self.row, "fit": self.fit}
        if "n_sources" in self.row:
            content |= {"sources": _rows(sources), "source_units": _units(sources)}
        limits = [{k: v for k, v in row.items() if k not in self.row and k not in self.fit} for row in self.limits]
        content |= {"limits": limits, "events": _rows(events), "event_units": _units(events), "settings": self.settings}
        return finite_or_null(content)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the result to a file; its suffix says how.

        ``.json``: everything; ``.fits``: tables of limits, events and sources; ``.ecsv``, ``.csv``: the limits with the
        fit; ``.png``, ``.pdf``, ``.svg``: the figure.
        """
        path = Path(path).expanduser()
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ConfigurationError(f"{path}: results are written as {', '.join(SUFFIXES)}; change the suffix.")
        if suffix == ".json":
            write_json(path, self.to_dict())
        elif suffix in (".png", ".pdf", ".svg"):
            from nusky.figures.canvas import save

            save(self.figure(), [path], dpi=200)
        else:
            self._write_table(path, suffix)
        return path

    def _write_table(self, path: Path, suffix: str) -> None:
        table = self.to_table()
        with atomic_path(path) as temporary:
            if suffix == ".csv":
                for name in table.colnames:
                    if table[name].dtype.kind in "UO":
                        table[name] = [for_spreadsheets(t) if isinstance(t, str) else t for t in table[name]]
                table.write(temporary, format="ascii.csv")
            elif suffix == ".ecsv":
                table.write(temporary, format="ascii.ecsv")
            else:
                from astropy.io import fits

                table.meta = {"SYNTH": self.synthetic}
                events = self.events()
                events.meta = {"NJUDGED": self.n_judged, "SYNTH": self.synthetic}
                hdus = [
                    fits.PrimaryHDU(),
                    fits.table_to_hdu(table, name="RESULT"),
                    fits.table_to_hdu(events, name="EVENTS"),
                    fits.table_to_hdu(self.sources(), name="SOURCES"),
                ]
                hdus[0].header["SETTINGS"] = json.dumps(self.settings, ensure_ascii=True)
                fits.HDUList(hdus).writeto(temporary)

    def to_table(self) -> "Table":
        """As in `Result`, with the settings in its `meta`."""
        table = super().to_table()
        table.meta |= self.settings
        return table

    def summary(self) -> dict[str, str]:
        """The result in words, by what it is."""
        fit, shown = self.fit, {}
        if "ra_deg" in self.row:
            shown["position"] = "RA {ra_deg:.3f}°, Dec {dec_deg:+.3f}° (ICRS)".format(**self.row)
        else:
            shown["sources"] = str(self.row["n_sources"])
        if "start_mjd" in self.row:
            start, stop = self.row["start_mjd"], self.row["stop_mjd"]
            shown["window"] = f"MJD {start:.10g} to {stop:.10g} ({date_of(start)} to {date_of(stop)} UTC)"
            shown["livetime in it"] = f"{self.row['livetime_days']:.4g} d"
        if "start_mjd" in fit:
            shown["flares looked for"] = "{shortest_days:g} to {longest_days:g} d".format(**self.row)
            start, stop, found = fit["start_mjd"], fit["stop_mjd"], "none"
            if np.isfinite(start):
                found = f"MJD {start:.3f} to {stop:.3f} ({date_of(start)} to {date_of(stop)} UTC), "
                found += f"{fit['duration_days']:.4g} d"
            shown["window found"] = found
        shown["test statistic"] = f"{fit['test_statistic']:.2f}"
        shown["signal events"] = f"{fit['n_signal']:.1f}"
        if np.isfinite(fit["n_signal_high68"]):
            shown["signal events"] += "  (68 %: {n_signal_low68:.1f} to {n_signal_high68:.1f})".format(**fit)
        spectrum = self.target.spectrum
        if not isinstance(spectrum, PowerLaw) or spectrum.fixed.words != PowerLaw(spectrum.gamma, fit="").words:
            shown["spectrum"] = spectrum.words
        text = "none, as no signal is fitted"
        if self.is_free and fit["n_signal"] > 0:
            number = "{:.2f}" if spectrum.fit == "gamma" else "{:.4g}"
            best = (fit[f"{spectrum.fit}{end}"] for end in ("", "_low68", "_high68"))
            text = f"{number}  (68 %: {number} to {number})".format(*best)
        elif not self.is_free:
            text = f"{self.target.experiment.hypothesis.gammas[0]:g}, not fitted"
        if self.is_free or spectrum.fit == "gamma":  # else the words of the spectrum have the index, if there is one
            shown["spectral index" if spectrum.fit == "gamma" else spectrum.fit] = text
        if np.isfinite(fit["signal_energy_min68_gev"]):
            ranges = [f"{energies(fit, 'signal_energy', content)} ({content} %)" for content in (68, 90)]
            shown["energies of the signal"] = ", ".join(ranges)
        if "p_local" in fit:
            sigma = f", {fit['significance']:.1f} σ" if fit["significance"] > 0 else ""  # below 0 there is no excess
            counted = "{n_exceeding} of {n_trials} scrambled skies have as much".format(**fit)
            floor = "" if fit["n_exceeding"] else "; no lower value can be found with so few"
            shown["local p-value"] = f"{fit['p_local']:.2g}{sigma}  ({counted}{floor})"
        else:
            shown["local p-value"] = "none without trials"
        return shown

    def __repr__(self) -> str:
        lines = [self.title + (" (synthetic events: not a measurement)" if self.synthetic else "")]
        lines += [f"  {name}: {text}" for name, text in self.summary().items()]
        return printable("\n".join(lines), keep="\n")

    def _repr_html_(self) -> str:
        left = " style='text-align:left'"
        entries = "".join(
            f"<tr><th{left}>{html.escape(name)}</th><td{left}>{html.escape(text)}</td></tr>"
            for name, text in self.summary().items()
        )
        warning = "<p><b>Synthetic events: not a measurement.</b></p>" if self.synthetic else ""
        about = self.limits[0].get("limit_days", np.nan)
        caption = f"<p>Limits are of a flare of {about:g} d at any time.</p>" if np.isfinite(about) else ""
        fluence = "limit_e2_fluence_100tev_gev_cm2" in self.limits[0]
        titles = ["spectrum", "upper limit", "sensitivity", "limit at 100 TeV", *["fluence at 100 TeV"] * fluence]
        head = "".join(f"<th>{title}</th>" for title in [*titles, "energies"])
        rows = "".join(map(_limit_row, self.limits))
        tables = f"<table>{entries}</table>{caption}<table><tr>{head}</tr>{rows}</table>"
        return printable(f"<h4>{html.escape(self.title)}</h4>{warning}{tables}", keep="\n")


def _rows(table: "Table") -> list[dict[str, Any]]:
    listed = [getattr(table[name], "value", table[name]).tolist() for name in table.colnames]
    return [dict(zip(table.colnames, values, strict=True)) for values in zip(*listed, strict=True)]


def _units(table: "Table") -> dict[str, str]:
    return {name: str(table[name].unit) for name in table.colnames if table[name].unit is not None}


def _limit_row(row: Mapping[str, Any]) -> str:
    """A row of the limits in HTML; in words why there is no limit."""
    cells = [
        or_none(row["n_signal_limit"], ".1f", " events"),
        or_none(row["n_signal_sensitivity"], ".1f", " events"),
        or_none(row["limit_e2dnde_100tev_gev_cm2_s"], ".2e", " GeV cm⁻² s⁻¹"),
        *(or_none(row[key], ".2e", " GeV cm⁻²") for key in ("limit_e2_fluence_100tev_gev_cm2",) if key in row),
        energies(row),
    ]
    known = "".join(f"<td>{cell}</td>" for cell in cells)
    why = f"<td colspan='{len(cells)}'>{html.escape(row['problem'])}</td>"
    first = f"<td>{html.escape(spectrum_text(row))}</td>"
    if not np.isfinite(row["n_signal_sensitivity"]):
        return f"<tr>{first}{why}</tr>"
    return f"<tr>{first}{known}</tr>" + (f"<tr><td></td>{why}</tr>" if row["problem"] else "")


def or_none(value: float, form: str, unit: str = "") -> str:
    """A number, dimensionless or with its `unit` behind it; 'none' where it is not finite."""
    return f"{value:{form}}{unit}" if np.isfinite(value) else "none"


def spectrum_text(row: Mapping[str, Any]) -> str:
    """The spectrum of a limit in words, for short the index of a power law."""
    index = f"{row['gamma_limit']:g}"
    return f"γ = {index}" if row["spectrum_limit"] == f"power-law (gamma {index})" else row["spectrum_limit"]


def energies(row: Mapping[str, Any], of: str = "energy", content: int | str = "") -> str:
    """A range of energies of a row in words: that of a limit, or `of` what and how many per cent; they are in GeV."""
    return " to ".join(_energy(row[f"{of}_{end}{content}_gev"]) for end in ("min", "max"))


def _energy(gev: float) -> str:
    unit, size = ("PeV", 1e6) if gev >= 1e6 else ("TeV", 1e3) if gev >= 1e3 else ("GeV", 1.0)
    return f"{gev / size:.{0 if gev >= 100 * size else 1}f} {unit}"


def _separation(ra: float, dec: float, sources: "Sources") -> NDArray:
    """Angles between a direction and the sources, rad."""
    h = np.sin((sources.dec - dec) / 2) ** 2 + np.cos(dec) * np.cos(sources.dec) * np.sin((sources.ra - ra) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(np.minimum(1.0, h)))
