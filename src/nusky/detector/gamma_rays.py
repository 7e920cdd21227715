"""Measured spectra of gamma rays, as the columns of a source list state them.

A source has one component or two, each in its own range of energies, such as those of WCDA and KM2A: together they are
one measured spectrum. A component is N0 (E/E0)^-gamma, times exp(-E/E_c) or (E/E0)^(-b ln(E/E0)).
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from nusky.conventions import PIVOT_ENERGY_GEV
from nusky.detector.spectrum import CutoffPowerLaw, LogParabola, PowerLaw, Spectrum
from nusky.errors import CatalogueError

PIVOT_TEV = PIVOT_ENERGY_GEV / 1e3
PREFIXES = ("", "second_")
"""Of the columns of the first and the second component of a source."""
ERRORS = ("n0", "gamma", "cutoff", "curvature")
"""What has an error: parameters that are taken as independent."""
_COLUMNS = {
    "n0_per_tev": "dnde_per_tev_cm2_s",
    "pivot_tev": "pivot_tev",
    "gamma": "spectral_index",
    "energy_min_tev": "energy_min_tev",
    "energy_max_tev": "energy_max_tev",
    "cutoff_tev": "cutoff_tev",
    "curvature": "curvature",
    "n0_error": "dnde_error_per_tev_cm2_s",
    "gamma_error": "spectral_index_error",
    "cutoff_error": "cutoff_error_tev",
    "curvature_error": "curvature_error",
    "cap_per_tev": "cap_per_tev_cm2_s",
}
"""Attributes of `Component`, and the columns they are read from."""


@dataclass(frozen=True)
class Component:
    """A spectrum of gamma rays that was measured in a range of energies; or an upper limit on one.

    Attributes
    ----------
    n0_per_tev, pivot_tev : N0, TeV^-1 cm^-2 s^-1, the flux at E0, TeV, without the cut-off
    gamma : spectral index, of a log-parabola that at E0
    energy_min_tev, energy_max_tev : TeV; NaN where the list does not tell
    cutoff_tev : E_c, TeV; NaN without
    curvature : b; NaN without
    n0_error, gamma_error, cutoff_error, curvature_error : in the units of what they belong to; NaN where unknown
    cap_per_tev : upper limit on N0 where nothing was measured; NaN without
    """

    n0_per_tev: float
    pivot_tev: float
    gamma: float
    energy_min_tev: float = np.nan
    energy_max_tev: float = np.nan
    cutoff_tev: float = np.nan
    curvature: float = np.nan
    n0_error: float = np.nan
    gamma_error: float = np.nan
    cutoff_error: float = np.nan
    curvature_error: float = np.nan
    cap_per_tev: float = np.nan

    @property
    def log10_limits(self) -> tuple[float, float]:
        """Where it was measured, log10(E/GeV) of the gamma rays."""
        return float(np.log10(1e3 * self.energy_min_tev)), float(np.log10(1e3 * self.energy_max_tev))

    @property
    def of_gamma_rays(self) -> tuple[float, Spectrum]:
        """phi0 [GeV^-1 cm^-2 s^-1], and the spectrum in its range of energies."""
        x = float(np.log(self.pivot_tev / PIVOT_TEV))
        known = {"log10_limits": self.log10_limits, "fit": ""}
        if np.isfinite(self.curvature):
            gamma = self.gamma - 2 * self.curvature * x
            phi0 = self.n0_per_tev * float(np.exp(self.gamma * x - self.curvature * x**2))
            return phi0 / 1e3, LogParabola(gamma, self.curvature, **known)
        phi0 = self.n0_per_tev * (PIVOT_TEV / self.pivot_tev) ** -self.gamma / 1e3
        if np.isfinite(self.cutoff_tev):
            return phi0, CutoffPowerLaw(self.gamma, 1e3 * self.cutoff_tev, **known)
        return phi0, PowerLaw(self.gamma, **known)

    def varied(self) -> Iterator[tuple["Component", "Component"]]:
        """For every parameter that it has: the component with the parameter's error taken off, and added.

        With an error that is unknown the pair has a flux of NaN. N0 and the cut-off stay above a tenth of themselves.
        """
        attributes = {"n0": "n0_per_tev", "gamma": "gamma", "cutoff": "cutoff_tev", "curvature": "curvature"}
        for name in ERRORS:
            value, error = getattr(self, attributes[name]), getattr(self, f"{name}_error")
            if np.isnan(value):
                continue
            if np.isnan(error):
                unknown = replace(self, n0_per_tev=np.nan)
                yield unknown, unknown
                continue
            less = max(value - error, 0.1 * value) if name in ("n0", "cutoff") else value - error
            yield tuple(replace(self, **{attributes[name]: other}) for other in (less, value + error))

    def continued(self, other: "Component") -> "Component":
        """This spectrum in the range of `other`, lowered to the upper limit that `other` is."""
        phi0, spectrum = self.of_gamma_rays
        there = 1e3 * phi0 * float(spectrum.shape(1e3 * other.pivot_tev))  # per TeV
        return replace(
            self,
            n0_per_tev=self.n0_per_tev * min(1.0, other.cap_per_tev / there),
            energy_min_tev=other.energy_min_tev,
            energy_max_tev=other.energy_max_tev,
        )


@dataclass(frozen=True)
class GammaRays:
    """The measured gamma rays of a source.

    Attributes
    ----------
    components : what was measured, in separate ranges of energies, ascending
    caps : upper limits where a component was looked for and not seen
    """

    components: tuple[Component, ...]
    caps: tuple[Component, ...] = ()

    @property
    def known_range(self) -> bool:
        """Whether the energies of all components are known."""
        return all(np.isfinite(c.energy_min_tev + c.energy_max_tev) for c in self.components)

    @property
    def capped(self) -> tuple[Component, ...]:
        """The measured spectrum continued into the ranges of what was not seen, no higher than its upper limits."""
        first, last = self.components[0], self.components[-1]
        return tuple(
            (first if cap.energy_max_tev <= first.energy_min_tev else last).continued(cap) for cap in self.caps
        )

    def flux(self, energy_tev: np.ndarray) -> np.ndarray:
        """dN/dE [TeV^-1 cm^-2 s^-1] at `energy_tev` (n,): (n,), NaN where nothing was measured."""
        found = np.full(len(energy_tev), np.nan)
        for component in self.components:
            inside = (energy_tev >= component.energy_min_tev) & (energy_tev <= component.energy_max_tev)
            phi0, spectrum = component.of_gamma_rays
            found[inside] = 1e3 * phi0 * spectrum.shape(1e3 * energy_tev[inside])
        return found

    def flux_error(self, energy_tev: np.ndarray) -> np.ndarray:
        """Error of `flux` from those of the parameters, taken as independent: (n,), NaN where unknown."""
        squares = np.zeros(len(energy_tev))
        for j, component in enumerate(self.components):
            for pair in component.varied():
                low, high = (
                    replace(self, components=(*self.components[:j], other, *self.components[j + 1 :])).flux(energy_tev)
                    for other in pair
                )
                squares += ((high - low) / 2) ** 2
        return np.sqrt(squares)


def gamma_rays_of(sources: pa.Table) -> list[GammaRays | None]:
    """The measured gamma rays of every source of a table "sources"; None where there are none.

    Where a list does not have `dnde_per_tev_cm2_s` it is flux * flux_unit_per_tev_cm2_s, unless that is an upper limit.

    Raises
    ------
    CatalogueError : a spectrum that is none; the message names the source and the column.
    """

    def column(name: str) -> np.ndarray:
        there = name in sources.column_names
        return sources[name].to_numpy().astype(float) if there else np.full(sources.num_rows, np.nan)

    names, limit = sources["name"].to_pylist(), sources["flux_limit"].to_numpy(zero_copy_only=False)
    found: list[list[Component]] = [[] for _ in names]
    for prefix in PREFIXES:
        values = {key: column(prefix + name) for key, name in _COLUMNS.items()}
        if not prefix:
            unit = column("flux_unit_per_tev_cm2_s")
            for key, stated in (("n0_per_tev", "flux"), ("n0_error", "flux_error")):
                values[key] = np.where(np.isnan(values[key]), column(stated) * unit, values[key])
            values["n0_per_tev"] = np.where(limit, np.nan, values["n0_per_tev"])
        for row, name in enumerate(names):
            own = Component(**{key: float(of_all[row]) for key, of_all in values.items()})
            if np.isfinite(own.n0_per_tev * own.gamma * own.pivot_tev) and own.n0_per_tev != 0:
                _check(own, name, prefix)
                found[row].append(replace(own, cap_per_tev=np.nan))
            elif np.isfinite(own.cap_per_tev * own.pivot_tev * own.energy_min_tev * own.energy_max_tev):
                found[row].append(own)
    return [_joined(components, name) for components, name in zip(found, names, strict=True)]


def _joined(components: list[Component], name: str) -> GammaRays | None:
    measured = sorted((c for c in components if np.isnan(c.cap_per_tev)), key=lambda c: c.energy_min_tev)
    if not measured:
        return None
    for lower, upper in itertools.pairwise(measured):
        if not upper.energy_min_tev >= lower.energy_max_tev:
            raise CatalogueError(
                f"source '{name}': its two components must be measured in separate ranges of energies, with the first "
                f"ending where the second begins at the latest; they are {_range(lower)} and {_range(upper)}."
            )
    return GammaRays(tuple(measured), tuple(c for c in components if np.isfinite(c.cap_per_tev)))


def _range(component: Component) -> str:
    return f"{component.energy_min_tev:g} to {component.energy_max_tev:g} TeV"


def _check(component: Component, name: str, prefix: str) -> None:
    wrong = [key for key in ("n0_per_tev", "pivot_tev") if not getattr(component, key) > 0]
    wrong += [key for key in ("energy_min_tev", "energy_max_tev", "cutoff_tev") if getattr(component, key) <= 0]
    wrong += [f"{key}_error" for key in ERRORS if getattr(component, f"{key}_error") < 0]
    if wrong:
        value = getattr(component, wrong[0])
        raise CatalogueError(
            f"source '{name}': {prefix}{_COLUMNS[wrong[0]]} is {value:g}, but must be "
            f"{'at least' if wrong[0].endswith('error') else 'above'} 0. Correct it, or leave it empty if unknown."
        )
    if component.energy_max_tev <= component.energy_min_tev:
        raise CatalogueError(
            f"source '{name}': {prefix}energy_max_tev must lie above {prefix}energy_min_tev; they say "
            f"{_range(component)}."
        )
    if np.isfinite(component.cutoff_tev) and np.isfinite(component.curvature):
        raise CatalogueError(
            f"source '{name}': {prefix}cutoff_tev and {prefix}curvature are both given; a spectrum has one of them."
        )
