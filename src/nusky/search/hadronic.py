"""Neutrinos from gamma-ray sources if all their gamma rays came from proton-proton collisions.

Two relations give the neutrinos of one flavour, nu + anti-nu after oscillation. Kinematic: E_nu^2 dN/dE_nu =
(K/4) E_gamma^2 dN/dE_gamma at E_gamma = 2 E_nu with K = 2 for pp (Ahlers and Murase, PRD 90, 023010, arXiv:1309.4077).
Interactions: those of protons whose gamma rays are the ones measured (`nusky.detector.interactions`). Absorption of the
gamma rays on their way is left out, which makes the expected neutrino flux a little low for distant sources. Events are
expected only at the energies at which the gamma rays were measured, unless extrapolation is asked for; every result
names that range.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from nusky.conventions import PIVOT_ENERGY_GEV
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.interactions import neutrinos_of
from nusky.detector.spectrum import PowerLaw, Spectrum, TabulatedSpectrum
from nusky.errors import CatalogueError, PhysicsError

PION_RATIO = 2.0
"""K, charged over neutral pions in pp collisions (Ahlers and Murase, arXiv:1309.4077)."""
GAMMA_PER_NEUTRINO_ENERGY = 2.0  # E_gamma = 2 E_nu, ibid.
ERROR_COLUMNS = ("flux_error", "spectral_index_error")
"""Their errors, where the list has them."""
COLUMNS = (
    "name",
    "dec_deg",
    "flux",
    "flux_limit",
    "duplicate_of",
    "spectral_index",
    "pivot_tev",
    "flux_unit_per_tev_cm2_s",
)
RANGE = ("energy_min_tev", "energy_max_tev")
"""Columns with the energies that a spectrum was measured at; without them its range is unknown."""


@dataclass(frozen=True)
class HadronicSpectra:
    """Neutrino spectra of the sources that have a measured gamma-ray spectrum N0 (E/E0)^-gamma.

    Attributes
    ----------
    row : (n,) int64
        Row of the source in its catalogue.
    names : n names
    dec : (n,) float64, rad
    n0_per_tev, n0_error : (n,) float64, TeV^-1 cm^-2 s^-1
        N0 and its error, NaN where unknown.
    pivot_tev : (n,) float64, TeV
        E0.
    gamma, gamma_error : (n,) float64
        Spectral index, that of the gamma rays, and its error, NaN where unknown.
    energy_min_gev, energy_max_gev : (n,) float64, GeV
        Neutrino energies that belong to the measured gamma rays; NaN where the list does not tell.
    repeated : (n,) bool
        The source stands in an earlier list of the catalogue.
    left_out : reason -> names
    relation : 'kinematic' or 'interactions'
    """

    row: NDArray
    names: tuple[str, ...]
    dec: NDArray
    n0_per_tev: NDArray
    n0_error: NDArray
    pivot_tev: NDArray
    gamma: NDArray
    gamma_error: NDArray
    energy_min_gev: NDArray
    energy_max_gev: NDArray
    repeated: NDArray
    left_out: dict[str, tuple[str, ...]]
    relation: str = "kinematic"

    @property
    def phi0_per_gev(self) -> NDArray:
        """Flux of one flavour, nu + anti-nu, at 100 TeV by the kinematic relation, (n,), GeV^-1 cm^-2 s^-1."""
        return neutrino_phi0(self.n0_per_tev, self.gamma, self.pivot_tev)

    def flux(self, energy_gev: float) -> NDArray:
        """dN/dE of every source at a neutrino energy by the kinematic relation, (n,), GeV^-1 cm^-2 s^-1."""
        return self.phi0_per_gev * (energy_gev / PIVOT_ENERGY_GEV) ** -self.gamma

    @property
    def spectra(self) -> list[Spectrum]:
        """Spectra at the energies that belong to the measured gamma rays, n of them, in units of `phi0_per_gev`."""
        ranges = np.log10(np.column_stack([self.energy_min_gev, self.energy_max_gev])).tolist()
        made = _by_interactions if self.relation == "interactions" else _kinematic
        return [made(gamma, *limits) for gamma, limits in zip(self.gamma.tolist(), ranges, strict=True)]

    def varied(self, sign: float) -> "HadronicSpectra":
        """With `sign` times its error added to every index."""
        return replace(self, gamma=self.gamma + sign * self.gamma_error)

    def stack_flux(self, energy_gev: float = PIVOT_ENERGY_GEV) -> float:
        """dN/dE of all sources together, each counted once, GeV^-1 cm^-2 s^-1; 100 TeV is beyond WCDA's range."""
        return float(self.flux(energy_gev)[~self.repeated].sum())

    def acceptance(
        self, areas: Mapping[str, EffectiveArea], responses: Sequence[str], *, extrapolate: bool = False
    ) -> NDArray:
        """Integrals of A_eff (E/100 TeV)^-gamma dE with each source's own index, (n_seasons, n), cm^2 GeV.

        Over the neutrino energies that belong to the measured gamma rays, so that the WCDA and KM2A components of one
        source are different parts of its spectrum and add up. With `extrapolate` over all energies: a soft spectrum
        measured above 25 TeV then predicts thousands of events at 1 TeV that nobody has seen gamma rays for.
        """
        no_range = np.isnan(self.energy_min_gev) | np.isnan(self.energy_max_gev)
        if not extrapolate and no_range.any():
            unknown = self.names[int(np.argmax(no_range))]
            raise PhysicsError(
                f"the measured energy range of {unknown} is unknown: leave it out, or extrapolate its spectrum."
            )
        spectra = [PowerLaw(gamma) for gamma in self.gamma] if extrapolate else self.spectra
        by_response = {
            name: np.array(
                [areas[name].integrals(dec, [own])[0, 0] for dec, own in zip(self.dec[:, None], spectra, strict=True)]
            )
            for name in dict.fromkeys(responses)
        }
        return np.stack([by_response[name] for name in responses])

    def expected_events(self, integrals: ArrayLike, livetime_s: ArrayLike) -> NDArray:
        """Expected events of every source, (n,), from `acceptance` and the seasons' livetimes, (n_seasons,), s."""
        return self.phi0_per_gev * (np.asarray(livetime_s, dtype=float) @ np.asarray(integrals, dtype=float))


