import numpy as np
import pytest

from nusky.detector.spectrum import PowerLaw
from nusky.errors import PhysicsError
from nusky.search.statistics.statements import FluxScale, FluxStatement, SignalStrength

STRENGTH = SignalStrength("upper limit", "Neyman", 0.9, 12.0, 0.6, 3.1, 5000)
SCALE = FluxScale(PowerLaw(2.5), 4e18, 1e3, 1e6)


def test_flux_of_a_limit():
    limit = FluxStatement(STRENGTH, SCALE)
    assert limit.phi0_per_gev == pytest.approx(3e-18)
    assert limit.phi0_error_per_gev == pytest.approx(1.5e-19)
    assert limit.e2_dnde() == pytest.approx(3e-8)  # times (1e5 GeV)^2
    assert limit.e2_dnde(1e3) == pytest.approx(3e-7)  # E^-0.5 over two decades
    np.testing.assert_allclose(limit.of_sources([1.0, 3.0]), [0.75e-18, 2.25e-18])


def test_the_row_carries_everything_that_must_be_quoted():
    row = FluxStatement(STRENGTH, SCALE).row()
    quoted = {
        "statement": "upper limit",
        "method": "Neyman",
        "confidence_level": 0.9,
        "n_trials": 5000,
        "extrapolated": False,
        "flavours": "one flavour, nu + anti-nu",
        "pivot_energy_gev": 1e5,
        "gamma": 2.5,
        "energy_min_gev": 1e3,
        "energy_max_gev": 1e6,
        "energy_content": 0.9,
    }
    assert {name: row[name] for name in quoted} == quoted
    assert row["e2dnde_100tev_gev_cm2_s"] == pytest.approx(3e-8)


def test_impossible_scales_and_weights_are_refused():
    with pytest.raises(PhysicsError, match=r"0\.0 events per unit flux"):
        FluxScale(PowerLaw(2.0), 0.0, 1e3, 1e6)
    with pytest.raises(PhysicsError, match="model weights must not be negative"):
        FluxStatement(STRENGTH, SCALE).of_sources([1.0, -1.0, 3.0])
