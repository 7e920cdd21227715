"""Background density of events in declination, from the data: counts in a declination band, uniform in RA."""

import numpy as np

from nusky.conventions import BAND_HALF_WIDTH_DEG
from nusky.units import takes_directions

BAND_HALF_WIDTH = np.radians(BAND_HALF_WIDTH_DEG)
# Catalogues and events are given to three decimals of a degree, so exact ties at the band's edge occur. They count as
# inside; this margin [rad] keeps rounding from deciding.
_EDGE = np.radians(1e-9)


def band_edges(dec: np.ndarray, half_width: float = BAND_HALF_WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge [rad] of the declination bands around `dec` [rad], ties included."""
    return dec - half_width - _EDGE, dec + half_width + _EDGE


@takes_directions(dec="dec", event_dec="dec", half_width="rad")
def band_counts(dec: np.ndarray, event_dec: np.ndarray, half_width: float = BAND_HALF_WIDTH) -> np.ndarray:
    """Number of events with |dec - event_dec| <= half_width [rad], edges included: (n_dec,) int64; no comparisons."""
    dec = np.asarray(dec, dtype=float)
    ordered, order = np.sort(event_dec), np.argsort(dec)
    low, high = band_edges(dec[order], half_width)  # sorted queries walk through memory in order
    counts = np.empty(dec.shape, dtype=np.int64)
    counts[order] = np.searchsorted(ordered, high, side="right") - np.searchsorted(ordered, low, side="left")
    return counts


@takes_directions(dec="dec", half_width="rad")
def band_solid_angle(dec: np.ndarray, *, clipped: bool, half_width: float = BAND_HALF_WIDTH) -> np.ndarray:
    """Solid angle [sr] of the bands, 2 pi [sin(dec + h) - sin(dec - h)].

    Published conventions do not clip the band at the poles, so near them the bracket is too small.
    """
    low, high = np.asarray(dec) - half_width, np.asarray(dec) + half_width
    if clipped:
        low, high = np.maximum(low, -np.pi / 2), np.minimum(high, np.pi / 2)
    return 2 * np.pi * (np.sin(high) - np.sin(low))


@takes_directions(dec="dec", event_dec="dec")
def band_density(dec: np.ndarray, event_dec: np.ndarray, *, clipped: bool) -> np.ndarray:
    """Background density B(dec) = n(band) / (N solid angle), sr^-1, arXiv:2205.15963 eq 4."""
    return band_counts(dec, event_dec) / (len(event_dec) * band_solid_angle(dec, clipped=clipped))
