"""Energies behind an excess, on a generated release: against injected events, and the sums they must have."""

import numpy as np
import pytest

from nusky.detector.spectrum import PowerLaw
from nusky.search.analysis import Analysis
from nusky.search.contributions import contributions
from nusky.search.energy_range import quantiles, signal_energy_quantiles
from nusky.search.excess_energy import energy_contents, excess_energies
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Injector, Signal, TrueEnergies
from nusky.search.sources import Sources
from nusky.search.trials import stream

GAMMA, NORTH = 2.0, Sources.of(1.0, 0.3)


def build(tables, with_energy=True):
    smearings = tables.smearing if with_energy else tables.smearing.slice(0, 0)
    return Analysis.of_tables(tables.seasons, list(tables.events.values()), tables.effective_area, smearings)


@pytest.fixture(scope="module")
def analysis(one_season):
    return build(one_season)


def sky_of(hypothesis, spectrum, n):
    """A scrambled sky with n expected events of the spectrum."""
    analysis, rng = hypothesis.analysis, stream(5, "excess")
    events = Injector(analysis)(rng, Signal.of(analysis, hypothesis.sources, spectrum), n)
    return hypothesis.injected(hypothesis.scrambled(rng), events)


def test_the_energies_add_up_to_the_events(analysis):
    sources = Sources.of([1.0, 1.1, 4.0], [0.3, -0.2, 0.3], [0.0, 0.01, 0.0], [1.0, 2.0, 0.5])
    hypothesis, n = Hypothesis.of(analysis, sources, PowerLaw(GAMMA)), 6.0
    _, signal, ts = energy_contents(hypothesis, n, GAMMA)
    events = contributions(hypothesis, n, GAMMA, 1e-9)
    assert signal.sum() == pytest.approx(events.weight.sum(), rel=1e-3)
    assert ts.sum() == pytest.approx(events.ts[events.ts > 0].sum(), rel=2e-3)


def test_signal_of_some_energies_is_found_there(analysis):
    """Signal of a narrow range, fitted with a spectrum of all energies; the smearing decides how far it is told."""
    hypothesis, spectrum = Hypothesis.of(analysis, NORTH, PowerLaw(GAMMA)), PowerLaw(GAMMA)
    steady = analysis.areas, analysis.responses, analysis.livetimes_s, NORTH.dec, spectrum
    expected = signal_energy_quantiles(*steady, [0.16, 0.5, 0.84])
    above, below = (
        energy_contents(hypothesis, 60.0, GAMMA, sky_of(hypothesis, PowerLaw(GAMMA, log10_limits=limits), 60))
        for limits in ((5.5, 6.0), (3.0, 3.5))
    )
    for content in (1, 2):
        found = quantiles(above[content], above[0], spectrum, [0.16, 0.5, 0.84])
        assert (found - expected > [0.3, 0.4, 0.3]).all()
        assert found[1] < 6.0
        assert found[2] < 6.5
        found = quantiles(below[content], below[0], spectrum, [0.16, 0.5, 0.84])
        assert (expected - found > [0.1, 0.3, 0.4]).all()


def test_on_average_the_energies_are_those_of_the_injected_events(analysis):
    """With the true n_s and spectrum, the probabilities are right: over skies their mean is the true distribution."""
    hypothesis, n = Hypothesis.of(analysis, NORTH, PowerLaw(GAMMA)), 400.0
    edges, signal, _ = energy_contents(hypothesis, n, GAMMA, sky_of(hypothesis, PowerLaw(GAMMA), n))
    response = analysis.responses[0]
    energies = TrueEnergies.of(response, analysis.areas[response], NORTH, [PowerLaw(GAMMA)])
    drawn = energies.draw(stream(6, "true"), np.zeros(20000, int))
    shares = [0.05, 0.16, 0.5, 0.84, 0.95]
    assert quantiles(signal, edges, PowerLaw(GAMMA), shares) == pytest.approx(np.quantile(drawn, shares), abs=0.25)
    assert signal.sum() == pytest.approx(n, rel=0.15)


def test_no_neutrino_has_no_energy(analysis):
    response, own = analysis.responses[0], [PowerLaw(2.0), PowerLaw(3.0)]
    energies = TrueEnergies.of(response, analysis.areas[response], Sources.of([1.0, 2.0], 0.4), own)
    assert not len(energies.draw(stream(6, "none"), np.zeros(0, int)))


def test_without_energies_the_spectrum_decides(one_season):
    analysis = build(one_season, with_energy=False)
    found = excess_energies(Hypothesis.of(analysis, NORTH, PowerLaw(GAMMA)), 4.0, GAMMA)
    steady = analysis.areas, analysis.responses, analysis.livetimes_s, NORTH.dec, PowerLaw(GAMMA)
    expected = 10 ** signal_energy_quantiles(*steady, [0.16, 0.84, 0.05, 0.95])
    for of in ("signal", "ts"):
        names = [f"{of}_energy_{end}{content}_gev" for content in (68, 90) for end in ("min", "max")]
        assert [found[name] for name in names] == pytest.approx(expected, rel=0.05)


def test_no_signal_has_no_energies(analysis):
    hypothesis = Hypothesis.of(analysis, NORTH, PowerLaw(GAMMA))
    assert np.isnan(list(excess_energies(hypothesis, 0.0, float("nan")).values())).all()
