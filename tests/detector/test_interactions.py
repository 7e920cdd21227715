import sys

import numpy as np
import pytest

from nusky.detector.interactions import neutrinos_of
from nusky.detector.spectrum import CutoffPowerLaw, PowerLaw, TabulatedSpectrum
from nusky.errors import ConfigurationError, PhysicsError

WCDA = (3.0, np.log10(2.5e4))


@pytest.fixture
def aafragpy():
    return pytest.importorskip("aafragpy")


def folded(aafragpy, index, cutoff, energy_gev, secondary):
    """Simpson's rule in ln E on a fine grid of protons, up to a common factor."""
    from scipy.integrate import simpson

    proton = np.geomspace(energy_gev.min(), 1e11, 601)
    yields, *_ = aafragpy.get_cross_section(secondary, "p-p", E_primaries=proton, E_secondaries=energy_gev)
    flux = (proton / 1e3) ** -index * np.exp(-proton / cutoff)
    return simpson(yields * (flux * proton)[:, None], x=np.log(proton), axis=0)


@pytest.mark.parametrize(("index", "cutoff"), [(2.2, 3e6), (2.7, 1e6)])
def test_protons_are_recovered_from_their_gamma_rays(aafragpy, index, cutoff):
    """The neutrinos of gamma rays that were folded independently are those of the protons behind them, to 1 %."""
    gamma_energy = np.geomspace(1e3, 2.5e4, 40)
    gamma_rays = TabulatedSpectrum.of(gamma_energy, 1e-12 * folded(aafragpy, index, cutoff, gamma_energy, "gam"))
    found = neutrinos_of(gamma_rays, "x")
    energy = np.geomspace(600, 1.2e4, 7)
    expected = 1e-12 * folded(aafragpy, index, cutoff, energy, "nu_all") / 3
    np.testing.assert_allclose(found.shape(energy), expected, rtol=0.01)
    np.testing.assert_allclose(found.log10_limits, np.log10([500.0, 1.25e4]), atol=1e-8)


def test_the_ratio_to_gamma_rays_is_a_few_tenths_and_falls_with_the_index(aafragpy):
    ratios = [
        float(neutrinos_of(PowerLaw(gamma, log10_limits=WCDA), "x").shape(3e3) / PowerLaw(gamma).shape(3e3))
        for gamma in (2.0, 2.4, 2.8, 3.2)
    ]
    assert 0.2 < ratios[-1] < ratios[0] < 0.5
    assert (np.diff(ratios) < 0).all()


def test_what_protons_cannot_give_is_refused(aafragpy):
    with pytest.raises(PhysicsError, match="mine: give the range of energies"):
        neutrinos_of(PowerLaw(2.0), "mine")
    with pytest.raises(PhysicsError, match="mine: it has no gamma rays at"):
        neutrinos_of(CutoffPowerLaw(2.0, 1e3, 3.0, log10_limits=WCDA), "mine")
    with pytest.raises(PhysicsError, match=r"mine: no power law of protons .* off by up to"):
        neutrinos_of(CutoffPowerLaw(-1.0, 8e3, 3.0, log10_limits=WCDA), "mine")


def test_without_the_library_the_extra_is_named(monkeypatch):
    from nusky.detector import interactions

    interactions._yields.cache_clear()
    monkeypatch.setitem(sys.modules, "aafragpy", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'nusky\[gamma-rays\]'"):
        neutrinos_of(PowerLaw(2.0, log10_limits=WCDA), "x")
