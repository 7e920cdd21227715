import numpy as np
import pytest

from nusky.search.skymap.nodes import MAX_DEC, declinations


@pytest.mark.parametrize("spacing", [1.0, 0.7, 20.0, 40.0])
def test_they_reach_the_limits_and_are_close_enough_everywhere(spacing):
    dec = np.degrees(declinations(spacing))
    assert (dec[0], dec[-1]) == pytest.approx((-np.degrees(MAX_DEC), np.degrees(MAX_DEC)))
    steps, middle = np.diff(dec), (dec[1:] + dec[:-1]) / 2
    assert steps.min() > 0.2 * spacing
    assert steps.max() <= spacing + 1e-9
    assert steps[(middle > -10) & (middle < 3)].max() <= spacing / 2 + 1e-9


def test_the_usual_ones():
    assert len(declinations(1.0)) == 178
