"""The generator of releases: layout, reproducibility, likeness to the real release, injected sources."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import ks_2samp, kstest

from nusky.config import InjectedSource
from nusky.errors import ConfigurationError, ReleaseError
from nusky.releases import generator, generator_model
from nusky.releases.generator import generate_events, generate_release, generate_uptimes, season_stream
from nusky.releases.registry import ICECUBE_3YR, ICECUBE_10YR

SEASONS = ICECUBE_10YR.select(["IC40", "IC86_I"])
RESPONSES = ["IC40", "IC59", "IC79", "IC86_I", "IC86_II"]
COLUMNS = ["mjd", "log10_energy_gev", "ang_err_deg", "ra_deg", "dec_deg", "azimuth_deg", "zenith_deg"]


def read(path):
    return np.loadtxt(path, ndmin=2)


def content(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generator") / "release"
    generate_release(folder, ICECUBE_10YR, SEASONS, seed=1, event_fraction=0.02)
    return folder


class TestLayout:
    def test_files(self, root):
        assert set(content(root)) == {
            "GENERATED.json",
            *(f"events/{s}_exp.csv" for s in ("IC40", "IC86_I")),
            *(f"uptime/{s}_exp.csv" for s in ("IC40", "IC86_I")),
            *(f"irfs/{r}_{kind}.csv" for r in ("IC40", "IC86_I") for kind in ("effectiveArea", "smearing")),
        }
        assert [p.name for p in root.parent.iterdir()] == ["release"]

    def test_generated_json(self, root):
        made = json.loads((root / "GENERATED.json").read_text())
        assert made["synthetic"] is True
        assert made["seed"] == 1
        assert made["release"] == "icecube-10yr"
        assert made["settings"] == {"seasons": ["IC40", "IC86_I"], "event_fraction": 0.02, "sources": []}

    def test_event_lines_are_fixed_width(self, root):
        header, *lines = (root / "events/IC40_exp.csv").read_text().splitlines()
        names = "# MJD[days] log10(E/GeV) AngErr[deg] RA[deg] Dec[deg] Azimuth[deg] Zenith[deg]"
        assert " ".join(header.split()) == names
        pattern = re.compile(r" +\d{5}\.\d{8} +\d\.\d\d +\d+\.\d\d( +-?\d+\.\d{3}){4}")
        assert {len(line) for line in lines} == {101}
        assert all(pattern.fullmatch(line) for line in lines)

    @pytest.mark.parametrize(
        ("name", "n_lines"),
        [("events/IC40_exp.csv", 2), ("uptime/IC40_exp.csv", 2), ("irfs/IC40_effectiveArea.csv", 2)],
    )
    def test_same_form_as_the_release(self, root, validation_data, name, n_lines):
        with open(validation_data / "icecube_10year_ps" / name) as real, open(root / name) as made:
            assert next(real) == next(made)
            for _, one, other in zip(range(n_lines), real, made, strict=False):
                assert re.sub(r"\d", "0", one)[:10] == re.sub(r"\d", "0", other)[:10]
                assert len(one) == len(other)

    def test_reread_events_equal_the_arrays(self, root):
        season = SEASONS[1]
        events = generate_events(season, season_stream(1, season), round(0.02 * season.n_events))
        np.testing.assert_array_equal(
            read(root / "events/IC86_I_exp.csv"), np.stack([events[name] for name in COLUMNS], axis=1)
        )

    def test_existing_folder_is_refused(self, root):
        with pytest.raises(ReleaseError, match=r"release: exists already\. Delete it"):
            generate_release(root, ICECUBE_10YR, SEASONS, seed=1, event_fraction=0.001)

    def test_failure_leaves_nothing(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError("no space left on device")

        monkeypatch.setattr(generator, "_write_smearing", full)
        with pytest.raises(OSError, match="no space left"):
            generate_release(tmp_path / "r", ICECUBE_10YR, SEASONS, seed=1, event_fraction=0.001)
        assert list(tmp_path.iterdir()) == []

    def test_three_year_seasons(self, tmp_path):
        generate_release(tmp_path / "r", ICECUBE_3YR, ICECUBE_3YR.seasons, seed=2, event_fraction=0.001)
        assert len(read(tmp_path / "r/events/IC86-2012_exp.csv")) == 105
        uptimes = read(tmp_path / "r/uptime/IC86-2012_exp.csv")
        assert np.all(uptimes[1:, 0] >= uptimes[:-1, 1])
        assert (tmp_path / "r/irfs/IC86-2012_smearing.csv").exists()

    @given(
        st.lists(st.integers(-99_999_999, 9_999_999_999), min_size=1, max_size=20),
        st.integers(0, 8),
        st.integers(12, 20),
    )
    def test_fixed_width_is_that_of_the_language(self, whole, decimals, width):
        values = np.array(whole) / 10.0**decimals
        lines = generator._fixed_width(values, width, decimals)
        assert [bytes(line).decode() for line in lines] == [f"{value:{width}.{decimals}f}" for value in values]

    @pytest.mark.parametrize("value", [1234.5, -123.4])
    def test_too_wide_a_number_is_refused(self, value):
        with pytest.raises(ReleaseError, match="does not fit into 5 characters with 1 decimals"):
            generator._fixed_width(np.array([1.0, value]), 5, 1)


class TestReproducibility:
    def test_same_seed_same_bytes(self, root, tmp_path):
        generate_release(tmp_path / "again", ICECUBE_10YR, SEASONS, seed=1, event_fraction=0.02)
        assert content(tmp_path / "again") == content(root)

    def test_other_seed_other_events(self, root, tmp_path):
        generate_release(tmp_path / "other", ICECUBE_10YR, SEASONS, seed=2, event_fraction=0.02)
        one, other = read(root / "events/IC40_exp.csv"), read(tmp_path / "other/events/IC40_exp.csv")
        assert len(one) == len(other)
        assert not np.any(one[:, 3] == other[:, 3])
        assert (tmp_path / "other/irfs/IC40_smearing.csv").read_bytes() == (
            root / "irfs/IC40_smearing.csv"
        ).read_bytes()

    def test_season_does_not_depend_on_the_others(self, root, tmp_path):
        generate_release(tmp_path / "alone", ICECUBE_10YR, SEASONS[1:], seed=1, event_fraction=0.02)
        alone, together = content(tmp_path / "alone"), content(root)
        shared = set(alone) - {"GENERATED.json"}
        assert len(shared) == 4
        assert all(alone[name] == together[name] for name in shared)

    def test_calls_do_not_disturb_the_stream(self):
        stream = season_stream(3, SEASONS[0])
        first = generate_events(SEASONS[0], stream, 50)
        generate_uptimes(SEASONS[0], stream)
        np.testing.assert_array_equal(first["ra_deg"], generate_events(SEASONS[0], stream, 50)["ra_deg"])


class TestBackground:
    @pytest.mark.parametrize("season", ICECUBE_10YR.seasons, ids=lambda season: season.name)
    def test_counts_and_ranges(self, season):
        events = generate_events(season, season_stream(5, season))
        start, stop = generate_uptimes(season, season_stream(5, season))
        assert list(events) == COLUMNS
        assert {len(column) for column in events.values()} == {season.n_events}
        assert np.all(np.diff(events["mjd"]) >= 0)
        run = np.searchsorted(start, events["mjd"], side="right") - 1
        assert np.all((run >= 0) & (events["mjd"] <= stop[run]))
        for name, low, high in (
            ("ra_deg", 0, 359.9995),
            ("azimuth_deg", 0, 359.9995),
            ("dec_deg", -90, 90),
            ("zenith_deg", 0, 180),
            ("ang_err_deg", 0.2, 20),
            ("log10_energy_gev", 1, 8),
        ):
            assert low <= events[name].min() <= events[name].max() <= high, name
        np.testing.assert_allclose(events["zenith_deg"], 90 + events["dec_deg"], atol=1.001e-3)

    def test_uniform_in_right_ascension_and_time(self):
        season = ICECUBE_10YR.season("IC86_II")
        events = generate_events(season, season_stream(6, season))
        assert kstest(events["ra_deg"] / 360, "uniform").pvalue > 1e-3
        assert kstest(events["azimuth_deg"] / 360, "uniform").pvalue > 1e-3
        start, stop = generate_uptimes(season, season_stream(6, season))
        run = np.searchsorted(start, events["mjd"], side="right") - 1
        elapsed = np.concatenate([[0], np.cumsum(stop - start)])[run] + events["mjd"] - start[run]
        assert kstest(elapsed / np.sum(stop - start), "uniform").pvalue > 1e-3

    @pytest.mark.parametrize("name", ["IC40", "IC79", "IC86_I"])
    def test_like_the_real_season(self, validation_data, name):
        """Largest distance of the cumulative distributions below 0.03 over the sky and 0.08 in each zone."""
        real = read(validation_data / f"icecube_10year_ps/events/{name}_exp.csv")
        season = ICECUBE_10YR.season(name)
        events = generate_events(season, season_stream(7, season))
        made = np.stack([events[column] for column in COLUMNS], axis=1)
        assert ks_2samp(real[:, 4], made[:, 4]).statistic < 0.012
        for column in (1, 2):
            assert ks_2samp(real[:, column], made[:, column]).statistic < 0.03
        for low, high in ((-90, -30), (-30, -5), (-5, 10), (10, 40), (40, 90)):
            zones = [table[(table[:, 4] >= low) & (table[:, 4] < high)] for table in (real, made)]
            for column in (1, 2):
                assert ks_2samp(*(zone[:, column] for zone in zones)).statistic < 0.08

    @pytest.mark.parametrize("response", RESPONSES)
    def test_density_is_normalised_and_positive(self, response):
        model = generator_model.event_model(response)
        assert model.density.min() > 0
        assert np.trapezoid(model.density, model.sin_dec) == pytest.approx(1, abs=1e-12)

    @pytest.mark.parametrize(("fraction", "expected"), [(0.001, 37), (0.5, 18_450), (2.0, 73_800)])
    def test_event_fraction(self, tmp_path, fraction, expected):
        generate_release(tmp_path / "r", ICECUBE_10YR, SEASONS[:1], seed=1, event_fraction=fraction)
        with open(tmp_path / "r/events/IC40_exp.csv") as lines:
            assert sum(1 for _ in lines) - 1 == expected

    def test_no_events(self):
        assert len(generate_events(SEASONS[0], season_stream(1, SEASONS[0]), 0)["mjd"]) == 0


class TestUptimes:
    @pytest.mark.parametrize("season", [*ICECUBE_10YR.seasons, *ICECUBE_3YR.seasons], ids=lambda season: season.name)
    def test_livetime_and_span(self, season):
        start, stop = generate_uptimes(season, season_stream(8, season))
        assert np.all(stop > start)
        assert np.all(start[1:] >= stop[:-1])
        assert np.sum(stop - start) * 86400 == pytest.approx(season.livetime_s, rel=1e-6)
        assert (stop[-1] - start[0]) * 86400 == pytest.approx(season.span_s, rel=1e-6)
        assert 7 < np.mean(stop - start) * 24 < 9

    @pytest.mark.parametrize("season", ICECUBE_10YR.seasons, ids=lambda season: season.name)
    def test_dates_of_the_real_season(self, validation_data, season):
        real = read(validation_data / f"icecube_10year_ps/uptime/{season.name}_exp.csv")
        start, stop = generate_uptimes(season, season_stream(8, season))
        assert start[0] == real[0, 0]
        assert stop[-1] == pytest.approx(real[-1, 1], abs=1e-6)


class TestDetector:
    @pytest.mark.parametrize("response", RESPONSES)
    def test_effective_area_like_the_real_one(self, validation_data, response):
        """Same bins; the median bin above 10^4 cm2 within 12 %; E^-2 acceptances of the sky within 10 % (median)."""
        real = read(validation_data / f"icecube_10year_ps/irfs/{response}_effectiveArea.csv")
        area = generator_model.effective_area(response)
        made = area.aeff.T.ravel()
        np.testing.assert_allclose(real[:, 0], np.tile(area.log10_enu_edges[:-1], 50), atol=1e-9)
        np.testing.assert_allclose(real[:, 2], np.repeat(np.degrees(area.dec_edges[:-1]), 40), atol=1e-9)
        large = (real[:, 4] > 1e4) & (made > 0)
        assert np.median(np.abs(np.log(made[large] / real[large, 4]))) < 0.12
        assert large.sum() > 0.95 * np.sum(real[:, 4] > 1e4)
        flux = 10 ** -real[:, 0] - 10 ** -real[:, 1]
        ratio = (made * flux).reshape(50, 40).sum(axis=1) / (real[:, 4] * flux).reshape(50, 40).sum(axis=1)
        assert abs(np.median(ratio) - 1) < 0.1
        assert 0.7 < ratio.min() < ratio.max() < 1.4
        assert np.mean(made[real[:, 4] == 0] < 1e3) > 0.95

    @pytest.mark.parametrize("gamma", [1.0, 2.0, 3.7])
    def test_acceptance_is_the_integral(self, gamma):
        area = generator_model.effective_area("IC79")
        k = 20
        low, high = 10 ** area.log10_enu_edges[k : k + 2]
        expected = area.aeff[k, 25] * quad(lambda energy: (energy / 1e5) ** -gamma, low, high, epsrel=1e-11)[0]
        assert area.acceptance(0.001, gamma)[k] == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("gamma", [1.0, 2.0, 3.0])
    def test_true_energies_follow_area_times_flux(self, gamma):
        area = generator_model.effective_area("IC86_I")
        log10_enu = area.sample_log10_enu(np.random.default_rng(1), 20_000, 0.5, gamma)
        aeff = area.aeff[:, np.searchsorted(area.dec_edges, 0.5) - 1]
        fine = np.linspace(2, 10, 80_001)
        middle = (fine[1:] + fine[:-1]) / 2
        weight = aeff[((middle - 2) / 0.2).astype(int)] * 10 ** (middle * (1 - gamma))
        cumulative = np.concatenate([[0], np.cumsum(weight)]) / weight.sum()
        assert kstest(log10_enu, lambda x: np.interp(x, fine, cumulative)).pvalue > 1e-3

    @pytest.mark.parametrize("response", RESPONSES)
    def test_smearing_file(self, tmp_path, response):
        season = next(season for season in ICECUBE_10YR.seasons if season.response == response)
        generate_release(tmp_path / "r", ICECUBE_10YR, [season], seed=1, event_fraction=0.001)
        path = tmp_path / f"r/irfs/{response}_smearing.csv"
        assert path.stat().st_size < 10e6
        table = read(path)
        edges = table[:, :10].reshape(-1, 5, 2)
        assert np.all(edges[..., 1] > edges[..., 0])
        assert edges[:, 3].min() > 0
        assert edges[:, 3].max() <= 180
        assert edges[:, 4].min() >= 0.2
        assert edges[:, 4].max() <= 180
        area = read(tmp_path / f"r/irfs/{response}_effectiveArea.csv")
        cells = {tuple(cell) for cell in table[:, [0, 1, 2, 3]]}
        assert len(cells) == 14 * 3
        for low, high, south, north in cells:
            rows = (table[:, 0] == low) & (table[:, 2] == south)
            reach = np.inf if high == 9.0 else high
            inside = (area[:, 0] < reach) & (area[:, 1] > low) & (area[:, 2] < north) & (area[:, 3] > south)
            has_area = np.any(area[inside, 4] > 0)
            assert table[rows, 10].sum() == pytest.approx(1 if has_area else 0, abs=1e-6)

    def test_smearing_draws_follow_the_table(self):
        """Draws of one cell against the sums of its fractions along each axis."""
        table = generator_model.smearing("IC86_II")
        rng = np.random.default_rng(2)
        n = 100_000
        energy, psf, ang_err = table.sample(rng, np.full(n, 5.25), 0.5)
        fraction = table.fraction[6, 2]
        for values, edges, expected in (
            (energy, table.log10_energy_edges[6, 2], fraction.sum(axis=(1, 2))),
            (psf, table.psf_edges[6, 2], fraction.sum(axis=(0, 2))),
        ):
            counts = np.histogram(values, edges)[0]
            assert counts.sum() == n
            assert np.sum((counts - n * expected) ** 2 / (n * expected)) < len(expected) + 5 * np.sqrt(
                2 * len(expected)
            )
        psf_bin = np.searchsorted(table.psf_edges[6, 2], psf) - 1
        counts = np.array([np.histogram(ang_err[psf_bin == k], table.ang_err_edges[6, 2, k])[0] for k in range(10)])
        expected = n * fraction.sum(axis=0)
        assert np.sum((counts - expected)[expected > 5] ** 2 / expected[expected > 5]) < 50 + 5 * 10
        assert np.corrcoef(np.log(psf), np.log(ang_err))[0, 1] > 0.1

    @pytest.mark.parametrize(("response", "name"), [("IC40", "IC40"), ("IC86_I", "IC86")])
    def test_smearing_like_the_real_one(self, validation_data, response, name):
        """Medians at 10^5.25 GeV north of 10 degrees: 0.1 in log10 E, 15 % in PSF and AngErr."""
        pandas = pytest.importorskip("pandas")
        real = pandas.read_parquet(validation_data / f"icetracks_dr2_irfs/{name}_smearing.parquet")
        real = real[(real["log10_Enu_min"] == 5.0) & (real["dec_nu_min_deg"] > 10)]
        weight = (
            real["fractional_counts"] * np.diff(np.sin(np.radians(real[["dec_nu_min_deg", "dec_nu_max_deg"]])))[:, 0]
        )
        drawn = generator_model.smearing(response).sample(np.random.default_rng(3), np.full(50_000, 5.25), 0.5)

        def median(column):
            middle = (
                real[f"{column}_min{'' if column == 'log10_E' else '_deg'}"]
                + real[f"{column}_max{'' if column == 'log10_E' else '_deg'}"]
            ) / 2
            order = np.argsort(middle.to_numpy())
            share = np.cumsum(weight.to_numpy()[order])
            return middle.to_numpy()[order][np.searchsorted(share, share[-1] / 2)]

        assert np.median(drawn[0]) == pytest.approx(median("log10_E"), abs=0.1)
        assert np.degrees(np.median(drawn[1])) == pytest.approx(median("psf"), rel=0.15)
        assert np.degrees(np.median(drawn[2])) == pytest.approx(median("ang_err"), rel=0.15)


class TestSources:
    def test_excess_around_the_source(self):
        season, stream = SEASONS[1], season_stream(9, SEASONS[1])
        source = InjectedSource(ra_deg=359.5, dec_deg=22.0, n_signal=900, gamma=2.0)
        plain = generate_events(season, stream)
        injected = generate_events(season, stream, sources=[source])
        assert len(injected["mjd"]) == len(plain["mjd"]) == season.n_events

        def near(events):
            ra, dec = np.radians(events["ra_deg"]), np.radians(events["dec_deg"])
            cosine = np.sin(dec) * np.sin(np.radians(22)) + np.cos(dec) * np.cos(np.radians(22)) * np.cos(
                ra - np.radians(359.5)
            )
            return cosine > np.cos(np.radians(5))

        background, inside = near(plain).sum(), near(injected)
        smearing = generator_model.smearing("IC86_I")
        rng = np.random.default_rng(0)
        dec = np.radians(22.0)
        log10_enu = generator_model.effective_area("IC86_I").sample_log10_enu(rng, 50_000, dec, 2.0)
        energy, psf, _ = smearing.sample(rng, log10_enu, dec)
        expected = 900 * np.mean(psf < np.radians(5))
        assert expected > 700
        assert inside.sum() - background == pytest.approx(expected, abs=4 * np.sqrt(expected + background))
        hard = energy > 4.5
        found = np.sum(injected["log10_energy_gev"][inside] > 4.5) - np.sum(
            plain["log10_energy_gev"][near(plain)] > 4.5
        )
        assert found == pytest.approx(900 * np.mean(hard & (psf < np.radians(5))), abs=4 * np.sqrt(900))

    def test_background_stays_the_same(self):
        season, stream = SEASONS[0], season_stream(9, SEASONS[0])
        source = InjectedSource(ra_deg=10, dec_deg=-80, n_signal=5)
        plain, injected = (generate_events(season, stream, 2000, sources) for sources in ([], [source]))
        shared = np.intersect1d(
            plain["ra_deg"] * 1e4 + plain["dec_deg"], injected["ra_deg"] * 1e4 + injected["dec_deg"]
        )
        assert 2000 - 20 < len(shared) < 2000

    def test_shares_are_livetime_times_acceptance(self):
        source = InjectedSource(ra_deg=0, dec_deg=40, n_signal=1, gamma=2.5)
        shares = generator.season_shares(source, SEASONS)
        acceptance = [
            generator_model.effective_area(s.response).acceptance(np.radians(40), 2.5).sum() * s.livetime_s
            for s in SEASONS
        ]
        assert shares.sum() == pytest.approx(1)
        assert shares[0] / shares[1] == pytest.approx(acceptance[0] / acceptance[1])
        assert shares[0] < shares[1]

    def test_number_over_all_seasons(self, tmp_path):
        """A source at the South Pole, where there is hardly any background within 3 degrees."""
        source = InjectedSource(ra_deg=0, dec_deg=-90, n_signal=400, gamma=2.0)
        seasons = ICECUBE_10YR.seasons
        for name, sources in (("with", [source]), ("without", [])):
            generate_release(tmp_path / name, ICECUBE_10YR, seasons, 4, event_fraction=0.01, sources=sources)
        tables = {
            name: np.concatenate([read(tmp_path / f"{name}/events/{s.name}_exp.csv") for s in seasons])
            for name in ("with", "without")
        }
        assert len(tables["with"]) == len(tables["without"]) == sum(round(s.n_events * 0.01) for s in seasons)
        polar = tables["with"][tables["with"][:, 4] < -87]
        excess = len(polar) - np.sum(tables["without"][:, 4] < -87)
        shares = generator.season_shares(source, seasons)
        rng = np.random.default_rng(0)
        contained = 0.0
        for season, share in zip(seasons, shares, strict=True):
            log10_enu = generator_model.effective_area(season.response).sample_log10_enu(rng, 4000, -np.pi / 2, 2.0)
            psf = generator_model.smearing(season.response).sample(rng, log10_enu, -np.pi / 2)[1]
            contained += share * np.mean(psf < np.radians(3))
        assert excess == pytest.approx(400 * contained, abs=4 * np.sqrt(400))
        assert kstest(polar[:, 3] / 360, "uniform").pvalue > 1e-3

    def test_too_many_signal_events(self):
        source = InjectedSource(ra_deg=10, dec_deg=10, n_signal=500)
        with pytest.raises(
            ConfigurationError, match=r"signal events were drawn for season IC40, which holds only 100\."
        ):
            generate_events(SEASONS[0], season_stream(1, SEASONS[0]), 100, [source])

    def test_invisible_source(self, monkeypatch):
        blind = generator_model.EffectiveArea(
            generator_model.AREA_LOG10_ENU_EDGES, np.radians(generator_model.AREA_DEC_EDGES_DEG), np.zeros((40, 50))
        )
        monkeypatch.setattr(generator, "effective_area", lambda _: blind)
        with pytest.raises(ConfigurationError, match=r"no season can see a source at declination 10\.0 degrees"):
            generator.season_shares(InjectedSource(ra_deg=10, dec_deg=10, n_signal=5), SEASONS)

    def test_unknown_response(self):
        with pytest.raises(ReleaseError, match=r"no effective_area parameters for 'IC22'; it has IC40"):
            generator_model.effective_area("IC22")
