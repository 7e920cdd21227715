import numpy as np
import pytest

from nusky import bdm
from nusky.bdm import PUBLISHED, STANDARD, published
from nusky.bdm.models import ConstantCrossSection, LMuTau
from tests.bdm.conftest import ELECTRON, exchange

YEAR = bdm.constant.year2Seconds
CAS_A = (3.5, 8.5, 1.9498740968451136)


def test_l_mu_tau_is_the_seed_page_s_model():
    ours = LMuTau().at(*CAS_A, conventions=PUBLISHED)
    theirs = published.BoostedDarkMatter(*CAS_A, exchange(0.0, 1), exchange(ELECTRON, 2))
    psi = np.linspace(0, 0.56, 20)
    np.testing.assert_allclose(ours.dsigma_xv(5, 1, psi), theirs.dsigma_xv(5, 1, psi), rtol=1e-12)
    Tx = np.geomspace(1e-5, 100, 20)
    np.testing.assert_allclose(ours.sigma_xe(Tx, 1), theirs.sigma_xe(Tx, 1), rtol=1e-10)


def test_couplings_and_mediator_scale_as_they_should():
    reference, other = LMuTau(), LMuTau(2e-8, 5e-8, 1 / 3, mt=1.3e5)
    assert other.amp2_xv(2.0, -1.0, 1.0, 1.0) == pytest.approx(4 * reference.amp2_xv(2.0, -1.0, 1.0, 1.0))
    assert LMuTau(mt=1.3e5, target_coupling=1e-8).amp2_xe(2e10, -1.0, 1e10, 1.0) * 25 == pytest.approx(
        other.amp2_xe(2e10, -1.0, 1e10, 1.0)
    )
    heavy = LMuTau(mediator_ratio=1e3)
    contact = heavy.amp2_xv(2.0, -1.0, 1.0, 1.0) / LMuTau(mediator_ratio=2e3).amp2_xv(2.0, -1.0, 1.0, 1.0)
    assert contact == pytest.approx(16, rel=1e-5)


@pytest.mark.parametrize("conventions", [PUBLISHED, STANDARD])
def test_constant_model_is_the_functions(conventions):
    boosted = ConstantCrossSection(2e-45).at(*CAS_A, conventions=conventions, is_spike=True)
    options = {"Re": 8.5, "sigxv0": 2e-45, "is_spike": True, "conventions": conventions}
    assert boosted.flux(350 * YEAR, 5, 1) == bdm.flux(350 * YEAR, 5, 1, 3.5, CAS_A[2], **options)
    assert boosted.differential_flux(350 * YEAR, 5, 1, 0.2, 1.0) == bdm.differential_flux(
        350 * YEAR, 5, 1, 0.2, 1.0, 3.5, CAS_A[2], **options
    )
    times = (350 * YEAR, 385 * YEAR)
    assert boosted.event(1, (5, 30), times, rtol=1e-3) == bdm.event(
        1, 3.5, CAS_A[2], Tx_range=(5, 30), t_range=times, rtol=1e-3, **options
    )
