import functools
import itertools

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from nusky.detector import smearing
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import (
    BrokenPowerLaw,
    CutoffPowerLaw,
    LogParabola,
    PowerLaw,
    TabulatedSpectrum,
    power_laws,
)
from nusky.errors import PhysicsError
from nusky.likelihood.energy import LOG10_ENERGY_EDGES, signal_share
from nusky.search.injection import inject, true_energies
from nusky.search.sources import Sources
from tests import oracles
from tests import smearing_tables as tables

ONE = Sources.of(1.0, 0.1)


@functools.cache
def line_smearing(psf_deg=0.1):
    """Reconstructed energy = true energy to 0.1 in log10; one PSF angle, one AngErr."""
    steps = np.round(np.arange(2.0, 4.0, 0.1), 1)
    rows = [(e, e + 0.1, -90, 90, e, e + 0.1, psf_deg, psf_deg, 0.1, 0.1, 1.0) for e in steps]
    return smearing.from_table(tables.smearing_table(rows))["X"]


def draw(sources=ONE, expected=((1000.0,),), gamma=2.0, seed=1, psf_deg=0.1, limits=None):
    spectra = power_laws(np.full(len(sources), gamma), limits)
    return drawn(seed, sources, expected, {"X": tables.toy_area()}, {"X": line_smearing(psf_deg)}, spectra)


def drawn(seed, sources, expected, areas, smearings, spectra, responses=None):
    """`inject` with the response X in every season, or `responses`."""
    expected = np.asarray(expected, dtype=float)
    energies = true_energies(areas, sources, spectra)
    return inject(
        np.random.default_rng(seed), sources, expected, energies, smearings, responses or ["X"] * len(expected)
    )


def toy_area_at_the_source():
    """The toy area at 0.1 rad, in steps of 0.1 in log10 E_nu."""
    area = tables.toy_area()
    return np.repeat(oracles.area_at(area.dec, area.area, 0.1), 4)


def many_sources(n=60, extension_deg=0.0):
    rng = np.random.default_rng(0)
    return Sources.of(rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n)), np.radians(extension_deg))


class TestNumbers:
    def test_every_season_and_source_gets_its_share(self):
        sources = many_sources()
        expected = np.random.default_rng(1).uniform(20, 200, (3, 60))
        expected[1] *= 0.1
        counts = np.array([np.bincount(s["source"], minlength=60) for s in draw(sources, expected)])
        chi2 = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi2 - expected.size) < 4 * np.sqrt(2 * expected.size)
        assert (counts[:, -1] > 0).all()

    def test_numbers_are_poisson_and_nothing_expected_gives_nothing(self):
        totals = np.array([len(draw(expected=[[3.5]], seed=seed)[0]["ra"]) for seed in range(2000)])
        assert totals.mean() == pytest.approx(3.5, abs=4 * np.sqrt(3.5 / 2000))
        assert totals.var() == pytest.approx(3.5, rel=0.15)
        empty = draw(expected=[[0.0]])[0]
        assert {name: len(values) for name, values in empty.items()} == dict.fromkeys(
            ("ra", "dec", "ang_err", "log10_energy", "source"), 0
        )

    def test_seasons_with_their_own_responses_stay_in_order(self):
        other = smearing.from_table(tables.smearing_table([(2, 4, -90, 90, 7.0, 8.0, 1, 1, 2, 2, 1.0)], response="Y"))[
            "Y"
        ]
        areas, smearings = {"X": tables.toy_area(), "Y": tables.toy_area()}, {"X": line_smearing(), "Y": other}
        seasons = drawn(3, ONE, [[50.0], [500.0], [100.0]], areas, smearings, power_laws(2.0), ["X", "Y", "X"])
        assert [season["log10_energy"].max() > 5 for season in seasons] == [False, True, False]
        numbers = [len(season["ra"]) for season in seasons]
        np.testing.assert_allclose(numbers, [50, 500, 100], atol=4 * np.sqrt(500))
        assert numbers[0] < numbers[2] < numbers[1]

    def test_the_same_seed_gives_the_same_events(self):
        one, again, other = (draw(many_sources(), np.full((2, 60), 3.0), seed=s) for s in (5, 5, 6))
        for name, values in one[1].items():
            np.testing.assert_array_equal(values, again[1][name])
        assert not np.array_equal(one[1]["ra"], other[1]["ra"])


