"""Detectors: targets, exposure, recoil window, efficiency, resolution and background.

Those that come with nusky are the YAML files of ``resources/detectors``, each number with its source; a detector of
your own is a file with the same keys (docs/boosted_dark_matter.md). Energies are kinetic energies of the recoil in MeV,
numbers of targets those of the fiducial volume, rates those per year of live time.
"""

import itertools
import math
import os
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import scipy
from pydantic import Field, field_validator, model_validator

from nusky import config, strict_yaml
from nusky.bdm.checks import Array
from nusky.bdm.constants import constant
from nusky.bdm.cross_sections import Helm
from nusky.content import read_text
from nusky.errors import ConfigurationError
from nusky.resources import resource

DETECTORS = config.DETECTORS
_KEYS = "docs/boosted_dark_matter.md, section 'A detector of your own'"
_MASSES = {"electron": constant.me, "proton": constant.mp, "neutron": constant.mn}
_REACH = 8.0
"""Widths of the resolution beyond which a recoil is never reconstructed in the window: 6e-16."""

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Targets(config.Section):
    """Particles of one kind that dark matter can hit."""

    number: Positive = Field(description="How many there are in the fiducial volume.")
    mass_mev: Positive | None = Field(None, description="Mass of one; known of electron, proton and neutron.")
    mass_number: Annotated[float, Field(ge=4)] | None = Field(
        None, description="Mass number A of a nucleus, for Helm's form factor; null: point-like."
    )


class Resolution(config.Section):
    """Width of the reconstructed energy E of a recoil of energy T: the terms added, or their squares."""

    constant_mev: float = Field(0.0, description="Term that does not depend on T, MeV.")
    sqrt_mev: NotNegative = Field(0.0, description="Term a sqrt(T), a in MeV^(1/2).")
    linear: NotNegative = Field(0.0, description="Term proportional to T.")
    combine: Literal["sum", "quadrature"] = Field("quadrature", description="How the terms combine.")

    def width(self, recoil: Array) -> Array:
        """Standard deviation in MeV at recoil energies in MeV; 0 where the terms add up to less."""
        terms = np.stack(
            np.broadcast_arrays(self.constant_mev, self.sqrt_mev * np.sqrt(recoil), self.linear * np.asarray(recoil))
        )
        return np.sqrt(np.square(terms).sum(axis=0)) if self.combine == "quadrature" else np.maximum(terms.sum(0), 0)


class Background(config.Section):
    """Everything in the window that is no dark matter; its mean counts as known."""

    per_year: NotNegative = Field(description="Events in the window per year of live time.")
    spectrum: list[tuple[Positive, NotNegative]] | None = Field(
        None,
        description="Shape: (reconstructed energy in MeV, events per MeV in any unit), straight lines between; null: "
        "the same at all energies of the window.",
    )


