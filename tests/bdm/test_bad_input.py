"""Bad arguments are errors whatever the branch: also where the result would be 0 without looking at them."""

import math
import tracemalloc
import warnings

import numpy as np
import pytest

from nusky import bdm
from nusky.bdm import checks, published
from nusky.errors import PhysicsError

BEYOND = 1e30  # s, long after the signal


def _good(s, t, u, mx):
    return 1e-16


CALLS = {
    "flux": lambda **kw: bdm.flux(**{"t": BEYOND, "Tx": 5, "mx": 1, "Rs": 3.5, "beta": 1.9, **kw}),
    "event": lambda **kw: bdm.event(**{"mx": 1, "Rs": 3.5, "beta": 1.9, "t_range": (BEYOND, 2 * BEYOND), **kw}),
    "differential_flux": lambda **kw: bdm.differential_flux(
        **{"t": BEYOND, "Tx": 5, "mx": 1, "theta": 3, "phi": 0, "Rs": 3.5, "beta": 1.9, **kw}
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mx": -1}, "mx = -1 MeV is outside its range"),
        ({"mx": 0}, "mx = 0 MeV is outside its range"),
        ({"mx": np.nan}, "mx is NaN"),
        ({"mx": "heavy"}, "mx = 'heavy' is no real number"),
        ({"beta": -0.1}, r"beta = -0\.1 rad is outside \[0, 3\.1416\]"),
        ({"Rs": 0}, "Rs = 0 kpc is outside its range"),
        ({"Re": np.inf}, "Re = inf kpc is outside its range"),
        ({"sigxv0": -1e-45}, "sigxv0 = -1e-45 cm\\^2 is negative"),
        ({"typo": 1}, "unknown keyword argument 'typo'"),
        ({"alpha": "2"}, "alpha = '2' must be '3/2' or '7/3'"),
        ({"is_spike": "yes"}, "is_spike = 'yes' must be True or False"),
        ({"r_cut": -1}, "r_cut = -1 kpc is negative"),
        ({"d_cut": -1}, "d_cut = -1 kpc is negative"),
        ({"rs": 0}, "rs = 0 kpc is outside its range"),
        ({"is_spike": True, "mBH": -1}, "mBH = -1 Msun is outside its range"),
        ({"is_spike": True, "rh": 1e-12}, "must exceed four Schwarzschild radii"),
        ({"is_spike": True, "profile": "burkert"}, "profile = 'burkert' has no spike"),
    ],
)
def test_common_arguments(call, change, message):
    with pytest.raises(PhysicsError, match=message):
        CALLS[call](**change)


@pytest.mark.parametrize(
    ("call", "change", "message"),
    [
        ("flux", {"Tx": -1}, "Tx = -1 MeV is negative"),
        ("flux", {"t": np.nan}, "t is NaN"),
        ("flux", {"rtol": 0}, "rtol = 0 must be a number"),
        ("flux", {"burst": -1}, "burst = -1 s is negative"),
        ("flux", {"beta": [0.1, 0.2]}, "beta must be one number here"),
        ("differential_flux", {"Tx": [1, -1]}, "Tx = -1 MeV is negative"),
        ("differential_flux", {"theta": -0.1}, "theta = -0.1 rad is outside"),
        ("differential_flux", {"phi": np.nan}, "phi is NaN"),
        ("event", {"Tx_range": (-1, 5)}, "Tx_range = -1 MeV is negative"),
        ("event", {"Tx_range": (0, 5)}, "Tx_range = 0 MeV is outside its range"),
        ("event", {"Tx_range": (30, 5)}, "runs downwards"),
        ("event", {"Tx_range": 5}, "Tx_range = 5 must be a pair"),
        ("event", {"t_range": (np.nan, 5)}, "t_range is NaN"),
        ("event", {"t_range": (5, 4)}, r"t_range = \(5, 4\) s runs downwards"),
        ("event", {"t_range": (5, 5)}, r"t_range = \(5, 5\) s has no width"),
        ("event", {"Tx_range": (5, 5)}, r"Tx_range = \(5, 5\) MeV has no width"),
        ("event", {"Tx_range": []}, "Tx_range is empty"),
        ("event", {"mx": []}, "mx is empty; give at least one number"),
        ("flux", {"t": []}, "t is empty"),
        ("flux", {"Tx": [5, 6], "mx": [1, 2, 3]}, r"arrays of shapes \(2,\), \(3,\) do not go together"),
        ("differential_flux", {"theta": [0.1, 0.2], "phi": [1, 2, 3]}, "do not go together"),
        ("differential_flux", {"phi": []}, "phi is empty"),
        ("event", {"recoil_above": -1}, "recoil_above = -1 MeV is negative"),
    ],
)
def test_arguments_of_one_function(call, change, message):
    with pytest.raises(PhysicsError, match=message):
        CALLS[call](**change)


def test_a_bad_value_is_a_value_error_too():
    with pytest.raises(ValueError, match="unknown keyword"):
        published.flux(1e9, 5, 1, 3.5, 1.9, typo=1)
    assert issubclass(bdm.FlagError, PhysicsError)