class TestEnergy:
    @pytest.mark.parametrize(("gamma", "limits"), [(1.0, None), (2.0, None), (3.5, None), (2.5, (2.5, 3.3))])
    def test_true_energies_follow_area_times_flux(self, gamma, limits):
        season = draw(expected=[[50_000.0]], gamma=gamma, limits=limits)[0]
        edges = np.linspace(2.0, 4.0, 21)
        flux = [oracles.power_law(10**low, 10**high, gamma) for low, high in itertools.pairwise(edges)]
        expected = toy_area_at_the_source() * flux
        if limits is not None:
            expected[(edges[:-1] < limits[0] - 1e-9) | (edges[1:] > limits[1] + 1e-9)] = 0.0
        observed = np.histogram(season["log10_energy"], edges)[0]
        assert observed[expected == 0].sum() == 0
        seen = expected > 0
        assert chisquare(observed[seen], expected[seen] / expected.sum() * observed.sum()).pvalue > 1e-3

    @pytest.mark.parametrize(("dec_deg", "gamma"), [(20.5, 2.0), (4.0, 3.0), (-32.0, 2.5)])
    def test_injected_energies_follow_the_signal_density(self, validation_data, dec_deg, gamma):
        area, found = tables.public(validation_data, "IC86")
        edges = np.unique(np.round(np.concatenate([area.dec, found.dec]), 9))
        k = np.searchsorted(edges, np.radians(dec_deg)) - 1
        dec = np.arcsin([(np.sin(edges[k]) + np.sin(edges[k + 1])) / 2])
        season = drawn(2, Sources.of(2.0, dec), [[100_000.0]], {"X": area}, {"X": found}, [PowerLaw(gamma)])[0]
        observed = np.histogram(season["log10_energy"], LOG10_ENERGY_EDGES)[0]
        matrix = found.energy_matrix(LOG10_ENERGY_EDGES)
        expected = observed.sum() * signal_share(area, found, matrix, dec, power_laws(gamma))[0, 0]
        used = expected > 10
        chi2 = ((observed - expected) ** 2 / np.maximum(expected, 1e-300))[used].sum()
        assert abs(chi2 - used.sum()) < 5 * np.sqrt(2 * used.sum())

    def test_angular_errors_have_the_floor_of_the_releases(self):
        np.testing.assert_allclose(draw()[0]["ang_err"], np.radians(0.2))


