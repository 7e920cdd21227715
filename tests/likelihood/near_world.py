"""Events and sources all over the sphere, and what every pair of them adds, by plain numpy."""

from dataclasses import replace

import numpy as np

from nusky.search.hypothesis import NearIndex
from nusky.search.season import IndexedEvents, SeasonEvents
from nusky.search.sources import Sources
from tests import oracles

WIDTHS = (0.4, 0.8, 1.5, 3.0, 7.0)


def seasons(n=1500, seed=1):
    """Two seasons whose angular errors lie in all classes of the index; 3 bins of their own reach."""
    rng = np.random.default_rng(seed)
    made = []
    for name in ("one", "two"):
        ra, dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n))
        ang_err = np.radians(np.exp(rng.uniform(np.log(0.2), np.log(40), n)))
        season = SeasonEvents.of_data((name, name, 1.0), ra, dec, ang_err, None)
        made.append(replace(season, bin=rng.integers(0, 3, n), reach=np.array([[[4.0, 12.0, 25.0]]])))
    return tuple(made)


def sources(n=12, seed=2):
    """Sources at the poles, across RA = 0 and elsewhere, points and extended ones up to 8 deg."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n))
    dec[:4] = np.radians([90.0, -90.0, 89.7, -88.0])[: min(n, 4)]
    ra[min(4, n - 1)], ra[min(5, n - 1)] = 0.0, 2 * np.pi - 1e-9
    extension = np.where(np.arange(n) % 2, np.radians(rng.uniform(0.1, 8, n)), 0.0)
    return Sources.of(ra, dec, extension).by_declination()


def indexed(of_seasons):
    return IndexedEvents.of_seasons(of_seasons, np.arange(len(of_seasons)))


def near_index(of_sources):
    return NearIndex.of_sources(of_sources)


def joined(of_seasons, name):
    return np.concatenate([getattr(season, name) for season in of_seasons])


def weights(of_seasons, of_sources):
    """w of all pairs by width, 0 for the far ones: (n_events, n_sources, 5); and how far from the edge of its reach a
    pair is."""
    names = ("ra", "dec", "ang_err", "inverse_background", "bin")
    ra, dec, ang_err, inverse, bins = (joined(of_seasons, name)[:, None] for name in names)
    psi = oracles.separation(ra, dec, of_sources.ra, of_sources.dec)
    variance = np.square(WIDTHS) * ang_err[..., None] ** 2 + of_sources.extension[:, None] ** 2
    stretch = (psi / np.maximum(np.sin(psi), 1e-8))[..., None]
    signal = stretch * np.exp(-(psi[..., None] ** 2) / (2 * variance)) / (2 * np.pi * variance)
    radius = np.minimum(np.sqrt(of_seasons[0].reach[0, 0][bins]) * ang_err, np.pi)
    limit = 4 * np.sin(radius / 2) ** 2 + 16 * of_sources.extension**2
    chord = 4 * np.sin(psi / 2) ** 2
    return np.where((chord <= limit)[..., None], signal * inverse[..., None], 0.0), np.abs(chord / limit - 1)
