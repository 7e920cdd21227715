import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.detector.effective_area import EffectiveArea
from nusky.detector.smearing import bin_number
from nusky.detector.spectrum import power_laws
from nusky.errors import PhysicsError
from nusky.likelihood.energy import (
    LOG10_ENERGY_EDGES,
    BackgroundAngErrShare,
    BackgroundEnergyDensity,
    ang_err_bin,
    energy_bin,
    signal_nodes,
    signal_share,
)
from tests import oracles
from tests import smearing_tables as tables

WIDTH = np.diff(LOG10_ENERGY_EDGES)


def signal_energy_density(area, smearing, dec, spectra, edges=LOG10_ENERGY_EDGES):
    """Of energy alone, per dex: (n_dec, n_spectra, n_bins)."""
    return signal_share(area, smearing, smearing.energy_matrix(edges), dec, spectra) / np.diff(edges)


def test_energies_beyond_the_edges_belong_to_the_outermost_bins():
    edges = np.array([1.0, 2.0, 3.0, 4.0])
    assert bin_number(edges, np.array([-5.0, 1.0, 1.99, 2.0, 4.0, 99.0])).tolist() == [0, 0, 0, 1, 2, 2]


class TestSignal:
    @pytest.mark.parametrize("gamma", [1.0, 2.0, 3.7])
    def test_closed_form(self, gamma):
        edges = np.array([2.0, 3.0, 4.0, 6.0])
        # the middle of the bin from 0 to 30 deg: the northern cells, the area between its second and third columns
        dec = np.arcsin([0.25])
        known = tables.toy_area()
        a = oracles.area_at(known.dec, known.area, dec[0])
        density = signal_energy_density(tables.toy_area(), tables.toy_smearing(), dec, power_laws(gamma), edges)[0, 0]

        def accepted(*parts):
            return sum(area * oracles.power_law(10**low, 10**high, gamma) for low, high, area in parts)

        low = accepted((2.0, 2.4, a[0]), (2.4, 2.8, a[1]), (2.8, 3.0, a[2]))
        high = accepted((3.0, 3.2, a[2]), (3.2, 3.6, a[3]), (3.6, 4.0, a[4]))
        expected = np.array([0.0, low + high / 2, high / 2]) / (low + high) / [1, 1, 2]
        np.testing.assert_allclose(density, expected, rtol=1e-12)

    def test_energy_range_of_the_flux(self):
        edges = np.array([2.0, 3.0, 4.0, 6.0])

        def density(limits=None):
            spectra = power_laws(2.0, limits)
            return signal_energy_density(tables.toy_area(), tables.toy_smearing(), np.arcsin([0.25]), spectra, edges)

        np.testing.assert_allclose(density((3.1, 3.5))[0, 0], [0, 0.5, 0.25], atol=1e-12)
        np.testing.assert_allclose(density((2.0, 2.9))[0, 0], [0, 1, 0], atol=1e-12)
        np.testing.assert_allclose(density((0.0, 9.0)), density(), rtol=1e-12)

    def test_between_the_centres_it_is_linear_and_beyond_them_constant(self):
        arguments = tables.toy_area(), tables.toy_smearing()
        sines = np.array([-1.0, -0.75, -0.25, 0.0, 0.25, 0.75, 0.9])  # centres at -0.75, -0.25, 0.25, 0.75
        density = signal_energy_density(*arguments, np.arcsin(sines), power_laws([2.0, 3.0]))
        np.testing.assert_allclose(density[3], (density[2] + density[4]) / 2, rtol=1e-12)
        np.testing.assert_allclose(density[0], density[1], rtol=1e-12)
        np.testing.assert_allclose(density[6], density[5], rtol=1e-12)
        assert not np.allclose(density[2], density[4])
        np.testing.assert_allclose(signal_nodes(*arguments), [-0.75, -0.25, 0.25, 0.75], atol=1e-12)

    @pytest.mark.parametrize("response", ["IC40", "IC59", "IC79", "IC86"])
    def test_it_is_normalised_and_continuous(self, validation_data, response):
        area, smearing = tables.public(validation_data, response)
        gammas = [1.0, 2.0, 3.0, 4.0]
        rng = np.random.default_rng(1)
        dec = np.concatenate([np.radians([-90, -5, 0, 90]), np.arcsin(rng.uniform(-1, 1, 200))])
        density = signal_energy_density(area, smearing, dec, power_laws(gammas))
        np.testing.assert_allclose((density * WIDTH).sum(axis=2), 1, atol=1e-12)
        assert density.min() >= 0
        edges = np.concatenate([area.dec[1:-1], smearing.dec[1:-1]])

        def largest_change(step_deg):
            step = np.radians(step_deg)
            below, above = (signal_energy_density(area, smearing, edges + s, power_laws(gammas)) for s in (-step, step))
            return np.abs(above - below).max() / density.max()

        assert largest_change(0.01) < 0.15
        assert largest_change(1e-4) < 0.15e-2
        assert largest_change(1e-6) < 0.15e-4

    @pytest.mark.parametrize(
        ("response", "dec_deg", "gamma"), [("IC86", 20.5, 2.0), ("IC86", 4.0, 3.2), ("IC40", -32, 2.5)]
    )
    def test_it_equals_drawing_from_the_rows(self, validation_data, response, dec_deg, gamma):
        """Neutrinos drawn one by one: an energy bin, E inside it, a row of the cell, E_reco inside the row's bin."""
        area, smearing = tables.public(validation_data, response)
        edges = np.unique(np.round(np.concatenate([area.dec, smearing.dec]), 9))
        # the middle in sin(dec) of the declination bin around dec_deg, where nothing is interpolated
        k = np.searchsorted(edges, np.radians(dec_deg)) - 1
        assert np.degrees(edges[k + 1] - edges[k]) > 0.5
        dec = np.arcsin((np.sin(edges[k]) + np.sin(edges[k + 1])) / 2)
        density = signal_energy_density(area, smearing, np.array([dec]), power_laws(gamma))[0, 0]
        rng, n = np.random.default_rng(4), 200_000
        column = np.searchsorted(area.dec, dec) - 1
        weights = [
            a * oracles.power_law(10**low, 10**high, gamma)
            for low, high, a in zip(area.log10_energy[:-1], area.log10_energy[1:], area.area[:, column], strict=True)
        ]
        chosen = rng.choice(len(weights), n, p=np.array(weights) / np.sum(weights))
        low, high = (10 ** area.log10_energy[chosen + side] for side in (0, 1))
        energy = (low ** (1 - gamma) + rng.random(n) * (high ** (1 - gamma) - low ** (1 - gamma))) ** (1 / (1 - gamma))
        cells = np.clip(np.floor((np.log10(energy) - 2) / 0.5).astype(int), 0, 13)
        band = np.searchsorted(smearing.dec, dec) - 1
        observed = np.zeros(len(WIDTH))
        for cell in np.unique(cells):
            number = smearing.served_by[band, cell]
            rows = np.arange(smearing.start[number], smearing.start[number + 1])
            drawn = rng.choice(rows, np.count_nonzero(cells == cell), p=smearing.fraction[rows])
            edge = smearing.log10_energy[drawn]
            observed += np.histogram(rng.uniform(edge[:, 0], edge[:, 1]), LOG10_ENERGY_EDGES)[0]
        expected = n * density * WIDTH
        used = expected > 10
        chi2 = ((observed - expected) ** 2 / np.maximum(expected, 1e-300))[used].sum()
        assert abs(chi2 - used.sum()) < 5 * np.sqrt(2 * used.sum())
        assert observed[expected < 1e-6].sum() == 0

    def test_a_declination_without_area_takes_its_neighbour(self):
        area = tables.toy_area()
        values = area.area.copy()
        values[:, 0] = 0.0
        blind = EffectiveArea(area.log10_energy, area.dec, values)
        density = signal_energy_density(blind, tables.toy_smearing(), np.arcsin([-0.75, -0.25]), power_laws(2.0))
        np.testing.assert_array_equal(density[0], density[1])

    def test_refusals(self):
        area, smearing = tables.toy_area(), tables.toy_smearing()
        with pytest.raises(PhysicsError, match=r"declination 20\.0 rad lies outside"):
            signal_energy_density(area, smearing, np.array([20.0]), power_laws(2.0))
        with pytest.raises(PhysicsError, match="X has no effective area in the whole energy range of the flux"):
            signal_energy_density(area, smearing, np.array([0.2]), power_laws(2.0, (5.0, 6.0)))


