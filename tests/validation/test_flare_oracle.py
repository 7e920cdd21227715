"""The comparison of flares with SkyLLH, at a small size and with numbers in its place that are known."""

import json

import pytest

from nusky.detector.spectrum import power_laws
from nusky.search.hypothesis import Hypothesis
from validation import flare_oracle


@pytest.mark.slow
def test_flares_are_added_and_compared(tmp_path):
    flare_oracle.prepare(tmp_path, 0.2, 3)
    flares = json.loads((tmp_path / "flares.json").read_text())["flares"]
    analysis = flare_oracle.read(tmp_path)
    ours = [flare_oracle.fits(analysis, flare) for flare in flares]
    for flare, found in zip(flares, ours, strict=True):
        # Four widths hold 95 % of the events, on a background that is a fifth of the real one.
        assert 0.4 * flare_oracle.N_EXPECTED < found["n_signal"] < 1.8 * flare_oracle.N_EXPECTED
        assert flare_oracle.same(flare, found)
        assert found["em_ts"] > 20
    other = [ours[0], ours[1] | {"ts": 1.3 * ours[1]["ts"]}, ours[2] | {"centre": ours[2]["centre"] + 150}]
    # Energies that say nothing, of all events: what is left is the fit in space and time.
    spatial = flare_oracle.read(tmp_path, with_energy=False)
    (season,) = spatial.seasons
    events = [[season.ra.tolist(), season.dec.tolist(), [1.0] * len(season)]]
    other = [fit | {"events": events} for fit in other]
    outcome = {"version": "none", "fits": other, "box_trial_s": 0.1, "flare_trial_s": 2.0}
    (tmp_path / "skyllh.json").write_text(json.dumps(outcome))
    page = flare_oracle.compare(tmp_path, 20)
    assert "| known window: TS within 10 % | 2 | 3 |" in page
    for flare, own, fit in zip(flares, ours, other, strict=True):
        alone = Hypothesis.of(spatial, flare_oracle.source(flare, flare_oracle.window(flare)), power_laws(2.0)).fit()
        assert f"| {own['ts']:.2f} / {alone.ts:.2f} / {fit['ts']:.2f} |" in page
    assert "| unknown flare: nusky finds the injected one | 3 | 3 |" in page
    assert "| unknown flare: SkyLLH finds the injected one | 2 | 3 |" in page
    assert "| unknown flare: both find the same | 2 | 3 |" in page
