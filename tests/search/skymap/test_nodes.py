import numpy as np
import pytest

from nusky.config import SkyMap
from nusky.search.skymap.nodes import MAX_DEC, declinations


@pytest.mark.parametrize("spacing", [0.5, 0.7, 20.0, 40.0])
def test_they_reach_the_limits_and_are_close_enough_everywhere(spacing):
    dec = np.degrees(declinations(spacing))
    assert (dec[0], dec[-1]) == pytest.approx((-np.degrees(MAX_DEC), np.degrees(MAX_DEC)))
    assert np.diff(dec).max() <= spacing + 1e-9
    np.testing.assert_allclose(np.diff(dec), dec[1] - dec[0])


def test_the_usual_ones():
    assert len(declinations(SkyMap().calibration_spacing_deg)) == 657
