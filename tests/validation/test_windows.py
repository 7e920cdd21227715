"""The flare of TXS 0506+056 in the public events: numbers of an independent calculation, and the page."""

import pytest

from nusky.search.time_profile import Box
from validation import windows


@pytest.fixture(scope="module")
def events(validation_data):
    return windows.analysis(validation_data)


def test_the_independent_numbers_are_met(events):
    found = list(windows.stated_form(events))
    assert len(found) == 3
    for name, n_signal, our_n, ts, our_ts in found:
        assert our_n == pytest.approx(n_signal, rel=1e-3), name
        assert our_ts == pytest.approx(ts, rel=2e-3), name


def test_nusky_finds_the_flare_and_permuted_times_do_not(events):
    (stated_ts, stated_p), (own_ts, own_p) = windows.significance(events, 400)
    assert stated_ts == pytest.approx(12.900, rel=0.01)
    assert own_ts == pytest.approx(stated_ts, rel=0.1)
    assert max(stated_p, own_p) < 0.02
    steady = windows.nusky_form(events, None)
    flare = windows.nusky_form(events, Box(*windows.WINDOW))
    assert flare.fit(flare.data()).n_signal == pytest.approx(12.25, rel=0.1)
    assert steady.fit(steady.data()).ts < 2


def test_the_page_states_the_same(events, repository):
    page = (repository / "docs/validation/windows.md").read_text(encoding="utf-8")
    for name, _, n_signal, _, ts in windows.stated_form(events):
        assert f"| {name} |" in page
        assert f"{n_signal:.3f}" in page
        assert f"{ts:.3f}" in page