def test_monte_carlo_knobs_warn_once(monkeypatch):
    monkeypatch.setattr(checks, "_warned", [])
    with pytest.warns(UserWarning, match="nitn and neval are ignored"):
        bdm.flux(1e9, 5, 1, 3.5, 1.9, neval=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bdm.flux(1e9, 5, 1, 3.5, 1.9, nitn=3)


def test_a_spectrum_that_fails():
    for spectrum in (lambda Ev: np.full(Ev.shape, np.nan), lambda Ev: 1.0):
        with pytest.raises(PhysicsError, match="must give one finite number per energy"):
            bdm.flux(1e9, 5, 1, 3.5, 1.9, spectrum=spectrum)


def test_positions_that_cannot_be_read():
    with pytest.raises(PhysicsError, match="cannot read the position RA 'nowhere'"):
        bdm.equatorial_to_beta("nowhere", "58d49m00s")


def raises(s, t, u, mx):
    raise ZeroDivisionError("no mediator")


@pytest.mark.parametrize("side", ["amp2_xv", "amp2_xe"])
@pytest.mark.parametrize(
    ("amplitude", "message"),
    [
        (raises, "raised ZeroDivisionError: no mediator at "),
        (lambda s, t, u, mx: math.nan, "gave nan at "),
        (lambda s, t, u, mx: np.inf * s, "gave inf at "),
        (lambda s, t, u, mx: -1e-16, "gave -1e-16, which is negative, at "),
        (lambda s, t, u, mx: -s * s, "which is negative, at "),
        (lambda s, t, u, mx: "1e-16", "gave str '1e-16' at "),
        (lambda s, t, u, mx: None, "gave NoneType None at "),
        (lambda s, t, u, mx: 1e-16j, "gave complex 1e-16j at "),
        (lambda s, t, u, mx: np.ones(3), "gave ndarray array"),
        (lambda s, t, u, mx: [], r"gave list \[\] at "),
        (lambda s, t: 1e-16, "raised TypeError: .*takes 2 positional arguments"),
    ],
)
@pytest.mark.parametrize("n_masses", [1, 5])
def test_an_amplitude_that_fails(side, amplitude, message, n_masses):
    model = bdm.BoostedDarkMatter(3.5, 8.5, 1.9, **{"amp2_xv": _good, "amp2_xe": _good, side: amplitude})
    mx = np.linspace(1.0, 2.0, n_masses)
    with pytest.raises(PhysicsError, match=message) as caught:
        model.dsigma_xv(5.0, mx, 0.1) if side == "amp2_xv" else model.sigma_xe(5.0, mx)
    assert "it must give one number >= 0 there" in str(caught.value)
    assert "(s, t, u, mx)" in str(caught.value)


def test_what_cancellation_leaves_is_no_negative_amplitude():
    model = bdm.BoostedDarkMatter(3.5, 8.5, 1.9, _good, lambda s, t, u, mx: s * s if s > 5 else -1e-12 * s)
    assert model.sigma_xe(np.array([0.1, 50.0, 80.0, 90.0, 99.0]), 1.0)[-1] > 0


TWO, THREE = np.array([0.5, 0.6]), np.array([0.5, 0.6, 0.7])
BROADCASTING = {
    "get_vx": (bdm.get_vx, 2),
    "get_psiMax": (bdm.get_psiMax, 2),
    "get_tvan": (bdm.get_tvan, 3),
    "get_thetaMax": (bdm.get_thetaMax, 4),
    "get_gx": (bdm.get_gx, 3),
    "get_tBound": (bdm.get_tBound, 3),
    "KallenLambda": (bdm.KallenLambda, 3),
    "Kinematics": (bdm.Kinematics, 4),
    "Neutrino": (bdm.Neutrino, 3),
    "Geometry": (bdm.Geometry, 6),
    "Propagation": (bdm.Propagation, 7),
    "rhox": (bdm.rhox, 4),
    "nx": (bdm.nx, 2),
    "sn_nu_spectrum": (bdm.sn_nu_spectrum, 2),
    "dsigma_xv": (bdm.dsigma_xv, 4),
    "galactic_to_beta": (bdm.galactic_to_beta, 2),
    "largest_recoil": (lambda Tx, mx: bdm.largest_recoil(Tx, mx, 0.511), 2),
    "sky_angles": (lambda l, b: bdm.sky_angles(l, b, (1.0, 0.0)), 2),
    "sigma_xe": (bdm.BoostedDarkMatter(3.5, 8.5, 1.9, _good, _good).sigma_xe, 2),
    "model.dsigma_xv": (bdm.BoostedDarkMatter(3.5, 8.5, 1.9, _good, _good).dsigma_xv, 3),
    "model.flux": (bdm.BoostedDarkMatter(3.5, 8.5, 1.9, _good, _good).flux, 3),
}


@pytest.mark.parametrize("name", BROADCASTING)
def test_shapes_that_do_not_fit_and_empty_arrays(name):
    function, count = BROADCASTING[name]
    with pytest.raises(PhysicsError, match="do not go together; give arrays of one shape"):
        function(TWO, THREE, *[0.5] * (count - 2))
    for position in range(count):
        arguments = [0.5] * count
        arguments[position] = []
        with pytest.raises(PhysicsError, match="is empty; give at least one number"):
            function(*arguments)


MODEL = bdm.BoostedDarkMatter(3.5, 8.5, 1.95, lambda s, t, u, mx: 1e-16 * s, lambda s, t, u, mx: 1e-16 * s)
MANY = {
    "flux": (2000, lambda mx: bdm.flux(350 * 31556926, 5, mx, 3.5, 1.95, rtol=1e-2)),
    "flux of a burst": (200, lambda mx: bdm.flux(350 * 31556926, 5, mx, 3.5, 1.95, rtol=0.1, burst=1e6)),
    "cross section": (2000, lambda mx: MODEL.sigma_xe(5, mx)),
}


@pytest.mark.parametrize("name", MANY)
def test_memory_does_not_grow_with_the_number_of_points(name):
    block, compute = MANY[name]

    def peak(n):
        tracemalloc.start()
        value = compute(np.geomspace(0.9, 1.1, n))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert np.all(value > 0)
        return used

    compute(np.array([1.0, 1.1]))
    few, many = peak(block), peak(4 * block)
    assert many < 1.4 * few  # arguments and results, not the work
