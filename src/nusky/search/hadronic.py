"""Neutrinos from gamma-ray sources if all their gamma rays came from proton-proton collisions.

Two relations give the neutrinos of one flavour, nu + anti-nu after oscillation. Kinematic: E_nu^2 dN/dE_nu =
(K/4) E_gamma^2 dN/dE_gamma at E_gamma = 2 E_nu with K = 2 for pp (Ahlers and Murase, PRD 90, 023010, arXiv:1309.4077).
Interactions: those of protons whose gamma rays are the ones measured (`nusky.detector.interactions`), for each measured
component by itself. Absorption of the gamma rays on their way is left out, which makes the expected neutrino flux a
little low for distant sources. Events are expected only at the energies at which the gamma rays were measured; every
result names that range.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from nusky.detector.effective_area import EffectiveArea
from nusky.detector.gamma_rays import Component, GammaRays, gamma_rays_of
from nusky.detector.interactions import neutrinos_of
from nusky.detector.spectrum import (
    CutoffPowerLaw,
    JoinedSpectrum,
    LogParabola,
    SourceSpectra,
    Spectrum,
    TabulatedSpectrum,
)
from nusky.errors import PhysicsError

PION_RATIO = 2.0
"""K, charged over neutral pions in pp collisions (Ahlers and Murase, arXiv:1309.4077)."""
GAMMA_PER_NEUTRINO_ENERGY = 2.0  # E_gamma = 2 E_nu, ibid.


@dataclass(frozen=True)
class HadronicSpectra:
    """Neutrino spectra of the sources that have a measured spectrum of gamma rays.

    Attributes
    ----------
    row : (n,) int64
        Row of the source in its catalogue.
    names : n names
    dec : (n,) float64, rad
    gamma_rays : n measured spectra
    repeated : (n,) bool
        The source stands in an earlier list of the catalogue.
    left_out : reason -> names
    relation : 'kinematic' or 'interactions'
    """

    row: NDArray
    names: tuple[str, ...]
    dec: NDArray
    gamma_rays: tuple[GammaRays, ...]
    repeated: NDArray
    left_out: dict[str, tuple[str, ...]]
    relation: str = "kinematic"

    @functools.cached_property
    def _neutrinos(self) -> list[tuple[float, Spectrum]]:
        return [_together(own.components, self.relation) for own in self.gamma_rays]

    @property
    def phi0_per_gev(self) -> NDArray:
        """phi0 of `spectra`, (n,), GeV^-1 cm^-2 s^-1: of a power law the flux of one flavour at 100 TeV."""
        return np.array([phi0 for phi0, _ in self._neutrinos])

    @property
    def spectra(self) -> list[Spectrum]:
        """Spectra at the energies that belong to the measured gamma rays, n of them."""
        return [spectrum for _, spectrum in self._neutrinos]

    @property
    def gamma(self) -> NDArray:
        """Index of the gamma rays, (n,); NaN of sources with two components."""
        return np.array([own.components[0].gamma if len(own.components) == 1 else np.nan for own in self.gamma_rays])

    @property
    def energy_min_gev(self) -> NDArray:
        """Least neutrino energies that belong to the measured gamma rays, (n,), GeV; NaN where unknown."""
        return np.array([own.components[0].energy_min_tev for own in self.gamma_rays]) * 1e3 / GAMMA_PER_NEUTRINO_ENERGY

    @property
    def energy_max_gev(self) -> NDArray:
        """The largest, (n,), GeV; NaN where unknown."""
        ends = np.array([own.components[-1].energy_max_tev for own in self.gamma_rays])
        return ends * 1e3 / GAMMA_PER_NEUTRINO_ENERGY

    def expected_events(self, detector: "Detector") -> NDArray:
        """Events expected of every source at the energies of the measured gamma rays, (n,)."""
        every = [(j, component) for j, own in enumerate(self.gamma_rays) for component in own.components]
        return self._summed(every, detector)

    def capped_events(self, detector: "Detector") -> NDArray:
        """Events expected at most, (n,), where a component was looked for and not seen.

        If the measured spectrum goes on there, as far as the upper limit on the gamma rays allows.
        """
        return self._summed([(j, other) for j, own in enumerate(self.gamma_rays) for other in own.capped], detector)

    def events_error(self, detector: "Detector") -> NDArray:
        """Error of `expected_events`, (n,), from those of the parameters of the gamma rays; NaN where one is unknown.

        The parameters are taken as independent; at the pivot of a list the flux and the index nearly are.
        """
        pairs = [(j, pair) for j, own in enumerate(self.gamma_rays) for one in own.components for pair in one.varied()]
        low, high = (self._events([(j, pair[k]) for j, pair in pairs], detector) for k in (0, 1))
        return np.sqrt(np.bincount([j for j, _ in pairs], ((high - low) / 2) ** 2, len(self.row)))

    def _summed(self, components: "Components", detector: "Detector") -> NDArray:
        events = self._events(components, detector)
        return np.bincount(np.array([j for j, _ in components], dtype=int), events, len(self.row))

    def _events(self, components: "Components", detector: "Detector") -> NDArray:
        """Events of components of the gamma rays of sources, (n_components,); NaN for parameters that are unknown."""
        found = np.full(len(components), np.nan)
        usable = [k for k, (_, one) in enumerate(components) if np.isfinite(one.n0_per_tev)]
        if usable:
            dec = self.dec[[components[k][0] for k in usable]]
            phi0, spectra = zip(*(neutrinos(components[k][1], self.relation) for k in usable), strict=True)
            found[usable] = phi0 * detector.acceptance(dec, SourceSpectra.of(spectra, np.ones(len(spectra))))
        return found


Components = Sequence[tuple[int, Component]]


@dataclass(frozen=True)
class Detector:
    """What turns fluxes into expected events.

    Attributes
    ----------
    areas : effective areas by response
    responses : of each season
    livetimes_s : (n_seasons,) float64, s
    """

    areas: Mapping[str, EffectiveArea]
    responses: Sequence[str]
    livetimes_s: ArrayLike

    def acceptance(self, dec: NDArray, spectra: SourceSpectra) -> NDArray:
        """Integrals of T A_eff f(E) dE of sources at `dec` (n,) rad with their own `spectra`: (n,), cm^2 s GeV."""
        made = {name: self.areas[name].integrals(dec, [spectra])[0] for name in dict.fromkeys(self.responses)}
        return np.asarray(self.livetimes_s, dtype=float) @ np.stack([made[name] for name in self.responses])


def neutrinos(component: Component, relation: str) -> tuple[float, Spectrum]:
    """phi0 [GeV^-1 cm^-2 s^-1] and spectrum of the neutrinos that belong to a component of measured gamma rays.

    Raises
    ------
    PhysicsError : by interactions, no protons give these gamma rays.
    """
    phi0, measured = component.of_gamma_rays
    if relation == "interactions":
        return phi0, _by_interactions(measured)
    energies = np.array([component.energy_min_tev, component.energy_max_tev]) * 1e3 / GAMMA_PER_NEUTRINO_ENERGY
    own = replace(measured, log10_limits=tuple(np.log10(energies).tolist()))
    # dN/dE = K/4 x 2^2 times that of the gamma rays at 2 E: of the same kind as these, with other parameters.
    x, gamma = np.log(GAMMA_PER_NEUTRINO_ENERGY), measured.gamma
    if isinstance(own, CutoffPowerLaw):
        own = replace(own, cutoff_gev=own.cutoff_gev / GAMMA_PER_NEUTRINO_ENERGY)
    elif isinstance(own, LogParabola):
        own, gamma = replace(own, gamma=gamma + 2 * own.curvature * x), gamma + own.curvature * x
    return PION_RATIO / 4 * GAMMA_PER_NEUTRINO_ENERGY ** (2 - gamma) * phi0, own


@functools.lru_cache(maxsize=4096)
def _by_interactions(gamma_rays: Spectrum) -> TabulatedSpectrum:
    return neutrinos_of(gamma_rays, f"gamma rays, {gamma_rays.words}")


def _together(components: Sequence[Component], relation: str) -> tuple[float, Spectrum]:
    phi0, spectra = zip(*(neutrinos(component, relation) for component in components), strict=True)
    return (phi0[0], spectra[0]) if len(spectra) == 1 else (sum(phi0), JoinedSpectrum.of(spectra, phi0))


@dataclass(frozen=True)
class FractionLimit:
    """Upper limit on the fraction of the gamma rays that is hadronic; above 1 it excludes nothing.

    Attributes
    ----------
    fraction : the limit
    confidence_level : of the limit on the signal
    energy_min_gev, energy_max_gev : neutrino energies that belong to the measured gamma rays
    """

    fraction: float
    confidence_level: float
    energy_min_gev: float
    energy_max_gev: float

    @property
    def excludes_fully_hadronic(self) -> bool:
        """Whether the limit lies below 1."""
        return self.fraction < 1


def hadronic_spectra(sources: pa.Table, relation: str = "kinematic") -> HadronicSpectra:
    """Fully hadronic neutrino spectra of the sources of a catalogue with a gamma-ray spectrum; there may be none.

    Parameters
    ----------
    sources : table "sources" with the columns of `nusky.detector.gamma_rays`
    relation : 'kinematic' or 'interactions', from gamma rays to neutrinos

    Raises
    ------
    CatalogueError : a spectrum of gamma rays is none; the message names the source and the column.
    """
    names = sources["name"].to_pylist()
    used: list[tuple[int, GammaRays]] = []
    left_out: dict[str, tuple[str, ...]] = {}
    limit = sources["flux_limit"].to_numpy(zero_copy_only=False)
    for row, measured in enumerate(gamma_rays_of(sources)):
        reason = "the gamma-ray flux is an upper limit" if limit[row] else "no gamma-ray spectrum"
        if measured is not None:
            reason = "" if measured.known_range else "the energies of its gamma-ray spectrum are unknown"
        if not reason:
            try:
                _together(measured.components, relation)
            except PhysicsError:
                reason = "no protons give its gamma rays within 10 %"
        if reason:
            left_out[reason] = (*left_out.get(reason, ()), names[row])
        else:
            used.append((row, measured))
    rows = np.array([row for row, _ in used], dtype=np.int64)
    return HadronicSpectra(
        row=rows,
        names=tuple(names[row] for row in rows),
        dec=np.radians(sources["dec_deg"].to_numpy()[rows]),
        gamma_rays=tuple(measured for _, measured in used),
        repeated=sources["duplicate_of"].to_numpy()[rows] >= 0,
        left_out=left_out,
        relation=relation,
    )


def fraction_limit(
    n_signal_limit: float, n_hadronic: ArrayLike, spectra: HadronicSpectra, confidence_level: float
) -> FractionLimit:
    """Limit on the hadronic fraction from a limit on the number of signal events with the same spectrum.

    The same spectrum means the same shape and the same range of energies: the trials behind `n_signal_limit` must have
    had their signal injected as `n_hadronic` is counted.

    Parameters
    ----------
    n_signal_limit : upper limit on the events of the source or the stack
    n_hadronic : () or (n,) float64
        Events expected if all gamma rays were hadronic, of that source or of all sources of the stack.
    spectra : of that source or those sources (see `select`); gives the energy range
    """
    expected = float(np.sum(n_hadronic))
    if not expected > 0:
        raise PhysicsError("no events are expected from hadronic gamma rays; no limit on their fraction follows.")
    return FractionLimit(
        n_signal_limit / expected,
        confidence_level,
        float(spectra.energy_min_gev.min()),
        float(spectra.energy_max_gev.max()),
    )


def select(spectra: HadronicSpectra, chosen: ArrayLike) -> HadronicSpectra:
    """The spectra `chosen` by a mask or numbers, e.g. one source or those counted once (`~spectra.repeated`)."""
    numbers = np.atleast_1d(np.arange(len(spectra.row))[chosen])
    return replace(
        spectra,
        row=spectra.row[numbers],
        names=tuple(spectra.names[j] for j in numbers),
        dec=spectra.dec[numbers],
        gamma_rays=tuple(spectra.gamma_rays[j] for j in numbers),
        repeated=spectra.repeated[numbers],
    )
