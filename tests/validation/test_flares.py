"""Unknown flares in the public events around TXS 0506+056, and the page."""

import numpy as np
import pytest
from scipy.stats import kstest

from validation import flares, windows


@pytest.fixture(scope="module")
def events(validation_data):
    return windows.analysis(validation_data)


def test_the_flare_is_found_inside_the_published_window(events):
    best, *others = flares.found(events)
    assert windows.WINDOW[0] <= best.start < best.stop <= windows.WINDOW[1]
    assert 8 < best.n_signal < 18  # 13 +- 5 events, arXiv:1807.08794
    assert all(best.ts > own.ts for own in others)


def test_the_page_states_the_same(events, repository):
    page = (repository / "docs/validation/flares.md").read_text(encoding="utf-8")
    for own in flares.found(events):
        assert f"| {own.start:.2f} | {own.stop:.2f} | {own.n_signal:.2f} | {own.ts:.2f} |" in page


@pytest.mark.slow
def test_skies_without_a_source_have_uniform_p_values(events):
    assert kstest(flares.null(events, 60, 19), "uniform").pvalue > 0.01


@pytest.mark.slow
def test_limits_on_flares_at_any_time_cover(events):
    ((days, found),) = flares.covered(events, 200, ((20.0, (10.0,)),))
    assert days == 20
    assert found.coverage == pytest.approx(0.9, abs=0.09)  # trials and skies scatter by 0.03 together


@pytest.mark.slow
def test_injected_flares_are_found_again(events):
    for duration, n_signal, fits in flares.recovery(events, 15):
        if n_signal < 12:
            continue
        hit = flares.overlaps(fits, duration)
        assert hit.mean() > 0.6
        assert np.median(fits[hit, 2]) == pytest.approx(n_signal, rel=0.5)