def kernel_density(log10_energy, sin_dec, at_energy, at_sin_dec, kernels):
    """The density by direct sums: every event its own Gaussian, mirrored at the ends of sin(dec)."""
    in_energy, in_sin_dec, adaptivity = kernels
    nodes = np.arange(-0.995, 1, 0.01)
    medians = np.array([np.median(log10_energy[np.abs(sin_dec - node) < 0.025]) for node in nodes])
    x = log10_energy - np.interp(sin_dec, nodes, medians)
    at_x = at_energy - np.interp(at_sin_dec, nodes, medians)

    def gauss(distance, width):
        return np.exp(-0.5 * (distance / width) ** 2) / (np.sqrt(2 * np.pi) * width)

    def along(width, of):
        return sum(gauss(of[:, None] - image, width) for image in (sin_dec, 2 - sin_dec, -2 - sin_dec))

    pilot = (gauss(x[:, None] - x, in_energy) * along(in_sin_dec, sin_dec)).sum(axis=1)
    wider = np.exp(-adaptivity * (np.log(pilot) - np.log(pilot).mean()))
    of_dec = along(in_sin_dec * wider, at_sin_dec)
    found = (gauss(at_x[:, None] - x, in_energy * wider) * of_dec).sum(axis=1) / of_dec.sum(axis=1)
    n = len(log10_energy)
    return (n * found + 1 / 8.5) / (n + 1)


