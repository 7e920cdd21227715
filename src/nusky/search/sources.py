"""Sources that share a flux, and what the detector expects of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError
from nusky.search.analysis import Analysis
from nusky.search.time_profile import Steady, TimeProfile, exposure_ratios
from nusky.units import takes_directions


@dataclass(frozen=True)
class Sources:
    """Sources of a hypothesis, each (n_sources,) float64: `ra`, `dec`, Gaussian width `extension` [rad], `weights`.

    The weights are the sources' shares of the flux. `profiles` say how it changes with time, one for each source; None
    if all are steady.

    Raises
    ------
    PhysicsError : a source is no direction and width, or no weight is above 0.
    """

    ra: np.ndarray
    dec: np.ndarray
    extension: np.ndarray
    weights: np.ndarray
    profiles: tuple[TimeProfile, ...] | None = None

    @classmethod
    @takes_directions(("ra", "dec"), extension="rad")
    def of(
        cls,
        ra: Any,
        dec: Any = None,
        extension: Any = 0.0,
        weights: ArrayLike = 1.0,
        profiles: TimeProfile | Sequence[TimeProfile] | None = None,
    ) -> "Sources":
        """Those with a weight; a missing width counts as 0, and the weights add up to 1. A profile serves all.

        Directions and widths are numbers in rad or quantities, or `ra` is a SkyCoord and `dec` left out.
        """
        ra, dec, extension, weights = (
            np.atleast_1d(values).astype(float) for values in np.broadcast_arrays(ra, dec, extension, weights)
        )
        used = weights > 0
        if not used.any():
            raise PhysicsError("no source of the stack has a weight above zero.")
        ra, dec, extension, weights = ra[used], dec[used], np.nan_to_num(extension[used]), weights[used]
        wrong = np.flatnonzero(~((extension >= 0) & (extension <= np.pi)))
        if wrong.size:
            j = wrong[0]
            raise PhysicsError(
                f"source at ra {ra[j]}, dec {dec[j]}, extension {extension[j]} rad: no width from 0 to pi. For degrees "
                "give a quantity."
            )
        if isinstance(profiles, TimeProfile):
            profiles = [profiles] * len(used)
        if profiles is None or all(isinstance(own, Steady) for own in profiles):
            return cls(ra, dec, extension, weights / weights.sum())
        chosen = tuple(own for own, use in zip(profiles, used, strict=True) if use)
        return cls(ra, dec, extension, weights / weights.sum(), chosen)

    def __len__(self) -> int:
        return len(self.ra)

    def by_declination(self) -> "Sources":
        """The same in order of declination: neighbours in memory are then neighbours on the sky."""
        order = np.argsort(self.dec, kind="stable")
        arrays = {name: getattr(self, name)[order] for name in ("ra", "dec", "extension", "weights")}
        return replace(self, **arrays, profiles=self.profiles and tuple(self.profiles[j] for j in order))


def expected_by_source(analysis: Analysis, sources: Sources, spectra: Sequence[Spectrum]) -> np.ndarray:
    """Expected events of each source for phi0 = 1 GeV^-1 cm^-2 s^-1 of all, (n_seasons, n_spectra, n_sources).

    Of a source that changes with time phi0 is the flux at T = 1: acceptance times the exposure of its profile.
    """
    expected = analysis.expected(sources.dec, spectra)
    expected *= sources.weights
    if sources.profiles is not None:
        expected *= exposures(analysis, sources)[:, None, :]
    return expected


def exposures(analysis: Analysis, sources: Sources) -> NDArray:
    """Exposure of each source's profile in each season over the livetime, (n_seasons, n_sources).

    Raises
    ------
    PhysicsError : the times of the events are not known.
    """
    if analysis.runs is None:
        raise PhysicsError("sources that change with time need the times of the events and the good runs.")
    return exposure_ratios(sources.profiles, analysis.runs)
