import pytest

from nusky import bdm
from nusky.bdm.params import HaloProfile, Params
from nusky.errors import PhysicsError


def test_check_values(reference):
    for name, value in reference["constants"].items():
        assert getattr(bdm.constant, name) == value, name
    for group, values in reference["params"].items():
        assert getattr(bdm.params, group)._asdict() == values, group


def test_constants_cannot_be_changed():
    with pytest.raises(AttributeError, match="constants are read-only"):
        bdm.constant.c = 1
    bdm.constant.MW_profile["rhos"] = 0
    assert bdm.constant.MW_profile["rhos"] == 184


def test_merge():
    params = Params()
    assert list(params.merge("halo", "min_distance", n=3)) == ["rhos", "rs", "n", "d_cut", "r_cut"]
    assert params.merge("halo", n=3)["n"] == 3
    params.halo = HaloProfile(rhos=100)
    assert params.merge("halo")["rhos"] == 100
    with pytest.raises(PhysicsError, match="no parameter group 'sun'"):
        params.merge("sun")
    with pytest.raises(PhysicsError, match="unknown keyword argument 'sigv'; allowed here: rhos, rs, n"):
        params.merge("halo", sigv=1)