def _kinematic(gamma: float, low: float, high: float) -> Spectrum:
    return PowerLaw(gamma, log10_limits=(low, high), fit="")


@functools.lru_cache(maxsize=4096)
def _by_interactions(gamma: float, low: float, high: float) -> Spectrum:
    shift = np.log10(GAMMA_PER_NEUTRINO_ENERGY)
    made = neutrinos_of(PowerLaw(gamma, log10_limits=(low + shift, high + shift)), f"gamma rays of index {gamma:g}")
    # phi0 of the neutrinos over that of the gamma rays, both at 100 TeV: `neutrino_phi0`
    ratio = PION_RATIO / 4 * GAMMA_PER_NEUTRINO_ENERGY ** (2 - gamma)
    return TabulatedSpectrum.of(10 ** np.array(made.log10_energy), 10 ** np.array(made.log10_flux) / ratio, made.label)


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
    """Fully hadronic neutrino spectra of the sources of a catalogue with a gamma-ray spectrum.

    Parameters
    ----------
    sources : table "sources" with `COLUMNS`, and `RANGE` where the energies of the measurements are known
        The gamma rays are flux * flux_unit_per_tev_cm2_s (E / pivot_tev)^-spectral_index, TeV^-1 cm^-2 s^-1.
    relation : 'kinematic' or 'interactions', from gamma rays to neutrinos

    Raises
    ------
    CatalogueError : a column is missing, or no source has a spectrum.
    """
    missing = [name for name in COLUMNS if name not in sources.column_names]
    if missing:
        raise CatalogueError(
            f"the catalogue has no column '{missing[0]}', so no gamma-ray spectra. The 1LHAASO lists have; an own list "
            "needs flux, flux_unit_per_tev_cm2_s, spectral_index and pivot_tev."
        )
    names = np.array(sources["name"].to_pylist(), dtype=object)
    n0, index, pivot, unit = (
        sources[c].to_numpy() for c in ("flux", "spectral_index", "pivot_tev", "flux_unit_per_tev_cm2_s")
    )
    limit = sources["flux_limit"].to_numpy(zero_copy_only=False)
    unknown = ~np.isfinite(n0 * index * pivot * unit)
    used = np.flatnonzero(~unknown & ~limit)
    if not used.size:
        raise CatalogueError("no source of the catalogue has a gamma-ray spectrum; use one of the 1LHAASO lists.")
    gamma, pivot = index[used], pivot[used]
    nothing = np.full(sources.num_rows, np.nan)
    energy_min, energy_max, n0_error, gamma_error = (
        (sources[c].to_numpy() if c in sources.column_names else nothing)[used] for c in (*RANGE, *ERROR_COLUMNS)
    )
    return HadronicSpectra(
        row=used,
        names=tuple(names[used]),
        dec=np.radians(sources["dec_deg"].to_numpy()[used]),
        n0_per_tev=n0[used] * unit[used],
        n0_error=n0_error * unit[used],
        pivot_tev=pivot,
        gamma=gamma,
        gamma_error=gamma_error,
        relation=relation,
        energy_min_gev=energy_min * 1e3 / GAMMA_PER_NEUTRINO_ENERGY,
        energy_max_gev=energy_max * 1e3 / GAMMA_PER_NEUTRINO_ENERGY,
        repeated=sources["duplicate_of"].to_numpy()[used] >= 0,
        left_out={
            reason: tuple(names[rows])
            for reason, rows in (
                ("no gamma-ray spectrum", unknown),
                ("the gamma-ray flux is an upper limit", limit & ~unknown),
            )
            if rows.any()
        },
    )


