"""Events and sources all over the sphere, and what every pair of them adds, by plain numpy."""

from dataclasses import replace

import numpy as np

from nusky.search.hypothesis import NearIndex, Sources
from nusky.search.season import IndexedEvents, SeasonEvents
from tests import oracles

TAIL = 0.03


def seasons(n=1500, seed=1):
    """Two seasons whose angular errors lie in all classes of the index, the second with a tail; 3 energy bins."""
    rng = np.random.default_rng(seed)
    made = []
    for name, ratio, share in (("one", 1.0, 0.0), ("two", 4.0, 0.25)):
        ra, dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n))
        ang_err = np.radians(np.exp(rng.uniform(np.log(0.2), np.log(40), n)))
        season = SeasonEvents.of_data((name, name, 1.0), ra, dec, ang_err, None)
        tail = np.full(n, ratio), np.full(n, share)
        made.append(replace(season, tail_ratio=tail[0], tail_share=tail[1], energy_bin=rng.integers(0, 3, n)))
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


def near_index(of_sources, omega=None):
    return NearIndex.of_sources(of_sources, np.full(len(of_sources), 1.0) if omega is None else omega)


def joined(of_seasons, name):
    return np.concatenate([getattr(season, name) for season in of_seasons])


def weights(of_seasons, of_sources, tails):
    """w of all pairs, 0 for the far ones: (n_events, n_sources); and how far from the edge of its reach a pair is."""
    names = ("ra", "dec", "width", "tail_ratio", "tail_share", "inverse_background")
    ra, dec, width, ratio, share, inverse = (joined(of_seasons, name)[:, None] for name in names)
    psi = oracles.separation(ra, dec, of_sources.ra, of_sources.dec)
    extension = of_sources.extension**2
    signal = np.zeros_like(psi)
    for part, variance in ((1 - share, width**2 + extension), (share, ratio * width**2 + extension)):
        stretch = psi / np.maximum(np.sin(psi), 1e-300)
        signal += part * stretch * np.exp(-(psi**2) / (2 * variance)) / (2 * np.pi * variance)
    widest = np.maximum(ratio, 1.0) * width**2
    limit = 2 * np.log(2 / (widest * tails)) * (widest + extension)
    chord = 4 * np.sin(psi / 2) ** 2
    return np.where(chord <= limit, signal * inverse, 0.0), np.abs(chord / limit - 1)
