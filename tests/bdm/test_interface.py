"""The original's interface 2.1 under `nusky.bdm.published`: what it had answers, or says what to use."""

import numpy as np
import pytest

import nusky
import nusky.bdm.published as sn
from nusky import bdm


def test_propagation_takes_the_speed_by_its_name():
    # The example of the interface's documentation; psi is exactly theta Rs/(Rs - l) to first order.
    point = sn.Propagation(t=59, vx=0.9, theta=1e-4, phi=0, Rs=11.6, Re=8.5, beta=0.71)
    assert point.l == pytest.approx(5.160120751743069e-09, rel=1e-3)
    assert point.d == pytest.approx(11.59999999483988, rel=1e-12)
    assert point.vx == 0.9
    assert sn.Propagation(59, 0.9, 1e-4, 0, 11.6, 8.5, 0.71).rprime == point.rprime


@pytest.mark.parametrize(
    "made",
    [
        sn.Propagation(59, 0.9, 1e-4, 0, 11.6, 8.5, 0.71),
        sn.Geometry(1.0, 0.1, 0.2, 3.5, 8.5, 1.9),
        sn.Kinematics(5.0, 0.1, 1.0, 0.2),
        sn.Mandelstam(5.0, 0.1, 1.0, 0.2),
        sn.Neutrino(5.0, 1.0, 0.2),
    ],
)
def test_getters(made):
    attributes = [name for name in vars(made) if not name.startswith("_")]
    assert attributes
    for name in attributes:
        assert np.all(getattr(made, f"get_{name}")() == getattr(made, name))
        assert np.all(getattr(made, f"_get_{name}")() == getattr(made, name))
    with pytest.raises(AttributeError, match="has no 'get_speed'; its attributes are "):
        made.get_speed()


def test_parts_of_the_interface():
    from nusky.bdm.published.geometry import Propagation
    from nusky.bdm.published.halo import HaloSpike, nx

    assert (Propagation, HaloSpike, nx) == (bdm.Propagation, bdm.HaloSpike, bdm.nx)
    assert sn.sysmsg.FlagError is bdm.FlagError
    assert sn.kinematics.get_vx is bdm.get_vx
    assert sn.main.flux is sn.flux
    assert sn.params.halo is bdm.params.halo
    with pytest.raises(AttributeError, match=r"has no 'nxSpike'.*without modules: AlphaFit, "):
        sn.nxSpike  # noqa: B018 - the look-up is what is tested


def test_the_version_says_whose_it_is():
    assert sn.__version__ == f"nusky {nusky.__version__}"


def test_one_direction_is_as_many():
    rng = np.random.default_rng(5)
    for module in (sn, bdm):
        t, Tx = 10 ** rng.uniform(5, 10, 200), 10 ** rng.uniform(-1, 2, 200)
        mx, theta, phi = 10 ** rng.uniform(-3, 2, 200), 10 ** rng.uniform(-3, 0.3, 200), rng.uniform(0, 6, 200)
        many = module.differential_flux(t, Tx, mx, theta, phi, 3.5, 1.9, 8.0, 2e-45)
        one = [
            module.differential_flux(*look, 3.5, 1.9, 8.0, 2e-45) for look in zip(t, Tx, mx, theta, phi, strict=True)
        ]
        assert np.count_nonzero(many) > 10
        np.testing.assert_allclose(one, many, rtol=1e-14)
    default = bdm.differential_flux(1e9, 5, 1, 0.2, 1.0, 3.5, 1.9)
    before = bdm.params.halo
    try:
        bdm.params.halo = before._replace(rhos=2 * before.rhos)
        assert bdm.differential_flux(1e9, 5, 1, 0.2, 1.0, 3.5, 1.9) == pytest.approx(2 * default, rel=1e-14)
    finally:
        bdm.params.halo = before
