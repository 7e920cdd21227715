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


def amp2_xv(s, t, u, mx) -> float:
    mV = mx / 3
    gV, gx = 1e-06, 1e-02
    Q = gV * gx
    return (s**2 + u**2 + 4 * t * (mx**2) - 2 * (mx**2) ** 2) * (Q / (t - mV**2)) ** 2


def amp2_xe(s, t, u, mx) -> float:
    mV = mx / 3
    me = 0.511
    gx, eps = 1e-02, 1e-06
    Q = gx * eps
    return 2 * (s**2 + u**2 + 4 * t * (me**2 + mx**2) - 2 * (me**2 + mx**2) ** 2) * (Q / (t - mV**2)) ** 2


def amp2_x_xenon(s, t, u, mx) -> float:
    mV = mx / 3
    mt = 1.3e5
    gx, eps = 1e-02, 1e-06
    Q = gx * eps
    return 2 * (s**2 + u**2 + 4 * t * (mt**2 + mx**2) - 2 * (mt**2 + mx**2) ** 2) * (Q / (t - mV**2)) ** 2


CAS_A = {"Rs": 3.5, "beta": 1.9498740968451136}


@pytest.fixture
def cas_a():
    """Keyword arguments of a model of Cas A with the amplitudes of the seed page."""
    return {**CAS_A, "Rg": 8.5, "amp2_xv": amp2_xv, "amp2_xe": amp2_xe}


@pytest.fixture
def xenon():
    return {"amp2_xe": amp2_x_xenon, "mt": 1.3e5}


@pytest.fixture
def constant_sigma():
    """The amplitude of a constant cross section of 1e-45 cm^2: |M|^2 = 16 pi s sigma."""

    def amplitude(s, t, u, mx):
        return 16 * np.pi * s * 1e-45 / 1.973e-11**2

    return amplitude
