"""Spectra of neutrinos: what a flux is, wherever one is folded with the detector, drawn from or stated.

Everything else asks a spectrum for three things: its integrals over bins of energy, where inside a bin a share of the
integral lies, and, if a parameter of it is fitted, the same spectrum with another value. A subclass of `Spectrum` says
its `shape`; integrals and shares then follow by quadrature, unless it has closed forms.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.conventions import PIVOT_ENERGY_GEV
from nusky.errors import PhysicsError

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_TOLERANCE = 1e-11
_HALVINGS = 14
_STEPS_PER_DEX, _LEAST_STEPS = 200, 64
"""Steps of a bin between which a share of its integral is looked up."""
_NOT_OF_THE_SHAPE = ("log10_limits", "fit", "fit_limits")


@dataclass(frozen=True, kw_only=True)
class Spectrum(ABC):
    """A flux dN/dE = phi0 f(E) inside a range of energies and 0 outside.

    f is a power of E / 100 TeV times what a subclass adds, so phi0 is the flux at 100 TeV of a power law, and else as
    the subclass says.

    Attributes
    ----------
    log10_limits : (low, high), log10(E/GeV)
        The range; all energies by default.
    fit : str
        Name of the attribute that a fit may leave free, one of `BOUNDS`; empty where only phi0 is fitted.
    fit_limits : (low, high) or None
        Where it is looked for, of energies log10(E/GeV); None for the range in `BOUNDS`.
    """

    log10_limits: tuple[float, float] = (-np.inf, np.inf)
    fit: str = "gamma"
    fit_limits: tuple[float, float] | None = None
    NAME: ClassVar[str]
    """What a configuration calls it."""
    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {"gamma": (1.0, 4.0)}
    """Range in which each attribute that may be fitted is looked for; of energies log10(E/GeV)."""

    def __post_init__(self) -> None:
        """PhysicsError for an attribute that cannot be fitted, or a range that is none."""
        if self.fit and self.fit not in self.BOUNDS:
            raise PhysicsError(f"'{self.fit}' of a {self.NAME} cannot be fitted; {', '.join(self.BOUNDS)} can.")
        if self.fit_limits is not None and not self.fit_limits[0] < self.fit_limits[1]:
            raise PhysicsError("{} is fitted from {:g} to {:g}: no range.".format(self.fit, *self.fit_limits))
        if not self.log10_limits[0] < self.log10_limits[1]:
            raise PhysicsError(
                "a spectrum's range of energies must begin below its end: {:g} and {:g} in log10(E/GeV).".format(
                    *self.log10_limits
                )
            )

    @abstractmethod
    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """f(E) at energies [GeV], dimensionless; the range is not looked at."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The spectrum in words, the value of what is fitted left out."""

    @property
    def knots(self) -> NDArray:
        """Energies, log10(E/GeV), where f bends sharply: quadrature begins anew there."""
        return np.empty(0)

    @property
    def parameter(self) -> float:
        """Value of what a fit may leave free: of an energy log10(E/GeV), 0 if there is nothing but phi0."""
        if not self.fit:
            return 0.0
        value = getattr(self, self.fit)
        return float(np.log10(value)) if self.fit.endswith("_gev") else value

    @property
    def parameter_name(self) -> str:
        """What `parameter` is: `gamma`, `curvature`, `log10_cutoff_gev`, ...; empty if there is nothing but phi0."""
        return f"log10_{self.fit}" if self.fit.endswith("_gev") else self.fit

    @property
    def quoted_index(self) -> float:
        """Index that numbers are quoted for where it is what a fit may leave free; 0 for the spectrum as it is."""
        return self.parameter if self.fit == "gamma" else 0.0

    @property
    def quoted_words(self) -> str:
        """The spectrum in words, the `quoted_index` left out."""
        return self.words if self.fit == "gamma" else self.fixed.words

    def under_own_name(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row in which `gamma`, and what begins with `gamma_`, are values of `parameter`, each under its own name.

        Of energies the value in GeV. `gamma` then is the index that the spectrum has, NaN without one.
        """
        if self.fit == "gamma":
            return dict(row)
        made: dict[str, Any] = {}
        for key, value in row.items():
            if key != "gamma" and not key.startswith("gamma_"):
                made[key] = value
                continue
            made[key] = np.full(np.shape(value), getattr(self, "gamma", np.nan), dtype=float)[()]
            if self.fit:
                made[self.fit + key.removeprefix("gamma")] = (
                    10.0 ** np.asarray(value) if self.fit.endswith("_gev") else value
                )
        return made

    @property
    def bounds(self) -> tuple[float, float]:
        """Range in which what a fit may leave free is looked for; of an energy log10(E/GeV)."""
        return self.fit_limits or self.BOUNDS[self.fit]

    def at(self, parameter: float) -> "Spectrum":
        """The same spectrum with another value of its parameter."""
        if not self.fit:
            return self
        return replace(self, **{self.fit: 10.0**parameter if self.fit.endswith("_gev") else float(parameter)})

    @property
    def fixed(self) -> "Spectrum":
        """The same with nothing but phi0 fitted."""
        return replace(self, fit="", fit_limits=None) if self.fit else self

    def grid(self, n: int) -> "tuple[Spectrum, ...]":
        """`n` spectra with the parameter evenly spaced over its range; itself where only phi0 is fitted."""
        return tuple(self.at(value) for value in np.linspace(*self.bounds, n)) if self.fit else (self,)

    def within(self, log10_limits: tuple[float, float]) -> "Spectrum":
        """The same in a range of log10(E/GeV), cut at its own ends; PhysicsError where they do not overlap."""
        low, high = max(log10_limits[0], self.log10_limits[0]), min(log10_limits[1], self.log10_limits[1])
        if not low < high:
            raise PhysicsError(
                "{}: it has no flux at log10(E/GeV) {:g} to {:g}, but from {:g} to {:g}.".format(
                    self.words, *log10_limits, *self.log10_limits
                )
            )
        return replace(self, log10_limits=(low, high))

    def quoted(self, gammas: Sequence[float]) -> list[float]:
        """Values of the parameter at which fluxes are quoted: `gammas` of an index, else its own."""
        return [float(gamma) for gamma in gammas] if self.fit == "gamma" else [self.parameter]

    def edges(self, log10_energy_edges: ArrayLike) -> NDArray:
        """Edges of bins, log10(E/GeV), those outside the range moved to its ends."""
        first, last = self.log10_limits
        return np.minimum(np.maximum(np.asarray(log10_energy_edges, dtype=float), first), last)  # clip is slow for few

    def integrals(self, log10_energy_edges: ArrayLike) -> NDArray:
        """Integrals of f(E) dE [GeV] between neighbouring edges (n + 1,), log10(E/GeV), within the range: (n,)."""
        return self._integrals(self.edges(log10_energy_edges))

    def quantile(self, share: ArrayLike, low: ArrayLike, high: ArrayLike) -> NDArray:
        """log10(E/GeV) up to which the `share` of the integral over a bin from `low` to `high` lies; all (n,)."""
        low, high = self.edges(low), self.edges(high)
        return low + self._step(np.asarray(share, dtype=float), low, high)

    def _integrals(self, log10_energy_edges: NDArray) -> NDArray:
        """Integrals of f dE [GeV] between neighbouring edges; kept, as the same are asked for again and again."""
        key = log10_energy_edges.tobytes()
        if key not in self._known:
            self._known[key] = self._by_quadrature(log10_energy_edges)
        return self._known[key].copy()

    @cached_property
    def _known(self) -> dict[bytes, NDArray]:
        """Integrals by the edges between which they are."""
        return {}

    def _by_quadrature(self, edges: NDArray) -> NDArray:
        parts = np.unique(np.concatenate([edges, np.clip(self.knots, edges[0], edges[-1])]))
        bins = np.searchsorted(edges, (parts[1:] + parts[:-1]) / 2, side="right") - 1
        return np.bincount(bins, _quadrature(self._per_dex, parts[:-1], parts[1:]), len(edges) - 1)

    def _per_dex(self, log10_energy: NDArray) -> NDArray:
        energy = 10.0**log10_energy
        return np.log(10.0) * energy * self.shape(energy)

    def _step(self, share: NDArray, low: NDArray, high: NDArray) -> NDArray:
        """Distance [dex] above `low` at which the `share` of the integral from `low` to `high` is reached."""
        share, low, high = np.broadcast_arrays(share, low, high)
        found = np.zeros(share.shape)
        different, which = np.unique(np.column_stack([low, high]), axis=0, return_inverse=True)
        for number, ends in enumerate(map(tuple, different.tolist())):
            if ends not in self._inverses:
                self._inverses[ends] = self._inverse(*ends)
            steps, below, slope = self._inverses[ends]
            own = np.flatnonzero(which.ravel() == number)
            k = np.clip(np.searchsorted(below, share[own], side="right") - 1, 0, len(steps) - 2)
            part = np.divide(
                share[own] - below[k], below[k + 1] - below[k], where=below[k + 1] > below[k], out=np.zeros(len(own))
            )
            found[own] = steps[k] + _step_of_power(np.clip(part, 0.0, 1.0), slope[k], steps[k + 1] - steps[k])
        return found

    @cached_property
    def _inverses(self) -> dict[tuple[float, float], tuple[NDArray, NDArray, NDArray]]:
        """By ends of a bin: steps from its lower end [dex], the share below each, and the slope between them."""
        return {}

    def _inverse(self, low: float, high: float) -> tuple[NDArray, NDArray, NDArray]:
        if not high > low:
            return np.zeros(2), np.array([0.0, 1.0]), np.zeros(1)
        even = np.linspace(low, high, max(_LEAST_STEPS, int(_STEPS_PER_DEX * (high - low))) + 1)
        x = np.union1d(even, np.clip(self.knots, low, high))
        parts = _gauss(self._per_dex, x[:-1], x[1:])
        below = np.concatenate([[0.0], np.cumsum(parts)])
        inner = x[:-1] + np.array([[0.25], [0.75]]) * np.diff(x)  # inside: at a knot f may jump
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.diff(np.log(self._per_dex(inner)), axis=0)[0] / (0.5 * np.diff(x))
        total = below[-1]
        return (
            x - low,
            below / total if total > 0 else np.linspace(0, 1, len(x)),
            np.nan_to_num(slope, posinf=0, neginf=0),
        )


@dataclass(frozen=True)
class Indexed(Spectrum):
    """A power of the energy, times something else.

    Attributes
    ----------
    gamma : float
        Spectral index: the power is (E / 100 TeV)^-gamma.
    """

    gamma: float

    @property
    def words(self) -> str:
        """The name and the values of what is not fitted."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _NOT_OF_THE_SHAPE}
        told = [f"{name} {value:.6g}" for name, value in known.items() if name != self.fit]
        told += [f"{self.fit} fitted"] * (self.fit not in ("", "gamma"))
        told += ["log10(E/GeV) {:g} to {:g}".format(*self.log10_limits)] * bool(np.isfinite(self.log10_limits).any())
        return self.NAME + (f" ({', '.join(told)})" if told else "")

    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """(E / 100 TeV)^-gamma."""
        return (np.asarray(energy_gev, dtype=float) / PIVOT_ENERGY_GEV) ** -self.gamma


@dataclass(frozen=True)
class PowerLaw(Indexed):
    """f(E) = (E / 100 TeV)^-gamma; any real number gamma, 1 included."""

    NAME = "power-law"

    def _integrals(self, log10_energy_edges: NDArray) -> NDArray:
        x = np.log(10.0) * (log10_energy_edges - np.log10(PIVOT_ENERGY_GEV))
        slope, width = 1.0 - self.gamma, np.diff(x)
        stretch = np.expm1(slope * width) / slope if slope != 0.0 else width
        return PIVOT_ENERGY_GEV * np.exp(slope * x[:-1]) * stretch

    def _step(self, share: NDArray, low: NDArray, high: NDArray) -> NDArray:
        slope = np.log(10.0) * (1.0 - self.gamma)
        width = high - low
        return np.log1p(share * np.expm1(slope * width)) / slope if slope != 0.0 else share * width


@dataclass(frozen=True)
class CutoffPowerLaw(Indexed):
    """f(E) = (E / 100 TeV)^-gamma exp(-(E / E_c)^beta); phi0 is the flux at 100 TeV without the cut-off.

    Attributes
    ----------
    cutoff_gev : float
        E_c, GeV.
    cutoff_power : float
        beta, dimensionless.
    """

    cutoff_gev: float
    cutoff_power: float = 1.0
    NAME = "cutoff-power-law"
    BOUNDS = Indexed.BOUNDS | {"cutoff_gev": (3.0, 8.0)}

    def __post_init__(self) -> None:
        """PhysicsError for a cut-off that is none."""
        super().__post_init__()
        _positive(self, "cutoff_gev", "cutoff_power")

    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """(E / 100 TeV)^-gamma exp(-(E / E_c)^beta)."""
        energy = np.asarray(energy_gev, dtype=float)
        return super().shape(energy) * np.exp(-((energy / self.cutoff_gev) ** self.cutoff_power))


@dataclass(frozen=True)
class BrokenPowerLaw(Indexed):
    """f(E) = (E / 100 TeV)^-gamma [1 + (E / E_b)^s]^(-(gamma_above - gamma) / s), of index gamma far below the break.

    phi0 is the flux at 100 TeV without the break.

    Attributes
    ----------
    gamma_above : float
        Index far above the break.
    break_gev : float
        E_b, GeV.
    sharpness : float
        s, dimensionless: the break is about 1/s decades wide.
    """

    gamma_above: float
    break_gev: float
    sharpness: float = 2.0
    NAME = "broken-power-law"
    BOUNDS = Indexed.BOUNDS | {"gamma_above": (1.0, 6.0), "break_gev": (3.0, 8.0)}

    def __post_init__(self) -> None:
        """PhysicsError for a break that is none."""
        super().__post_init__()
        _positive(self, "break_gev", "sharpness")

    @property
    def knots(self) -> NDArray:
        """The break."""
        return np.log10([self.break_gev])

    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """(E / 100 TeV)^-gamma [1 + (E / E_b)^s]^(-(gamma_above - gamma) / s)."""
        energy = np.asarray(energy_gev, dtype=float)
        softer = np.logaddexp(0.0, self.sharpness * np.log(energy / self.break_gev)) / self.sharpness
        return super().shape(energy) * np.exp((self.gamma - self.gamma_above) * softer)


@dataclass(frozen=True)
class LogParabola(Indexed):
    """f(E) = (E / 100 TeV)^-(gamma + curvature ln(E / 100 TeV)); gamma is the index at 100 TeV.

    Attributes
    ----------
    curvature : float
        Dimensionless; above 0 the spectrum softens with energy.
    """

    curvature: float
    NAME = "log-parabola"
    BOUNDS = Indexed.BOUNDS | {"curvature": (-0.5, 1.0)}

    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """(E / 100 TeV)^-(gamma + curvature ln(E / 100 TeV))."""
        x = np.log(np.asarray(energy_gev, dtype=float) / PIVOT_ENERGY_GEV)
        return np.exp(-(self.gamma + self.curvature * x) * x)


@dataclass(frozen=True)
class TabulatedSpectrum(Spectrum):
    """A flux known at some energies: a power law between neighbours, nothing outside. phi0 multiplies it.

    Attributes
    ----------
    log10_energy, log10_flux : n each
        log10(E/GeV), ascending, and log10 of f there.
    label : str
        What it is called in outputs.
    """

    log10_energy: tuple[float, ...]
    log10_flux: tuple[float, ...]
    label: str = "table"
    fit: str = field(default="", kw_only=True)
    NAME = "table"
    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {}

    @classmethod
    def of(cls, energy_gev: ArrayLike, flux: ArrayLike, label: str = "table") -> "TabulatedSpectrum":
        """From energies [GeV] and the flux there; f is the flux in units of 1 GeV^-1 cm^-2 s^-1.

        Raises
        ------
        PhysicsError : fewer than two energies, a number that is not finite and above 0, or energies not ascending.
        """
        energy, flux = np.asarray(energy_gev, dtype=float), np.asarray(flux, dtype=float)
        if energy.shape != flux.shape or energy.ndim != 1 or len(energy) < 2:
            raise PhysicsError(f"{label}: a spectrum needs two energies at least, each with a flux.")
        for what, values in (("energy", energy), ("flux", flux)):
            wrong = np.flatnonzero(~((values > 0) & np.isfinite(values)))
            if wrong.size:
                raise PhysicsError(
                    f"{label}: {what} number {wrong[0] + 1} is {values[wrong[0]]:g}; it must be finite and above 0. "
                    "Leave out the energies without flux: outside its energies a tabulated spectrum is 0."
                )
        wrong = np.flatnonzero(np.diff(energy) <= 0)
        if wrong.size:
            k = wrong[0]
            raise PhysicsError(
                f"{label}: energies must ascend, but number {k + 2} ({energy[k + 1]:g} GeV) does not lie above number "
                f"{k + 1} ({energy[k]:g} GeV)."
            )
        x = np.log10(energy)
        return cls(tuple(x.tolist()), tuple(np.log10(flux).tolist()), label, log10_limits=(float(x[0]), float(x[-1])))

    @cached_property
    def _points(self) -> tuple[NDArray, NDArray]:
        return np.array(self.log10_energy), np.array(self.log10_flux)

    @property
    def knots(self) -> NDArray:
        """The energies of the table."""
        return self._points[0]

    @property
    def words(self) -> str:
        """The label."""
        return self.label

    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """The power law through the neighbours in the table; 0 outside."""
        x, y = self._points
        return 10.0 ** np.interp(np.log10(energy_gev), x, y, left=-np.inf, right=-np.inf)


@dataclass(frozen=True)
class JoinedSpectrum(Spectrum):
    """The sum of several spectra, each 0 outside its range: a flux that was measured in parts, say.

    Attributes
    ----------
    own : n_spectra
    weights : n_spectra
        Shares of phi0, which add up to 1.
    """

    own: tuple[Spectrum, ...]
    weights: tuple[float, ...]
    fit: str = field(default="", kw_only=True)
    NAME = "joined spectra"

    @classmethod
    def of(cls, own: Sequence[Spectrum], weights: ArrayLike) -> Self:
        """The spectra `own` (n_spectra,) whose phi0 are as `weights` (n_spectra,), in any normalisation."""
        shares = np.asarray(weights, dtype=float) / np.sum(weights)
        low, high = zip(*(spectrum.log10_limits for spectrum in own), strict=True)
        return cls(tuple(own), tuple(shares.tolist()), log10_limits=(min(low), max(high)))

    def __post_init__(self) -> None:
        """Nothing to check: the spectra were."""

    @property
    def words(self) -> str:
        """Those of all."""
        return " + ".join(spectrum.words for spectrum in self.own)

    def within(self, log10_limits: tuple[float, float]) -> Self:
        """All of them within a range of log10(E/GeV); those without flux there are left out of it."""
        inside = super().within(log10_limits)
        low, high = inside.log10_limits
        kept = [
            (spectrum.within(log10_limits), weight)
            for spectrum, weight in zip(self.own, self.weights, strict=True)
            if max(low, spectrum.log10_limits[0]) < min(high, spectrum.log10_limits[1])
        ]
        own, weights = zip(*kept, strict=True) if kept else ((), ())
        return replace(inside, own=own, weights=weights)

    @cached_property
    def knots(self) -> NDArray:
        """Those of all, and the ends of their ranges."""
        ends = np.ravel([spectrum.log10_limits for spectrum in self.own])
        return np.unique(np.concatenate([*(spectrum.knots for spectrum in self.own), ends[np.isfinite(ends)]]))

    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """The weighted sum of f, each 0 outside its range."""
        x = np.log10(energy_gev)
        total = np.zeros(np.shape(x))
        for spectrum, weight in zip(self.own, self.weights, strict=True):
            low, high = spectrum.log10_limits
            total += np.where((x >= low) & (x <= high), weight * spectrum.shape(energy_gev), 0.0)
        return total

    def quantile(self, share: ArrayLike, low: ArrayLike, high: ArrayLike) -> NDArray:
        """As of any spectrum, in bins from `low` to `high` [log10(E/GeV)].

        Where one of them alone has flux in the bin it is its quantile.
        """
        low, high, share = np.broadcast_arrays(self.edges(low), self.edges(high), np.asarray(share, dtype=float))
        begin, end = np.array([spectrum.log10_limits for spectrum in self.own]).T[:, :, None]
        inside = (low.ravel() < end) & (high.ravel() > begin)
        alone, which = inside.sum(axis=0) == 1, inside.argmax(axis=0)
        found = np.empty(low.size)
        for j in range(len(self.own)):
            own = alone & (which == j)
            if own.any():
                found[own] = self.own[j].quantile(*(values.ravel()[own] for values in (share, low, high)))
        if not alone.all():
            found[~alone] = super().quantile(*(values.ravel()[~alone] for values in (share, low, high)))
        return found.reshape(low.shape)

    def _by_quadrature(self, edges: NDArray) -> NDArray:
        total = np.zeros(len(edges) - 1)
        for spectrum, weight in zip(self.own, self.weights, strict=True):
            total += weight * spectrum.integrals(edges)
        return total


@dataclass(frozen=True)
class SourceSpectra(JoinedSpectrum):
    """The spectra of the sources of a stack, each its own; what is fitted of them is the same for all.

    As a spectrum it is that of all sources together, phi0 being the sum of theirs, and `weights` their shares.
    """

    NAME = "spectra of the sources"

    @classmethod
    def of(cls, own: Sequence[Spectrum], weights: ArrayLike) -> Self:
        """As of `JoinedSpectrum`, with what is fitted of them."""
        return replace(super().of(own, weights), fit=own[0].fit)

    def take(self, numbers: ArrayLike) -> "SourceSpectra":
        """Those of the sources `numbers` (n_chosen,) int64."""
        chosen = np.atleast_1d(numbers).tolist()
        return SourceSpectra.of([self.own[j] for j in chosen], [self.weights[j] for j in chosen])

    @property
    def words(self) -> str:
        """How many there are, and what is fitted of them unless it is the index."""
        fitted = f", {self.fit} fitted" if self.fit not in ("", "gamma") else ""
        return f"{len(set(self.own))} spectra of {len(self.own)} sources{fitted}"

    @property
    def quoted_words(self) -> str:
        """The same with the value of what is fitted."""
        if self.fit in ("", "gamma"):
            return self.words
        return f"{self.words.removesuffix(' fitted')} {getattr(self.own[0], self.fit):.6g}"

    @property
    def parameter(self) -> float:
        """That of the first."""
        return self.own[0].parameter

    @property
    def bounds(self) -> tuple[float, float]:
        """Those of the first."""
        return self.own[0].bounds

    def at(self, parameter: float) -> "SourceSpectra":
        """The same spectra with another value of what is fitted of them, dimensionless or log10(E/GeV)."""
        return replace(self, own=tuple(spectrum.at(parameter) for spectrum in self.own)) if self.fit else self

    def grid(self, n: int) -> "tuple[Spectrum, ...]":
        """As of the first spectrum."""
        return tuple(self.at(spectrum.parameter) for spectrum in self.own[0].grid(n))

    def within(self, log10_limits: tuple[float, float]) -> "SourceSpectra":
        """All of them within a range of log10(E/GeV)."""
        inside = Spectrum.within(self, log10_limits)
        return replace(inside, own=tuple(spectrum.within(log10_limits) for spectrum in self.own))

    def of_each(self, log10_energy_edges: ArrayLike) -> NDArray:
        """The integrals [GeV] of each between neighbouring edges (n + 1,), log10(E/GeV): (n_sources, n)."""
        return integrals_of(self.own, log10_energy_edges)


KINDS: dict[str, type[Spectrum]] = {
    kind.NAME: kind for kind in (PowerLaw, CutoffPowerLaw, BrokenPowerLaw, LogParabola, TabulatedSpectrum)
}
"""The spectra by what a configuration calls them."""


def power_laws(gammas: ArrayLike, log10_limits: tuple[float, float] | None = None) -> tuple[PowerLaw, ...]:
    """Power laws with the indices `gammas` (n,), of all energies or in a range of log10(E/GeV)."""
    limits = {} if log10_limits is None else {"log10_limits": log10_limits}
    return tuple(PowerLaw(float(gamma), **limits) for gamma in np.atleast_1d(gammas))


def integrals_of(spectra: Sequence[Spectrum], log10_energy_edges: ArrayLike) -> NDArray:
    """The integrals [GeV] of each of `spectra` between neighbouring edges (n + 1,), log10(E/GeV): (n_spectra, n)."""
    different = {id(spectrum): spectrum for spectrum in spectra}
    made = {key: spectrum.integrals(log10_energy_edges) for key, spectrum in different.items()}
    return np.stack([made[id(spectrum)] for spectrum in spectra])


def quantiles(spectra: Sequence[Spectrum], which: NDArray, share: NDArray, low: NDArray, high: NDArray) -> NDArray:
    """`Spectrum.quantile` of the spectrum number `which` (n,) int64 of each bin, all (n,): power laws all at once."""
    if all(spectrum is spectra[0] for spectrum in spectra):
        return spectra[0].quantile(share, low, high)
    found = np.empty(len(which))
    straight = np.array([isinstance(spectrum, PowerLaw) for spectrum in spectra])
    rest = ~straight[which]
    if not rest.all():
        gamma = np.array([getattr(spectrum, "gamma", 0.0) for spectrum in spectra])
        begin, end = np.array([spectrum.log10_limits for spectrum in spectra]).T
        own = ~rest
        at = which[own]
        from_low, to_high = (np.clip(edge[own], begin[at], end[at]) for edge in (low, high))
        found[own] = from_low + _step_of_power(share[own], np.log(10.0) * (1.0 - gamma[at]), to_high - from_low)
    for number in np.unique(which[rest]):
        own = which == number
        found[own] = spectra[number].quantile(share[own], low[own], high[own])
    return found


def parameters(spectra: Sequence[Spectrum]) -> NDArray:
    """The fitted parameter of each of `spectra`, (n_spectra,) float64."""
    return np.array([spectrum.parameter for spectrum in spectra], dtype=float)


def of_each(spectra: Sequence[Spectrum], n: int) -> list[tuple[Spectrum, ...]]:
    """The spectra (n_spectra,) of each of `n` sources, its own of those that are `SourceSpectra`.

    Raises
    ------
    PhysicsError : `SourceSpectra` are of another number of sources.
    """
    columns = [spectrum.own if isinstance(spectrum, SourceSpectra) else (spectrum,) * n for spectrum in spectra]
    wrong = [len(own) for own in columns if len(own) != n]
    if wrong:
        raise PhysicsError(f"{wrong[0]} spectra for {n} sources; give every source one.")
    return list(zip(*columns, strict=True))


Asked = TypeVar("Asked", Spectrum, tuple[Spectrum, ...])


def by_spectrum(spectra: Sequence[Asked]) -> list[tuple[Asked, NDArray]]:
    """The different ones of `spectra`, or of tuples of them, each with the numbers at which it stands."""
    numbers: dict[Asked, list[int]] = {}
    for number, spectrum in enumerate(spectra):
        numbers.setdefault(spectrum, []).append(number)
    return [(spectrum, np.array(own)) for spectrum, own in numbers.items()]


def _positive(spectrum: Spectrum, *names: str) -> None:
    for name in names:
        value = getattr(spectrum, name)
        if not (value > 0 and np.isfinite(value)):
            raise PhysicsError(f"{name} of a {spectrum.NAME} is {value:g}; it must be finite and above 0.")


def _quadrature(per_dex: Callable[[NDArray], NDArray], low: NDArray, high: NDArray) -> NDArray:
    """Integrals from `low` to `high` (n,), each halved until Gauss-Legendre rules of whole and halves agree."""
    found, number, estimate = np.zeros(len(low)), np.arange(len(low)), np.zeros(len(low))
    whole = _gauss(per_dex, low, high)
    for halving in range(_HALVINGS):
        middle = (low + high) / 2
        left, right = _gauss(per_dex, low, middle), _gauss(per_dex, middle, high)
        estimate = found + np.bincount(number, left + right, len(found))
        done = np.abs(left + right - whole) <= _TOLERANCE * estimate[number]
        if done.all() or halving == _HALVINGS - 1:
            return estimate
        found += np.bincount(number[done], (left + right)[done], len(found))
        more = ~done
        number = np.tile(number[more], 2)
        low, high = np.concatenate([low[more], middle[more]]), np.concatenate([middle[more], high[more]])
        whole = np.concatenate([left[more], right[more]])
    return found


def _gauss(per_dex: Callable[[NDArray], NDArray], low: NDArray, high: NDArray) -> NDArray:
    half = (high - low)[:, None] / 2
    return half[:, 0] * (per_dex(low[:, None] + half * (1 + _NODES)) @ _WEIGHTS)


def _step_of_power(share: NDArray, slope: NDArray, width: NDArray) -> NDArray:
    """Where the `share` of the integral of exp(slope x) from 0 to `width` is reached."""
    exponent = slope * width
    flat = np.abs(exponent) < 1e-9
    safe = np.where(flat, 1.0, exponent)
    with np.errstate(divide="ignore"):  # all of a falling flux: the logarithm of 0
        place = np.log1p(share * np.expm1(safe)) / safe
    return width * np.clip(np.where(flat, share, place), 0.0, 1.0)