class Detector(config.Section):
    """A detector. Keys carry their units; unknown ones are refused."""

    title: str = Field(min_length=1, description="Its name in figures.")
    targets: dict[str, Targets] = Field(min_length=1, description="What dark matter can hit, by name.")
    start_year: float = Field(description="Beginning of data taking, decimal year CE.")
    stop_year: float = Field(description="Its end.")
    live_fraction: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Part of the time between the two in which it takes good data."
    )
    window_mev: tuple[Positive, Positive] = Field(description="Reconstructed recoil energies counted, MeV.")
    efficiency: Fraction | list[tuple[Positive, Fraction]] = Field(
        description="Part of the recoils in the fiducial volume that is kept: one number, or a table of (true recoil "
        "energy in MeV, efficiency), straight lines between, 0 below it, its last value above."
    )
    resolution: Resolution = Field(default_factory=Resolution, description="Resolution of the recoil energy.")
    background: Background | None = Field(None, description="Background; null: not known.")
    observed: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Events found in the window in all of the live time; null: none published."
    )
    sources: dict[str, str] = Field(default_factory=dict, description="Where the numbers come from, by key.")
    approximate: list[str] = Field(
        default_factory=list, description="Keys whose numbers are rough: scaled, read off a figure or assumed."
    )

    @field_validator("efficiency")
    @classmethod
    def _efficiency_ascends(cls, table: float | list[tuple[float, float]]) -> float | list[tuple[float, float]]:
        return table if isinstance(table, float) else _ascending(table)

    @model_validator(mode="after")
    def _consistent(self) -> "Detector":
        low, high = self.window_mev
        if not low < high:
            raise ValueError(f"`window_mev` must ascend; [{low:g}, {high:g}] does not")
        if not self.start_year < self.stop_year:
            raise ValueError(f"`start_year` = {self.start_year:g} must be before `stop_year` = {self.stop_year:g}")
        for name, target in self.targets.items():
            if target.mass_mev is None and name not in _MASSES:
                raise ValueError(
                    f"`targets.{name}.mass_mev` is needed: only the masses of {', '.join(_MASSES)} are known"
                )
        spectrum = self.background.spectrum if self.background else None
        if spectrum is not None:
            energies = np.array(_ascending(spectrum))[:, 0]
            if energies[0] > low or energies[-1] < high:
                raise ValueError(
                    f"`background.spectrum` must cover the window of {low:g} to {high:g} MeV; it covers "
                    f"{energies[0]:g} to {energies[-1]:g} MeV"
                )
            if not self._integral(low, high) > 0:
                raise ValueError("`background.spectrum` is 0 in the whole window")
        for key in (*self.sources, *self.approximate):
            if key.split(".")[0] not in type(self).model_fields:
                raise ValueError(f"`sources` and `approximate` name '{key}', which is no key of a detector")
        return self

    @property
    def live_years(self) -> float:
        """Years of good data."""
        return (self.stop_year - self.start_year) * self.live_fraction

    def target_mass(self, target: str) -> float:
        """Mass of a target in MeV; `ConfigurationError` if the detector has no such target."""
        return self._target(target).mass_mev or _MASSES[target]

    def number(self, target: str) -> float:
        """Number of targets in the fiducial volume."""
        return self._target(target).number

    def form_factor(self, target: str) -> Helm | None:
        """F(q), q in MeV, of a target that is a nucleus."""
        mass_number = self._target(target).mass_number
        return None if mass_number is None else Helm(mass_number)

    def kept(self, recoil: Array) -> Array:
        """Efficiency at true recoil energies in MeV, of their shape."""
        recoil = np.asarray(recoil, dtype=np.float64)
        if isinstance(self.efficiency, float):
            return np.full(recoil.shape, self.efficiency)
        energies, values = np.array(self.efficiency).T
        return np.where(recoil < energies[0], 0.0, np.interp(recoil, energies, values))

    def acceptance(self, recoil: Array, window: tuple[float, float]) -> Array:
        """Probability that a recoil of true energy `recoil` (MeV) is kept and reconstructed in `window` (MeV)."""
        recoil = np.asarray(recoil, dtype=np.float64)
        width = self.resolution.width(recoil)
        with np.errstate(divide="ignore", invalid="ignore"):
            above, below = (window[0] - recoil) / width, (recoil - window[1]) / width
            # The difference of two tails, from whichever side is the smaller.
            smeared = np.where(
                above > 0,
                scipy.special.ndtr(-above) - scipy.special.ndtr(below),
                scipy.special.ndtr(-below) - scipy.special.ndtr(above),
            )
        sharp = (recoil >= window[0]) & (recoil < window[1])
        return self.kept(recoil) * np.where(width > 0, smeared, sharp)

    def density(self, recoil: Array, reconstructed: float) -> Array:
        """Probability per MeV that a recoil of true energy `recoil` is kept and reconstructed at `reconstructed`."""
        width = self.resolution.width(recoil)
        z = (reconstructed - recoil) / width
        return self.kept(recoil) * np.exp(-0.5 * z * z) / (math.sqrt(2 * math.pi) * width)

    @property
    def sharp(self) -> bool:
        """Whether energies are reconstructed as they are."""
        resolution = self.resolution
        return resolution.constant_mev <= 0 and resolution.sqrt_mev == 0 and resolution.linear == 0

    def pieces(self, window: tuple[float, float]) -> Array:
        """True recoil energies, ascending, MeV: where the acceptance begins and ends and where it is not smooth."""
        low, high = window
        points = [] if isinstance(self.efficiency, float) else [energy for energy, _ in self.efficiency]
        if self.sharp:
            start, stop = low, high
        else:
            start, stop = self._reached(low, -1), self._reached(high, +1)
            widths = self.resolution.width(np.array([low, high]))
            points += [low - widths[0], low, low + widths[0], high - widths[1], high, high + widths[1]]
        if not isinstance(self.efficiency, float):
            start = max(start, self.efficiency[0][0])
        return np.unique([start, *(point for point in points if start < point < stop), max(stop, start)])

    def _reached(self, edge: float, side: int) -> float:
        """The true energy beyond which (side 1: above, -1: below) no recoil is reconstructed at `edge`."""

        def misses(recoil: float) -> bool:
            return side * (recoil - edge) >= _REACH * float(self.resolution.width(np.array(recoil)))

        inside, outside = edge, edge * (2.0**side)
        while not misses(outside):
            if not 1e-6 * edge < outside < 1e6 * edge:
                return outside
            inside, outside = outside, outside * (2.0**side)
        for _ in range(60):
            middle = 0.5 * (inside + outside)
            inside, outside = (inside, middle) if misses(middle) else (middle, outside)
        return outside

    def background_density(self, reconstructed: Array) -> Array:
        """Background per MeV and year of live time at reconstructed energies in MeV; 0 outside the window."""
        background, (low, high) = self._known_background(), self.window_mev
        energy = np.asarray(reconstructed, dtype=np.float64)
        inside = (energy >= low) & (energy <= high)
        if background.spectrum is None:
            return np.where(inside, background.per_year / (high - low), 0.0)
        energies, shape = np.array(background.spectrum).T
        return np.where(inside, background.per_year * np.interp(energy, energies, shape) / self._integral(low, high), 0)

    def background_events(self, edges: Array) -> Array:
        """Background per year of live time between the edges (n + 1,) in MeV of reconstructed energy: (n,)."""
        background, (low, high) = self._known_background(), self.window_mev
        inside = np.clip(edges, low, high)
        if background.spectrum is None:
            return background.per_year * np.diff(inside) / (high - low)
        parts = [self._integral(a, b) for a, b in itertools.pairwise(inside)]
        return background.per_year * np.array(parts) / self._integral(low, high)

    def _known_background(self) -> Background:
        if self.background is None:
            raise ConfigurationError(f"{self.title}: its background is not known; give `background` in its file.")
        return self.background

    def _integral(self, low: float, high: float) -> float:
        """Of the background's shape, which is made of straight lines."""
        energies, shape = np.array(self.background.spectrum).T
        x = np.unique([low, *energies[(energies > low) & (energies < high)], high])
        return float(np.trapezoid(np.interp(x, energies, shape), x))

    def _target(self, name: str) -> Targets:
        if name not in self.targets:
            raise ConfigurationError(f"{self.title} has no targets '{name}'; there are {', '.join(self.targets)}.")
        return self.targets[name]


def load_detector(name: str | os.PathLike[str]) -> Detector:
    """A detector that comes with nusky (`DETECTORS`), or that of a YAML file.

    Raises
    ------
    ConfigurationError
        When there is no such detector, or a key of the file is unknown, missing or outside its range; names the key.
    """
    path = resource(f"detectors/{name}.yaml") if name in DETECTORS else Path(name)
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigurationError(
            f"no detector '{name}'; there are {', '.join(DETECTORS)}. Or give the path of a file that ends in .yaml."
        )
    content = strict_yaml.load(read_text(path, ConfigurationError, config.MAX_FILE_BYTES), where=str(path))
    return config.validated(Detector, content, str(path), _KEYS)


def _ascending(table: list[tuple[float, float]]) -> list[tuple[float, float]]:
    energies = [energy for energy, _ in table]
    if len(table) < 2 or any(b <= a for a, b in itertools.pairwise(energies)):
        raise ValueError("a table needs at least two rows, with energies that ascend")
    return table