class TestBackground:
    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(st.tuples(st.floats(-1, 12), st.floats(-1, 1)), min_size=1, max_size=50),
        st.floats(-1, 1),
    )
    def test_it_is_normalised_and_positive_everywhere(self, events, sin_dec):
        density = BackgroundEnergyDensity.of_events(*np.array(events).T)
        energies = np.arange(-20, 35, 0.002)
        found = density.at(energies, np.full(len(energies), sin_dec))
        assert found.min() > 0
        of_events = found - density.floor / 8.5
        assert of_events.sum() * 0.002 + density.floor == pytest.approx(1, abs=1e-4)

    def test_it_is_the_sum_of_the_events_kernels(self):
        rng = np.random.default_rng(3)
        n = 2000
        sin_dec = rng.uniform(-1, 1, n)
        log10_energy = 3.5 + 0.7 * np.tanh(8 * sin_dec) + rng.gamma(3.0, 0.2, n)
        kernels = (0.1, 0.06, 0.4)
        widened = (30_000 / n) ** (1 / 6)
        density = BackgroundEnergyDensity.of_events(log10_energy, sin_dec, kernels)
        at_sin_dec = rng.uniform(-1, 1, 500)
        at_energy = 3.5 + 0.7 * np.tanh(8 * at_sin_dec) + rng.uniform(0, 3.0, 500)
        used = (kernels[0] * widened, kernels[1] * widened, kernels[2])
        expected = kernel_density(log10_energy, sin_dec, at_energy, at_sin_dec, used)
        np.testing.assert_allclose(density.at(at_energy, at_sin_dec), expected, rtol=0.03, atol=2e-4)

    def test_density_ratios_of_background_average_to_one(self):
        """On the flank of a steep spectrum, where plain smoothing would make them too small."""
        rng = np.random.default_rng(11)
        log10_energy, sin_dec = 2.5 + rng.gamma(3.0, 1 / 7, 200_000), rng.uniform(-1, 1, 200_000)
        density = BackgroundEnergyDensity.of_events(log10_energy, sin_dec)
        signal = np.exp(-0.5 * ((LOG10_ENERGY_EDGES[:-1] + 0.05 - 3.3) / 0.15) ** 2)
        signal /= signal.sum() * 0.1
        ratio = signal[energy_bin(log10_energy)] / density.at(log10_energy, sin_dec)
        assert ratio.mean() == pytest.approx(1, abs=0.01)

    def test_declinations_without_events_have_those_of_the_nearest(self):
        rng = np.random.default_rng(4)
        density = BackgroundEnergyDensity.of_events(rng.normal(3, 0.2, 900), rng.uniform(0.3, 0.5, 900))
        energies = np.linspace(2, 4, 50)
        far, near = (density.at(energies, np.full(50, sin_dec)) for sin_dec in (-0.9, -0.2))
        np.testing.assert_array_equal(far, near)

    def test_it_recovers_the_distribution_the_data_come_from(self):
        rng = np.random.default_rng(6)
        n = 200_000
        sin_dec = rng.uniform(-1, 1, n)
        log10_energy = np.round(rng.normal(3.5 + 0.5 * sin_dec, 0.5), 2)  # as the releases give it
        density = BackgroundEnergyDensity.of_events(log10_energy, sin_dec)
        for s in (-0.99, -0.7, 0.0, 0.41):
            x = np.arange(2.5, 4.5, 0.005)
            true = np.exp(-((x - 3.5 - 0.5 * s) ** 2) / 0.5) / np.sqrt(2 * np.pi * 0.25)
            found = density.at(x, np.full(len(x), s))
            np.testing.assert_allclose(found[true > 0.2], true[true > 0.2], rtol=0.25)
            assert np.mean(found[true > 0.2] / true[true > 0.2]) == pytest.approx(1, abs=0.02)

    def test_it_has_no_jumps(self, validation_data):
        columns = np.loadtxt(validation_data / "icecube_10year_ps" / "events" / "IC86_I_exp.csv").T
        density = BackgroundEnergyDensity.of_events(columns[1], np.sin(np.radians(columns[4])))
        energies = np.linspace(2.0, 7.0, 500)
        for s in np.arange(-0.9975, 1, 0.0025):
            below, above = (density.at(energies + step, np.full(500, s + step)) for step in (-1e-8, 1e-8))
            np.testing.assert_allclose(above, below, rtol=1e-4)

    def test_events_that_join_tell_of_each_other_as_if_observed(self):
        """Against a density made anew: many of one energy and declination, rare and common ones, and none at all."""
        rng = np.random.default_rng(12)
        known = np.array([2.5 + rng.exponential(0.4, 30_000), rng.uniform(-1, 1, 30_000)])
        density = BackgroundEnergyDensity.of_events(*known)
        more = np.array([[3.0, 0.2], [5.4, 0.2], [5.5, 0.21], [5.5, 0.3], [6.9, -0.5], [6.95, -0.5], [7.5, 0.9]]).T
        joined = density.joined(*more)
        together = np.concatenate((known, more), axis=1)
        anew = BackgroundEnergyDensity.of_events(*together).left_out(*together)[-7:]
        np.testing.assert_allclose(joined[:6], anew[:6], rtol=0.15)
        assert joined[0] == pytest.approx(anew[0], rel=0.01)
        assert joined[0] == pytest.approx(density.at(*more)[0], rel=0.03)
        # Two near each other where no others are tell of each other; the last is alone and tells nothing.
        assert (joined[4:6] > 3 * density.at(*more)[4:6]).all()
        assert joined[6] == pytest.approx(density.at(*more)[6], rel=1e-6)
        assert not len(density.joined(np.empty(0), np.empty(0)))

    def test_an_event_left_out_has_the_density_that_the_others_make(self):
        n = 4000
        rng = np.random.default_rng(13)
        sin_dec = np.append(rng.uniform(-1, 1, n), [-1.0, 1.0, 0.6, -0.8])
        log10_energy = np.append(rng.normal(3.2, 0.4, n), [3.2, 3.3, 7.0, 1.0])
        density = BackgroundEnergyDensity.of_events(log10_energy, sin_dec)
        found, whole = density.left_out(log10_energy, sin_dec), density.at(log10_energy, sin_dec)
        common = np.argsort(np.abs(log10_energy - 3.2))[:6]
        for i in [*common, n, n + 1]:
            others = np.arange(len(sin_dec)) != i
            anew = BackgroundEnergyDensity.of_events(log10_energy[others], sin_dec[others])
            assert found[i] == pytest.approx(anew.at(log10_energy[[i]], sin_dec[[i]])[0], rel=0.06)
        assert ((found[n + 2 :] > 0) & (found[n + 2 :] < 0.05 * whole[n + 2 :])).all()

    def test_one_event_alone_leaves_the_floor(self):
        density = BackgroundEnergyDensity.of_events(np.array([3.0]), np.array([0.2]))
        assert density.left_out(np.array([3.0]), np.array([0.2]))[0] == pytest.approx(density.floor / 8.5)

    def test_declinations_that_another_stands_in_for_lose_nothing(self):
        """The density there is that of a declination with events, of which the event is no part."""
        rng = np.random.default_rng(14)
        log10_energy, sin_dec = np.append(rng.normal(3, 0.2, 5000), 3.0), np.append(rng.uniform(0.3, 0.5, 5000), -0.7)
        density = BackgroundEnergyDensity.of_events(log10_energy, sin_dec)
        alone = density.left_out(log10_energy, sin_dec)[-1]
        assert alone == pytest.approx(density.at(log10_energy[-1:], sin_dec[-1:])[0])

    def test_ratios_of_events_left_out_are_those_of_other_events(self):
        """Of few events: counted at themselves their ratios are far smaller than those of events yet to come."""
        rng = np.random.default_rng(15)

        def rare(density, events):
            chosen = (events[0] > 3.3) & (events[0] < 3.7)
            return (1 / density(*events))[chosen].sum() / len(chosen)

        left_out, other, counted = [], [], []
        for _ in range(8):
            events, others = ((2.5 + rng.gamma(3.0, 1 / 7, 5000), rng.uniform(-1, 1, 5000)) for _ in range(2))
            density = BackgroundEnergyDensity.of_events(*events)
            left_out.append(rare(density.left_out, events))
            counted.append(rare(density.at, events))
            other.append(rare(density.at, others))
        # The running median still counts each event; 0.4 dex is what the ratios of a true density add up to.
        assert np.mean(left_out) == pytest.approx(0.4, abs=0.02)
        assert np.mean(counted) < 0.38 < np.mean(left_out) < np.mean(other)

    def test_no_events(self):
        with pytest.raises(PhysicsError, match="no events: the background's energy density cannot be estimated"):
            BackgroundEnergyDensity.of_events(np.empty(0), np.empty(0))


