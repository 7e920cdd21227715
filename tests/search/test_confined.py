"""Signal in a range of energies against the effective area and the injection it rests on."""

import numpy as np
import pytest

from nusky.detector.effective_area import EffectiveArea
from nusky.search.analysis import Analysis
from nusky.search.confined import ConfinedInjector, expected_in_range
from nusky.search.sample import Sample
from nusky.search.trials import stream

DEC = np.radians([5.0, 5.0, -30.0])


@pytest.fixture(scope="module")
def analysis():
    """Two seasons of one response, 1 m^2 at all energies from 100 GeV to 1 EeV; no smearing tables."""
    area = EffectiveArea(np.array([2.0, 5.0, 9.0]), np.array([-np.pi / 2, 0.0, np.pi / 2]), np.full((2, 2), 1e4))
    rng = np.random.default_rng(3)
    samples = tuple(
        Sample.of_data((name, "response", livetime), *rng.uniform(-1, 1, (2, 500)), np.full(500, 0.01), None)
        for name, livetime in (("short", 1.0), ("long", 3.0))
    )
    return Analysis(samples, {"response": area}, None)


def test_expected_events_of_each_source_in_its_own_range(analysis):
    ranges = np.array([[3.0, 4.0], [4.0, 5.5], [0.0, 1.5]])
    found = expected_in_range(analysis, DEC, 2.0, ranges)
    # 1e4 cm^2 times the integral of (E / 1e5 GeV)^-2, the third source below the table
    once = [1e4 * 1e10 * (1e-3 - 1e-4), 1e4 * 1e10 * (1e-4 - 10**-5.5), 0.0]
    np.testing.assert_allclose(found, np.outer([1.0, 3.0], once), rtol=1e-12)


def test_parts_add_up_to_the_whole(analysis):
    whole = analysis.expected(DEC, np.array([2.5]))[:, 0]
    parts = [expected_in_range(analysis, DEC, 2.5, np.tile(r, (3, 1))) for r in ([2.0, 3.3], [3.3, 6.0], [6.0, 9.0])]
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-12)


def test_without_smearing_tables_the_spread_is_the_same_in_every_range(analysis):
    where = (np.zeros(3), DEC, np.zeros(3))
    expected = np.full((2, 3), 4.0)
    drawn = [
        ConfinedInjector(analysis, np.tile(limits, (3, 1)))(stream(1, "x"), where, expected, 2.0)
        for limits in ([2.0, 3.0], [6.0, 7.0])
    ]
    for one, other in zip(*drawn, strict=True):
        np.testing.assert_array_equal(one.ra, other.ra)
    assert ConfinedInjector(analysis, np.tile([2.0, 3.0], (3, 1))).label == "gaussian"
