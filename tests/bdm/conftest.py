"""Check values of the seed page and its particle model."""

import json

import numpy as np
import pytest

YEAR = 31556926


@pytest.fixture(scope="session")
def reference(validation_data):
    """Independent check values: 60-digit arithmetic and converged integrals."""
    file = validation_data / "reference" / "boosted_dark_matter.json"
    if not file.is_file():
        pytest.skip(f"no check values at {file}")
    return json.loads(file.read_text())


ELECTRON, XENON = 0.511, 1.3e5
"""Masses of targets, MeV, as the seed page has them."""


def exchange(mass, factor):
    """Squared amplitude of dark matter on a particle of `mass` by a vector boson of a third of the mass of dark matter.

    The product of the couplings is 1e-8; the polynomial in s, t, u is that of two fermions, times `factor`.
    """

    def amplitude(s, t, u, mx):
        masses = mass * mass + mx * mx
        propagator = 1e-8 / (t - mx * mx / 9)
        return factor * propagator**2 * (s * s + u * u + 4 * t * masses - 2 * masses**2)

    return amplitude


CAS_A = {"Rs": 3.5, "beta": 1.9498740968451136}


@pytest.fixture
def cas_a():
    """Keyword arguments of a model of Cas A with the amplitudes of the seed page."""
    return {**CAS_A, "Rg": 8.5, "amp2_xv": exchange(0.0, 1), "amp2_xe": exchange(ELECTRON, 2)}


@pytest.fixture
def xenon():
    return {"amp2_xe": exchange(XENON, 2), "mt": XENON}


@pytest.fixture
def constant_sigma():
    """The amplitude of a constant cross section of 1e-45 cm^2: |M|^2 = 16 pi s sigma."""

    def amplitude(s, t, u, mx):
        return 16 * np.pi * s * 1e-45 / 1.973e-11**2

    return amplitude