class TestBackgroundAngErr:
    def test_the_shares_are_those_of_the_events(self):
        """Independent of energy and declination, so that neighbours and prior agree."""
        rng = np.random.default_rng(8)
        n = 1_500_000
        sin_dec, log10_energy = rng.uniform(-1, 1, n), rng.normal(3, 0.4, n)
        ang_err = np.radians(np.exp(rng.normal(np.log(0.8), 0.5, n)))
        shares = BackgroundAngErrShare.of_events(log10_energy, sin_dec, ang_err)
        table = shares.table
        np.testing.assert_allclose(table.sum(axis=2), 1, rtol=1e-12)
        assert table.min() > 0
        counts = np.bincount(ang_err_bin(ang_err), minlength=table.shape[2]) / n
        found = table[20, int(energy_bin(np.array([3.0]))[0])]
        np.testing.assert_allclose(found, counts, atol=0.01)
        at = shares.at(np.full(3, 3.0), np.array([-1.0, 0.3, 1.0]), np.radians([0.1, 0.5, 40]))
        np.testing.assert_allclose(at, counts[[0, 2, -1]], atol=0.015)

    def test_an_energy_without_events_has_the_band_s_distribution(self):
        rng = np.random.default_rng(9)
        n = 20_000
        sin_dec, log10_energy = rng.uniform(-1, 1, n), rng.normal(3, 0.2, n)
        ang_err = np.radians(np.exp(rng.normal(0, 0.5, n)))
        shares = BackgroundAngErrShare.of_events(log10_energy, sin_dec, ang_err)
        table = shares.table
        counts = np.bincount(ang_err_bin(ang_err), minlength=table.shape[2]) / n
        np.testing.assert_allclose(table[10, 70], counts, atol=0.06)

    def test_events_left_out_and_events_that_join(self):
        """Against shares made anew, without an event and with others."""
        rng = np.random.default_rng(10)
        n = 20_000
        sin_dec, log10_energy = rng.uniform(-1, 1, n), rng.normal(3, 0.4, n)
        ang_err = np.radians(np.exp(rng.normal(np.log(0.8), 0.5, n)))
        known = np.array([log10_energy, sin_dec, ang_err])
        made = BackgroundAngErrShare.of_events(*known)
        more = np.array([[3.0, 0.2, 0.01], [6.0, 0.2, 0.01], [6.1, 0.23, 0.01], [6.1, 0.23, 0.05], [7.9, -1.0, 0.1]]).T
        together = np.concatenate((known, more), axis=1)
        anew = BackgroundAngErrShare.of_events(*together)
        left_out = anew.left_out(*together)
        np.testing.assert_allclose(made.joined(*more), left_out[n:], rtol=0.02, atol=6e-4)
        np.testing.assert_allclose(made.joined(*more[:, :1]), made.at(*more[:, :1]), rtol=1e-12)
        for i in [*range(20), n + 1, n + 4]:
            others = np.delete(together, i, axis=1)
            expected = BackgroundAngErrShare.of_events(*others).at(*together[:, [i]])[0]
            assert left_out[i] == pytest.approx(expected, rel=0.01, abs=6e-4)
        assert left_out[n + 4] < 0.6 * anew.at(*together)[n + 4]
