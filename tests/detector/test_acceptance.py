import numpy as np
import pytest

from nusky.conventions import PUBLISHED, STANDARD
from nusky.detector.acceptance import Exposure, acceptance_integrals, expected_signal
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import power_laws
from nusky.errors import PhysicsError
from tests import oracles

EXPOSURE = Exposure(("A", "B"), np.array([10.0, 20.0]), np.array([12.0, 30.0]))
INTEGRALS = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 0.5]])
WEIGHTS = np.array([0.2, 0.3, 0.5])


def test_published_weights_acceptance_twice_and_uses_the_wall_time():
    found = expected_signal(INTEGRALS, EXPOSURE, WEIGHTS, PUBLISHED)
    total = 0.0
    for k, span in enumerate((12.0, 30.0)):
        omega = WEIGHTS * INTEGRALS[k] / sum(WEIGHTS * INTEGRALS[k])
        total += span * sum(omega * INTEGRALS[k])
        np.testing.assert_allclose(found.source_weights[k], omega, rtol=1e-14)
    assert found.per_phi0_gev == pytest.approx(total, rel=1e-14)
    assert found.per_phi0_ev == pytest.approx(total * 1e9, rel=1e-14)


def test_standard_weights_once_and_uses_the_livetime():
    found = expected_signal(INTEGRALS, EXPOSURE, 7 * WEIGHTS, STANDARD)  # any normalisation of the weights
    per_season = [10.0 * (WEIGHTS @ INTEGRALS[0]), 20.0 * (WEIGHTS @ INTEGRALS[1])]
    assert found.per_phi0_gev == pytest.approx(sum(per_season), rel=1e-14)
    np.testing.assert_allclose(found.season_share, np.array(per_season) / sum(per_season), rtol=1e-14)


@pytest.mark.parametrize("rules", [PUBLISHED, STANDARD])
def test_one_source_is_the_same_in_all_weights(rules):
    found = expected_signal(INTEGRALS[:, :1], EXPOSURE, np.array([3.0]), rules)
    time = EXPOSURE.signal_time(rules)
    assert found.per_phi0_gev == pytest.approx((time * INTEGRALS[:, 0]).sum(), rel=1e-14)
    np.testing.assert_array_equal(found.source_weights, 1.0)


def test_a_stack_nobody_can_see_is_refused():
    with pytest.raises(PhysicsError, match="no weighted source is visible in season number 2"):
        expected_signal(np.array([[1.0, 0.0], [0.0, 1.0]]), EXPOSURE, np.array([1.0, 0.0]), PUBLISHED)


def test_the_area_is_a_step_in_one_method_and_interpolated_in_the_other():
    edges = np.arcsin([-1.0, 0.0, 1.0])  # centres at -0.5 and 0.5
    area = EffectiveArea(np.array([2.0, 4.0]), edges, np.array([[1.0, 100.0]]))
    dec, spectra, flux = np.arcsin([-0.25, 0.25]), power_laws([2.0, 3.0]), []
    flux = np.array([oracles.power_law(1e2, 1e4, gamma) for gamma in (2.0, 3.0)])[:, None]
    published, standard = (
        acceptance_integrals({"A": area}, ["A", "A"], dec, spectra, rules) for rules in (PUBLISHED, STANDARD)
    )
    for found, values in ((published, [1.0, 100.0]), (standard, [100**0.25, 100**0.75])):
        assert found.shape == (2, 2, 2)
        np.testing.assert_allclose(found, np.broadcast_to(flux * values, found.shape), rtol=1e-12)
