"""Plain numpy versions of the kernels, as slow and as literal as the formulas."""

import math

import mpmath
import numpy as np


def separation(ra1, dec1, ra2, dec2):
    h = np.sin((dec1 - dec2) / 2) ** 2 + np.cos(dec1) * np.cos(dec2) * np.sin((ra1 - ra2) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(np.minimum(1, h)))


def signal_density(ra, dec, ang_err, source_ra, source_dec):
    """S_ij, (n_events, n_sources)."""
    psi = separation(ra[:, None], dec[:, None], source_ra, source_dec)
    sigma = ang_err[:, None]
    return np.exp(-0.5 * (psi / sigma) ** 2) / (2 * np.pi * sigma**2)


def band_count(dec, event_dec):
    return np.array([np.count_nonzero(np.abs(event_dec - d) <= np.radians(5) + np.radians(1e-9)) for d in dec])


def log_ratio(ratio, x):
    """sum ln[1 + x (r - 1)], summed exactly."""
    return math.fsum(np.log1p(x * (np.asarray(ratio) - 1)))


def power_law(low, high, gamma, pivot=1e5):
    """Integral of (E/pivot)^-gamma dE, in 40 digits."""
    with mpmath.workdps(40):
        low, high, slope = mpmath.mpf(low) / pivot, mpmath.mpf(high) / pivot, 1 - mpmath.mpf(gamma)
        value = mpmath.log(high / low) if slope == 0 else (high**slope - low**slope) / slope
        return float(pivot * value)