class TestDirections:
    @pytest.mark.parametrize("dec_deg", [-90.0, -89.99, 0.0, 60.0, 90.0])
    def test_the_psf_angle_is_exact_and_its_azimuth_uniform(self, dec_deg):
        source = Sources.of(0.01, np.radians(dec_deg))
        season = draw(source, [[5000.0]])[0]
        psi = oracles.separation(season["ra"], season["dec"], source.ra, source.dec)
        np.testing.assert_allclose(np.degrees(psi), 0.1, rtol=1e-6)
        east = np.cos(season["dec"]) * np.sin(season["ra"] - source.ra)
        north = np.sin(season["dec"] - source.dec) + np.sin(source.dec) * np.cos(season["dec"]) * (
            1 - np.cos(season["ra"] - source.ra)
        )
        assert kstest(np.arctan2(east, north) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3
        assert (season["ra"] >= 0).all()
        assert (season["ra"] <= 2 * np.pi).all()

    def test_an_extended_source_is_a_gaussian_on_the_sky(self):
        source = Sources.of(4.0, np.radians(50.0), np.radians(1.5))
        season = draw(source, [[20_000.0]], psf_deg=0.0)[0]
        psi = oracles.separation(season["ra"], season["dec"], source.ra, source.dec)
        assert kstest(np.degrees(psi) / 1.5, "rayleigh").pvalue > 1e-3


class TestSpectra:
    def test_every_source_has_its_own_index_and_range(self):
        own = (PowerLaw(1.0, log10_limits=(2.4, 2.8)), PowerLaw(3.0), PowerLaw(2.0, log10_limits=(3.5, 9.0)))
        sources = Sources.of([0.0, 1.0, 2.0], 0.1)
        areas, smearings = {"X": tables.toy_area()}, {"X": line_smearing()}
        season = drawn(8, sources, np.full((1, 3), 20_000.0), areas, smearings, own)[0]
        edges = np.linspace(2.0, 4.0, 21)
        area = toy_area_at_the_source()
        for j, spectrum in enumerate(own):
            low, high = spectrum.log10_limits
            ends = np.clip(edges, low, high)
            flux = [oracles.power_law(10**a, 10**b, spectrum.gamma) for a, b in itertools.pairwise(ends)]
            expected = area * flux
            observed = np.histogram(season["log10_energy"][season["source"] == j], edges)[0]
            seen = expected > 1e-9 * expected.max()
            assert observed[~seen].sum() == 0
            assert chisquare(observed[seen], expected[seen] / expected[seen].sum() * observed.sum()).pvalue > 1e-3


class TestRefusals:
    def test_a_source_that_cannot_be_seen(self):
        area = tables.toy_area()
        values = area.area.copy()
        values[:, 2] = 0.0
        sources = Sources.of(np.zeros(2), np.radians([0.0, 50.0]))
        arguments = (
            {"X": EffectiveArea(area.log10_energy, area.dec, values)},
            {"X": line_smearing()},
            power_laws([2.0, 2.0]),
        )
        with pytest.raises(
            PhysicsError, match=r"source number 2 at declination 50\.000 deg cannot be seen .* X, but 3"
        ):
            drawn(0, sources, [[2.0, 3.0]], *arguments)
        season = drawn(0, sources, [[200.0, 0.0]], *arguments)[0]
        assert set(season["source"]) == {0}

    @pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
    def test_expected_numbers_that_are_none(self, bad):
        with pytest.raises(PhysicsError, match="must be finite and not negative"):
            draw(expected=[[bad]])

    def test_shapes(self):
        with pytest.raises(PhysicsError, match=r"1 sources and 1 seasons do not fit .* shape \(1, 2\)"):
            draw(expected=[[1.0, 2.0]])
        with pytest.raises(PhysicsError, match="2 spectra for 1 sources"):
            true_energies({"X": tables.toy_area()}, ONE, power_laws([2.0, 3.0]))

    @pytest.mark.parametrize("bad", [(np.nan, 0, 0), (0, 2.0, 0), (0, 0, -0.1)])
    def test_sources_that_are_nowhere(self, bad):
        with pytest.raises(PhysicsError, match=r"outside|no width from 0 to pi"):
            draw(Sources.of(*bad))

    def test_release_without_smearing(self):
        with pytest.raises(PhysicsError, match="the release has no smearing table for X, so signal events cannot be"):
            drawn(0, ONE, [[1.0]], {"X": tables.toy_area()}, {}, power_laws(2.0))


class Recorder:
    """A smearing that keeps the true energies."""

    def enu_cell(self, log10_enu):
        self.log10_enu = log10_enu
        return np.zeros(len(log10_enu), dtype=int)

    def dec_cell(self, dec):
        return np.zeros(len(dec), dtype=int)

    def sample(self, rng, enu_cell, dec_cell, n, floor):
        return np.zeros(n), np.full(n, 0.01), np.full(n, 0.01)


@pytest.mark.parametrize(
    "spectrum",
    [
        PowerLaw(2.0),
        CutoffPowerLaw(1.0, 3e4),
        BrokenPowerLaw(1.0, 4.0, 2e4, 5.0),
        LogParabola(3.0, 0.5),
        TabulatedSpectrum.of([5e2, 5e3, 2e4, 1e6], [1.0, 0.5, 1e-3, 1e-7]),
    ],
    ids=lambda spectrum: spectrum.NAME,
)
def test_true_energies_follow_the_effective_area_times_the_spectrum(spectrum):
    edges = np.arange(2.0, 7.01, 0.5)
    area = EffectiveArea(edges, np.radians([-90.0, 90.0]), np.geomspace(1.0, 1e4, 10)[:, None])
    recorder = Recorder()
    drawn(4, ONE, [[1e5]], {"X": area}, {"X": recorder}, [spectrum])
    fine = np.arange(2.0, 7.01, 0.05)
    expected = spectrum.integrals(fine) * np.repeat(area.area[:, 0], 10)
    expected *= len(recorder.log10_enu) / expected.sum()
    seen = expected > 10
    counts = np.histogram(recorder.log10_enu, fine)[0]
    assert (
        chisquare([*counts[seen], counts[~seen].sum() + 1], [*expected[seen], expected[~seen].sum() + 1]).pvalue > 0.01
    )
