import numpy as np
import pytest
from scipy.integrate import quad

from nusky import bdm
from nusky.bdm import published
from nusky.bdm.spectrum import fermi_dirac_fluence
from nusky.errors import PhysicsError


def test_literal_formula():
    Ev, d = 17.0, 3.0
    total = 0
    for T, mean, number in ((2.76, 11, 1), (4.01, 16, 1), (6.26, 25, 4)):
        total += number * Ev**2 / (18.9686 * T**3 * (np.exp(Ev / T - 3) + 1)) / mean
    expected = 5e51 * 6.241e5 * total / (4 * np.pi * (3.085e21 * d) ** 2)
    assert bdm.sn_nu_spectrum(Ev, d) == pytest.approx(expected, rel=1e-14)
    assert bdm.sn_nu_spectrum(Ev, d, is_density=True) == pytest.approx(expected / 29979245800, rel=1e-14)


def test_cuts():
    assert bdm.sn_nu_spectrum(10, 1e-15) == 0
    assert bdm.sn_nu_spectrum(10, 1.0, d_cut=1.0) == 0
    assert bdm.sn_nu_spectrum([-5, 2000], 1.0).tolist() == [0, 0]
    assert published.sn_nu_spectrum(-5, 1.0) > 0


def test_alpha_fit_emits_its_energy():
    flavours = [bdm.Flavour(5e52, 11.0, 3.0), bdm.Flavour(4e52, 16.0, 0.0), bdm.Flavour(2e52, 20.0, 2.3, 4)]
    spectrum = bdm.AlphaFit(flavours)
    energy = quad(lambda E: E * spectrum(E), 0, 60)[0] + quad(lambda E: E * spectrum(E), 60, 800)[0]
    assert energy == pytest.approx((5e52 + 4e52 + 8e52) * 6.241e5, rel=1e-6)
    alone = bdm.AlphaFit(flavours[:1])
    number = quad(alone, 0, 60)[0] + quad(alone, 60, 400)[0]
    assert number == pytest.approx(5e52 * 6.241e5 / 11, rel=1e-6)


def test_the_default_spectrum_emits_3e53_erg():
    energy = quad(lambda E: E * fermi_dirac_fluence(np.array(E)), 0, 100)[0]
    # The mean energies of the formula are rounded: 11, 16, 25 MeV.
    assert energy / 6.241e5 == pytest.approx(3e53, rel=0.01)


def test_another_spectrum_changes_the_flux():
    place = (1e9, 5, 1, 3.5, 1.9)
    assert bdm.flux(*place, spectrum=fermi_dirac_fluence) == bdm.flux(*place)
    double = bdm.flux(*place, spectrum=lambda Ev: 2 * fermi_dirac_fluence(Ev))
    assert double == pytest.approx(2 * bdm.flux(*place), rel=1e-12)
    hot = bdm.flux(*place, spectrum=bdm.AlphaFit([bdm.Flavour(3e53, 15.0, 2.5)]))
    assert hot > 0


def test_spectra_that_cannot_be():
    with pytest.raises(PhysicsError, match="alpha = -1 must exceed -1"):
        bdm.AlphaFit([bdm.Flavour(1e52, 10, -1)])
    with pytest.raises(PhysicsError, match="AlphaFit has no flavours"):
        bdm.AlphaFit([])
