"""The likelihood of sources, stacks and positions on a generated release, against all events and sources summed."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from nusky import config
from nusky.detector.configured import spectrum_of
from nusky.detector.spectrum import CutoffPowerLaw, PowerLaw, SourceSpectra, Spectrum, TabulatedSpectrum, power_laws
from nusky.errors import PhysicsError
from nusky.likelihood import energy
from nusky.releases import icecube_10yr, registry
from nusky.releases.generator import generate_release
from nusky.search.analysis import Analysis
from nusky.search.energy_range import central_energy_range
from nusky.search.excess_energy import excess_energies
from nusky.search.experiment import Experiment, Indices
from nusky.search.far_pairs import far_ratios
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Injector, Signal
from nusky.search.reach import LOST
from nusky.search.season import SeasonEvents
from nusky.search.skymap.model import SkyModel
from nusky.search.sources import Sources
from nusky.search.trials import stream
from tests import oracles

SEASONS = ("IC79", "IC86_I", "IC86_II")
GAMMA = np.array([2.5])


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    root = tmp_path_factory.mktemp("generated") / "release"
    release = registry.find("icecube-10yr")
    seasons = release.select(list(SEASONS))
    generate_release(root, release, seasons, seed=3, event_fraction=0.2)
    return icecube_10yr.read(root, release, seasons, check_counts=False)


def build(tables, with_energy):
    smearings = tables.smearing if with_energy else tables.smearing.slice(0, 0)
    events = [tables.events[name] for name in SEASONS]
    return Analysis.of_tables(tables.seasons, events, tables.effective_area, smearings)


@pytest.fixture(scope="module")
def full(tables):
    return build(tables, with_energy=True)


@pytest.fixture(scope="module")
def spatial(tables):
    return build(tables, with_energy=False)


def far_of(analysis, sources, shares, cut):
    """Sum of the far ratios of each season at GAMMA, as nusky has it; without `cut` of what is far in any case."""
    table, extension = np.arange(len(sources)), sources.extension
    density = analysis.signal_densities(sources.dec, power_laws(GAMMA)) * (np.arange(6)[:, None] >= (0 if cut else 5))
    where = sources.dec, extension, table
    return far_ratios(analysis.seasons, analysis.response_numbers, where, analysis.widths, density, shares)[:, 0]


def brute_force(analysis, sources, n_signal, rest=None):
    """2 ln L(n_s)/L(0) from every event and every source at GAMMA, and how far it scatters with the far pairs.

    With `rest`, (n_seasons,) numbers of events for each of `n_signal`, far pairs enter by their mean, as nusky has
    them: shared by these events. Otherwise as they are.
    """
    cut = rest is not None
    expected = analysis.expected(sources.dec, power_laws(GAMMA))[:, 0] * sources.weights
    share = expected.sum(axis=1) / expected.sum()
    density = analysis.signal_densities(sources.dec, power_laws(GAMMA))[..., :-1, 0]
    numbers = analysis.response_numbers
    omega = expected / expected.sum(axis=1, keepdims=True)
    by_response = np.stack([omega[np.argmax(numbers == r)] for r in range(len(density))])
    far = far_of(analysis, sources, by_response[..., None], cut)
    total, squares = np.zeros((2, len(n_signal)))
    for k, season in enumerate(analysis.seasons):
        psi = oracles.separation(season.ra[:, None], season.dec[:, None], sources.ra, sources.dec)
        near = 4 * np.sin(psi / 2) ** 2 <= season.near[:, None] + 16 * sources.extension**2
        r, of_far = np.zeros((2, len(season)))
        for m, width in enumerate(analysis.widths):
            variance = (width * season.ang_err[:, None]) ** 2 + sources.extension**2
            signal = psi / np.maximum(np.sin(psi), 1e-300) * np.exp(-(psi**2) / 2 / variance) / (2 * np.pi * variance)
            signal = signal * density[numbers[k], :, season.bin, m]
            r += np.where(near | (not cut), signal, 0.0) @ omega[k]
            of_far += np.where(near, 0.0, signal) @ omega[k]
        for i, n in enumerate(n_signal):
            x = n * share[k] / len(season)
            total[i] += oracles.log_ratio(r * season.inverse_background, x)
            sharing = rest[i][k] if cut else len(season)
            total[i] += sharing * np.log1p(x / (1 - x) * far[k] / sharing)
            squares[i] += x**2 * np.sum((of_far * season.inverse_background) ** 2)
    return 2 * total, 2 * np.sqrt(squares)


N_SIGNAL = np.array([0.5, 8.0, 60.0, 900.0])
"""The last ones lie beyond the first bounds of the series, of a source and of a stack."""


def check(analysis, sources):
    hypothesis = Hypothesis.of(analysis, sources, power_laws(GAMMA))
    found = hypothesis.profile_likelihood(GAMMA, N_SIGNAL)[0]
    likelihood = hypothesis.with_gammas(GAMMA).likelihood(hypothesis.data())
    large = [np.bincount(likelihood._up_to(n)[1], minlength=len(analysis.seasons)) for n in N_SIGNAL]
    exact, _ = brute_force(analysis, hypothesis.sources, N_SIGNAL, analysis.n_events - large)
    np.testing.assert_allclose(found, exact, rtol=3e-6, atol=3e-6)  # what a pair adds is in single precision
    near = N_SIGNAL < 100
    every, scatter = brute_force(analysis, hypothesis.sources, N_SIGNAL[near])
    assert (np.abs(found[near] - every) < 4 * scatter + 1e-3 * np.abs(every)).all()


@pytest.mark.parametrize("kind", ["full", "spatial"])
@pytest.mark.parametrize(
    ("dec_deg", "extension_deg"), [(5.7, 0.0), (-40.0, 0.0), (22.0, 1.0), (89.0, 0.5), (-89.9, 0.0)]
)
def test_a_source_has_the_likelihood_of_every_event_summed(kind, dec_deg, extension_deg, request):
    sources = Sources.of(1.3, np.radians(dec_deg), np.radians(extension_deg))
    check(request.getfixturevalue(kind), sources)


@pytest.fixture(scope="module")
def catalogue():
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(0, 2 * np.pi, 12), np.arcsin(rng.uniform(-0.95, 0.999, 12))
    ra[0], dec[1], dec[2] = 0.001, np.radians(89.5), np.radians(-88.0)
    return Sources.of(ra, dec, np.radians(rng.uniform(0, 1.5, 12)), rng.uniform(0.1, 1, 12))


@pytest.mark.parametrize("kind", ["full", "spatial"])
def test_a_stack_has_the_likelihood_of_every_pair_summed(kind, catalogue, request):
    check(request.getfixturevalue(kind), catalogue)


@pytest.mark.parametrize("kind", ["full", "spatial"])
@pytest.mark.parametrize("width", [0.0, 0.01])
def test_a_source_and_a_position_of_the_map_agree(kind, width, request):
    analysis = request.getfixturevalue(kind)
    model = SkyModel(analysis, power_laws(np.linspace(1, 4, 13)))
    ra, dec = np.array([4.0, 0.001, 6.28]), np.array([0.3, -0.5, 1.2])
    found = model.fit(model.data(), ra, dec, model.known(dec, width), width)
    for i in range(3):
        source = Hypothesis.of(analysis, Sources.of(ra[i], dec[i], width), model.spectra)
        fit = source.fit(source.data())
        assert found.ts[i] == pytest.approx(fit.ts, abs=1e-8)
        assert found.n_signal[i] == pytest.approx(fit.n_signal, rel=1e-6, abs=1e-8)


def test_a_stack_of_equals_is_their_source(full):
    """Two sources in one place take the path of a stack."""
    source = Hypothesis.of(full, Sources.of(4.0, 0.3, 0.01), power_laws(np.linspace(1, 4, 13)))
    two = Hypothesis.of(full, Sources.of([4.0, 4.0], 0.3, 0.01, [3.0, 1.0]), source.spectra)
    assert two.fit(two.data()).ts == pytest.approx(source.fit(source.data()).ts, abs=1e-3)


def test_the_order_of_the_sources_does_not_matter(full, catalogue):
    order = np.random.default_rng(1).permutation(12)
    columns = (getattr(catalogue, name) for name in ("ra", "dec", "extension", "weights"))
    other = Sources.of(*(values[order] for values in columns))
    one, again = (Hypothesis.of(full, sources) for sources in (catalogue, other))
    assert one.fit().ts == pytest.approx(again.fit().ts, abs=1e-10)
    draws = [h.fit(h.scrambled(stream(1, "x", 3))).ts for h in (one, again)]
    assert draws[0] == pytest.approx(draws[1], abs=1e-10)


def test_the_fit_is_the_maximum_over_both_parameters(full):
    source = Hypothesis.of(full, Sources.of(2.0, 0.1))
    best = source.fit()
    assert best.converged
    surface = source.profile_likelihood(np.linspace(1, 4, 61), np.linspace(0, 40, 161))
    assert best.ts >= surface.max() - 1e-4
    assert best.ts == pytest.approx(surface.max(), abs=0.02)


def test_scrambled_skies_are_those_of_redrawn_right_ascensions(full, catalogue):
    """Drawing only what falls near a source, against drawing every event."""
    rng = np.random.default_rng(6)
    for sources in (Sources.of(1.0, 0.2), catalogue):
        hypothesis = Hypothesis.of(full, sources, power_laws(GAMMA))
        skies = [hypothesis.sky([2 * np.pi * rng.random(len(s)) for s in full.seasons]) for _ in range(400)]
        every = [hypothesis.fit(sky) for sky in skies]
        short = [hypothesis.fit(hypothesis.scrambled(stream(1, "test", t))) for t in range(400)]
        assert ks_2samp([f.ts for f in every], [f.ts for f in short]).pvalue > 1e-3
        assert ks_2samp([f.n_signal for f in every], [f.n_signal for f in short]).pvalue > 1e-3


def experiment(analysis, sources, seed=9, *keys, gamma=None):
    return Experiment.of(analysis, sources, Indices.choose(gamma, [2.0, 3.0], with_energy=True), seed, keys)


def test_trials_do_not_depend_on_the_batch(full):
    source = Sources.of(1.0, 0.2)
    known = experiment(full, source, 9, "batch")
    once = known.background(range(60))
    parts = [known.background(range(first, first + 20)) for first in (40, 0, 20)]
    np.testing.assert_array_equal(once, np.concatenate([parts[1], parts[2], parts[0]]))
    assert once.shape == (60, 1, 3)
    for other in (experiment(full, source, 10, "batch"), experiment(full, source, 9, "other"), known.named("more")):
        assert (other.background(range(60))[..., 2] != once[..., 2]).any()


def test_streams_depend_on_every_key():
    draws = {stream(*keys).random() for keys in ((1, "a", 0), (1, "a", 1), (1, "b", 0), (2, "a", 0), (1, "a"))}
    assert len(draws) == 5
    assert stream(1, "a", 0).random() == stream(1, "a", 0).random()


def test_injected_events_raise_n_and_find_the_index(full):
    source = Sources.of(1.0, np.radians(15))
    signal = Signal.of(full, source, PowerLaw(2.0))
    fits = experiment(full, source).injected(signal, 40.0, 60, "signal")[:, 0]
    assert fits[:, 0].mean() == pytest.approx(40, rel=0.15)
    assert np.nanmean(fits[:, 1]) == pytest.approx(2.0, abs=0.1)
    assert np.median(fits[:, 2]) > 25


@pytest.mark.parametrize("gamma", [2.0, 2.5, 3.0])
def test_the_number_of_injected_events_is_found(full, gamma):
    source = Sources.of(1.0, np.radians(15))
    signal = Signal.of(full, source, PowerLaw(gamma))
    ratio = experiment(full, source).injected(signal, 100.0, 80, "spread")[:, 0, 0].mean() / 100
    assert ratio == pytest.approx(1, abs=0.08)


def test_an_injected_sky_is_the_sky_with_those_events(full, catalogue):
    hypothesis = Hypothesis.of(full, catalogue, power_laws(GAMMA))
    events = Injector(full)(np.random.default_rng(3), Signal.of(full, catalogue, PowerLaw(2.0)), 50.0)
    sky = hypothesis.injected(hypothesis.data(), events)
    added = [len(season) for season in events]
    assert sum(added) > 20
    np.testing.assert_array_equal(sky.n_events, full.n_events + added)
    assert hypothesis.fit(sky).n_signal > hypothesis.fit(hypothesis.data()).n_signal + 20


def test_a_source_crossing_a_declination_edge_changes_continuously(full):
    edge = np.degrees(full.areas["IC79"].dec[20])
    below, above = (full.signal_densities(np.radians([edge + d]), power_laws(GAMMA)) for d in (-0.01, 0.01))
    np.testing.assert_allclose(below, above, rtol=0.05, atol=1e-4)


def test_no_more_is_far_than_is_said(full):
    """The part of the sum of the squared ratios, of all pairs of a source on average, that lies beyond the reach."""
    for gamma in (2.0, 3.0):
        dec = np.radians([10.0])
        density = full.signal_densities(dec, power_laws(gamma))[..., :-1, 0]
        for k, season in enumerate(full.seasons):
            band = np.abs(np.sin(season.dec) - np.sin(dec)) < 0.05
            radius, grid = np.arcsin(np.sqrt(season.near[band]) / 2) * 2, np.radians(np.geomspace(0.01, 60, 300))
            signal = np.zeros((band.sum(), len(grid)))
            for m, width in enumerate(full.widths):
                variance = (width * season.ang_err[band, None]) ** 2
                own = density[full.response_numbers[k], 0, season.bin[band], m][:, None]
                signal += own * np.exp(-(grid**2) / 2 / variance) / (2 * np.pi * variance)
            content = (signal * season.inverse_background[band, None]) ** 2 * grid * np.gradient(grid)
            lost = np.where(grid > radius[:, None], content, 0.0).sum() / content.sum()
            assert lost < 3 * LOST


def test_events_use_the_floor_of_the_angular_error():
    dec = np.random.default_rng(1).uniform(-1, 1, 100)
    season = SeasonEvents.of_data(("A", "A", 1.0), dec, dec, np.full(100, 1e-6), np.full(100, 3.0))
    assert season.ang_err.min() == np.radians(0.2)
    assert set(season.bin) == {energy.energy_bin(np.array([3.0]))[0] * (len(energy.ANG_ERR_EDGES) - 1)}


def test_impossible_hypotheses_are_refused():
    with pytest.raises(PhysicsError, match=r"outside|no width from 0 to pi"):
        Sources.of(1.0, 2.0)
    with pytest.raises(PhysicsError, match="no source of the stack has a weight"):
        Sources.of(np.ones(2), np.zeros(2), 0.0, np.zeros(2))


def hot_spot(analysis):
    """A source where events lie close together, so that there is a signal."""
    season = analysis.seasons[-1]
    band = np.flatnonzero(np.abs(season.dec - 0.3) < 0.1)
    psi = oracles.separation(season.ra[band][:, None], season.dec[band][:, None], season.ra[band], season.dec[band])
    k = band[np.argmax(np.exp(-0.5 * (psi / 0.01) ** 2).sum(axis=0))]
    return Sources.of(season.ra[k], season.dec[k])


def test_power_laws_keep_their_closed_forms_everywhere(full, catalogue, monkeypatch):
    """No quadrature in fits, injection or energy ranges; and however one is asked for, the numbers are the same."""
    free, source = spectrum_of(config.Spectrum()), hot_spot(full)
    assert free == PowerLaw(2.0)

    def refused(*_):
        raise AssertionError("a power law is integrated numerically")

    monkeypatch.setattr(Spectrum, "_by_quadrature", refused)
    monkeypatch.setattr(Spectrum, "_inverse", refused)
    own = SourceSpectra.of([PowerLaw(2.0 + 0.1 * j) for j in range(len(catalogue))], catalogue.weights)
    for sources, spectrum in ((source, None), (source, free), (catalogue, own)):
        hypothesis = Hypothesis.of(full, sources, spectrum)
        fit = hypothesis.fit()
        if spectrum is None:
            first = fit
        elif spectrum is free:
            assert fit == first
        injected = hypothesis.spectra[4]
        drawn = Injector(full)(np.random.default_rng(1), Signal.of(full, hypothesis.sources, injected), 50.0)
        assert sum(map(len, drawn)) > 20
        if spectrum is own:
            continue  # a range of energies is one of their sum, which is no power law
        where = full.areas, full.responses, full.livetimes_s, hypothesis.sources.dec
        low, high = central_energy_range(*where, injected, hypothesis.sources.weights)
        assert low < high
        excess_energies(hypothesis.with_spectra([injected]), 5.0, injected.parameter)
    with pytest.raises(AssertionError, match="integrated numerically"):
        Hypothesis.of(full, source, CutoffPowerLaw(2.0, 1e5))


@pytest.mark.parametrize("alone", [True, False])
def test_a_tabulated_power_law_is_the_power_law(full, catalogue, alone):
    sources = hot_spot(full) if alone else catalogue
    energy_gev = np.geomspace(10.0, 1e10, 40)
    table = TabulatedSpectrum.of(energy_gev, 3e-9 * (energy_gev / 1e5) ** -2.5)
    exact, tabulated = (Hypothesis.of(full, sources, [spectrum]).fit() for spectrum in (PowerLaw(2.5), table))
    assert tabulated.n_signal == pytest.approx(exact.n_signal, rel=1e-6, abs=1e-6)
    assert tabulated.ts == pytest.approx(exact.ts, rel=1e-6, abs=1e-6)


def test_a_cutoff_that_nothing_reaches_changes_nothing(full):
    source = hot_spot(full)
    free, cut = (Hypothesis.of(full, source, spectrum).fit() for spectrum in (None, CutoffPowerLaw(2.0, 1e12)))
    assert free.ts > 1
    assert cut.ts == pytest.approx(free.ts, rel=1e-5)
    assert cut.gamma == pytest.approx(free.gamma, abs=1e-4)


OWN = [CutoffPowerLaw(1.8 + 0.1 * j, 10 ** (4 + 0.2 * j), fit="") for j in range(10)] + [
    PowerLaw(2.5, log10_limits=(3.0, 4.2), fit=""),
    PowerLaw(3.0, fit=""),
]


def test_sources_with_spectra_of_their_own_keep_them(full, catalogue):
    """Expected events, energy densities and shares of the signal, each source by itself."""
    spectra = SourceSpectra.of(OWN, catalogue.weights)
    stack = Hypothesis.of(full, catalogue, [spectra])
    order = np.argsort(catalogue.dec, kind="stable")
    assert stack.spectra[0].own == tuple(OWN[j] for j in order)
    made = stack.signal
    for place, j in enumerate(order):
        dec = catalogue.dec[[j]]
        alone = full.expected(dec, [OWN[j]])[:, 0, 0] * catalogue.weights[j]
        np.testing.assert_allclose(stack.per_source[:, 0, place], alone, rtol=1e-12)
        own = full.signal_densities(dec, [OWN[j]])[:, 0]
        np.testing.assert_allclose(made.density[:, made.table[place]], own, rtol=1e-6, atol=1e-12)
    signal = Signal.of(full, catalogue, spectra)
    np.testing.assert_allclose(signal.share[:, order], stack.per_source[:, 0] / stack.expected.sum(), rtol=1e-12)
    assert signal.spectra == tuple(OWN)


def test_only_sources_of_one_spectrum_share_a_table(full):
    """At one declination, with more sources than have tables of their own, and on a grid of spectra."""
    soft, cut = PowerLaw(3.0), CutoffPowerLaw(2.0, 1e5)
    for n in (4, 300):
        sources = Sources.of(np.linspace(0.0, 1.0, n), 0.2)
        spectra = SourceSpectra.of([soft, cut] * (n // 2), sources.weights)
        stack = Hypothesis.of(full, sources, [spectra.at(gamma) for gamma in (2.0, 3.0)])
        made = stack.signal
        assert made.density.shape[1] == 2
        assert np.array_equal(made.table == made.table[0], np.arange(n) % 2 == 0)
        near = 0.2 if n == 4 else np.radians(round(np.degrees(0.2) * 2) / 2)
        for place, spectrum in enumerate((soft, cut)):
            own = full.signal_densities([near], [spectrum.at(2.0), spectrum.at(3.0)])[:, 0]
            np.testing.assert_allclose(made.density[:, made.table[place]], own, rtol=1e-6, atol=1e-12)
    with pytest.raises(PhysicsError, match="2 spectra for 300 sources"):
        Hypothesis.of(full, sources, [SourceSpectra.of([soft, cut], [1.0, 1.0])])


def test_spectra_that_are_all_the_same_are_the_common_one(full, catalogue):
    same = SourceSpectra.of([PowerLaw(2.2)] * len(catalogue), catalogue.weights)
    one, each = (Hypothesis.of(full, catalogue, spectrum) for spectrum in (PowerLaw(2.2), same))
    assert each.gammas.tolist() == one.gammas.tolist()
    assert each.fit().ts == pytest.approx(one.fit().ts, abs=1e-9)
    assert each.fit().gamma == pytest.approx(one.fit().gamma, abs=1e-9)


def test_injected_events_of_different_spectra_are_found(full, catalogue):
    """The mean n_s over skies with 60 events, fitted with the spectra that they were drawn from."""
    spectra = SourceSpectra.of(OWN, catalogue.weights)
    found = Experiment(Hypothesis.of(full, catalogue, [spectra]), False, 5, ("own",))
    fits = found.injected(Signal.of(full, catalogue, spectra), 60.0, 60)[:, 0]
    assert fits[:, 0].mean() == pytest.approx(60.0, rel=0.15)
    assert fits[:, 1].tolist() == [0.0] * 60