def neutrino_phi0(n0_per_tev: ArrayLike, gamma: ArrayLike, pivot_tev: ArrayLike) -> NDArray:
    """phi0 at 100 TeV [GeV^-1 cm^-2 s^-1] of the neutrinos of one flavour that belong to gamma rays N0 (E/E0)^-gamma.

    Parameters
    ----------
    n0_per_tev : TeV^-1 cm^-2 s^-1
    pivot_tev : E0, TeV

    Examples
    --------
    N0 = 1e-13 TeV^-1 cm^-2 s^-1 at 3 TeV, index 2: the gamma rays at 200 TeV are 2.25e-17, twice that is the answer.

    >>> f"{neutrino_phi0(1e-13, 2.0, 3.0):.3g}"
    '4.5e-20'
    """
    ratio = GAMMA_PER_NEUTRINO_ENERGY
    gamma_ray_energy_tev = ratio * PIVOT_ENERGY_GEV / 1e3
    at_energy = np.asarray(n0_per_tev) * (gamma_ray_energy_tev / np.asarray(pivot_tev)) ** -np.asarray(gamma)
    return PION_RATIO / 4 * ratio**2 * at_energy / 1e3


def fraction_limit(
    n_signal_limit: float, n_hadronic: ArrayLike, spectra: HadronicSpectra, confidence_level: float
) -> FractionLimit:
    """Limit on the hadronic fraction from a limit on the number of signal events with the same spectrum.

    The same spectrum means the same index and the same range of energies: the trials behind `n_signal_limit` must have
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
    numbers = np.arange(len(spectra.row))[chosen]
    arrays = (f.name for f in fields(spectra) if isinstance(getattr(spectra, f.name), np.ndarray))
    chosen = {name: np.atleast_1d(getattr(spectra, name)[numbers]) for name in arrays}
    return replace(spectra, names=tuple(spectra.names[j] for j in np.atleast_1d(numbers)), **chosen)
