"""Random numbers keyed by what they are for: a draw does not depend on what else is drawn."""

import zlib

import numpy as np

from nusky.errors import PhysicsError


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A generator of its own for a purpose, from a seed that is a whole number of at least 0."""
    if not (isinstance(seed, int | np.integer) and seed >= 0):
        raise PhysicsError(f"seed = {seed!r} must be a whole number of at least 0.")
    key = (zlib.crc32(purpose.encode()),)
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=key))
