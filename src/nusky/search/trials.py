"""Random streams: one for everything that is random, named by what it serves; and how much trials take on.

The stream of a trial depends on the run's seed, what the trial is for and its number, and on nothing else: trials are
the same whatever the batch size, the order, the number of threads or the machine, and more can be added later.
"""

import zlib

import numpy as np

SOURCES_AT_ONCE = 256
"""Sources whose responses are held for common skies: several MiB each with the index free."""
MOST_LEFT_OUT = 2500
"""A fit without each of very many sources takes days and tells nothing of those that add nothing."""


def stream(seed: int, *keys: str | int) -> np.random.Generator:
    """The random stream of what `keys` name, from the run's `seed`."""
    numbers = [zlib.crc32(key.encode()) if isinstance(key, str) else int(key) for key in keys]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(numbers)))
