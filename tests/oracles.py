"""Plain numpy versions of the kernels, as slow and as literal as the formulas."""

import itertools
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


def area_at(dec_edges, area, dec):
    """An effective area (n_energy, n_dec) at one declination [rad]: ln A linear in sin(dec) between the centres of the
    bins, A where one of the two has none; bin by bin."""
    sines = [math.sin(edge) for edge in dec_edges]
    centres = [(a + b) / 2 for a, b in itertools.pairwise(sines)]
    x = min(max(math.sin(dec), centres[0]), centres[-1])
    found = []
    for row in area:
        for k in range(len(centres) - 1):
            if centres[k] <= x <= centres[k + 1]:
                w = (x - centres[k]) / (centres[k + 1] - centres[k])
                if row[k] > 0 and row[k + 1] > 0:
                    found.append(math.exp((1 - w) * math.log(row[k]) + w * math.log(row[k + 1])))
                else:
                    found.append((1 - w) * row[k] + w * row[k + 1])
                break
        else:
            found.append(row[0])
    return np.array(found)


def power_law(low, high, gamma, pivot=1e5):
    """Integral of (E/pivot)^-gamma dE, in 40 digits."""
    with mpmath.workdps(40):
        low, high, slope = mpmath.mpf(low) / pivot, mpmath.mpf(high) / pivot, 1 - mpmath.mpf(gamma)
        value = mpmath.log(high / low) if slope == 0 else (high**slope - low**slope) / slope
        return float(pivot * value)


def spherical_gaussian(psi, variance):
    """(psi / sin psi) exp(-psi^2 / 2 s^2) / (2 pi s^2), sr^-1: the planar Gaussian with its measure carried over."""
    stretch = np.where(psi > 1e-8, psi / np.maximum(np.sin(psi), 1e-300), 1.0)
    return stretch * np.exp(-0.5 * np.square(psi) / variance) / (2 * np.pi * variance)
