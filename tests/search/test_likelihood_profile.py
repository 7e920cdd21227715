"""The likelihood over its two parameters, and the files of it, on a generated release with a source."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from scipy.integrate import quad
from scipy.interpolate import RegularGridInterpolator
from scipy.optimize import minimize

from nusky.errors import ConfigurationError
from nusky.results.profile import profile_table, write_profile
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment, Indices
from nusky.search.injection import expected_events
from nusky.search.likelihood_profile import DEEPEST, likelihood_profile
from nusky.search.sources import Sources
from nusky.search.target import Target


@pytest.fixture(scope="module")
def analysis(one_season):
    events = list(one_season.events.values())
    return Analysis.of_tables(one_season.seasons, events, one_season.effective_area, one_season.smearing)


def target(analysis, gamma=None):
    sources, indices = Sources.of(*np.radians([57.3, 17.2])), Indices.choose(gamma, [2.0, 3.0], True)
    experiment = Experiment.of(analysis, sources, indices, 1, ("profile",))
    return Target(experiment, sources, {"name": "source"}, indices.spectrum)


@pytest.fixture(scope="module")
def profile(analysis):
    return likelihood_profile(target(analysis))


def test_the_best_fit_is_on_the_grid(analysis, profile):
    best = target(analysis).experiment.hypothesis.fit()
    assert profile.gammas[profile.best] == pytest.approx(best.gamma, abs=1e-9)
    at = np.argmax(profile.ts[profile.best])
    assert profile.n_signal[at] == pytest.approx(best.n_signal, rel=1e-3)
    assert profile.ts[profile.best, at] == pytest.approx(best.ts, abs=1e-4)
    assert np.nanmax(profile.ts) == pytest.approx(best.ts, abs=1e-4)
    assert profile.ts[profile.best, -1] < best.ts - DEEPEST
    assert (profile.ts[:, 0] == 0).all()


def test_ts_is_that_of_the_hypothesis(analysis, profile):
    hypothesis = target(analysis).experiment.hypothesis
    for g in (0, profile.best, len(profile.gammas) - 1):
        n = profile.n_signal[::20]
        again = hypothesis.profile_likelihood(profile.gammas[[g]], n)[0]
        assert profile.ts[g, ::20] == pytest.approx(again, rel=1e-6, abs=1e-6)  # pairs count in single precision


def test_one_event_has_its_flux(analysis, profile):
    for row in profile.rows()[:: len(profile.gammas) // 2]:
        gamma, spectrum = row["gamma"], target(analysis).spectrum.at(row["gamma"])
        expected = expected_events(analysis, target(analysis).sources, spectrum).sum()
        assert row["ref_phi0_per_gev"] == pytest.approx(1 / expected, rel=1e-9)
        middle = np.sqrt(row["energy_min_gev"] * row["energy_max_gev"])
        assert row["ref_dnde_per_gev"] == pytest.approx((middle / 1e5) ** -gamma / expected, rel=1e-9)
        for power, name in ((0, "ref_flux_cm2_s"), (1, "ref_eflux_gev_cm2_s")):
            ends = np.log([row["energy_min_gev"], row["energy_max_gev"]])
            integral = quad(lambda x, g=gamma, p=power: np.exp(x * (1 + p)) * (np.exp(x) / 1e5) ** -g, *ends)[0]
            assert row[name] == pytest.approx(integral / expected, rel=1e-3)


def test_files_are_read_back_with_the_same_best_fit(profile, tmp_path):
    """By astropy and scipy alone: the documented columns, units and header are all that is needed."""
    made = profile_table(profile.rows(), {"OBJECT": "source", "SYNTH": True})
    tables = [
        Table.read(write_profile(made, tmp_path / "p.fits"), hdu="PROFILE"),
        Table.read(write_profile(made, tmp_path / "p.ecsv")),
    ]
    for table in tables:
        assert table["ref_dnde"].unit.is_equivalent("TeV-1 cm-2 s-1")
        assert table["e_min"].unit == u.TeV
        assert table.meta["SED_TYPE"] == "likelihood"
        assert table.meta["SYNTH"] is True
        stat = RegularGridInterpolator((table["gamma"], table["norm_scan"][0]), table["stat_scan"], method="cubic")
        row = table[table.meta["BESTROW"]]
        start = [row["gamma"] + 0.15, 0.8 * row["norm"]]
        found = minimize(lambda x, stat=stat: stat((x[0], x[1]))[()], start, method="Nelder-Mead").x
        assert found == pytest.approx([table.meta["BESTGAM"], table.meta["BESTNS"]], rel=0.01)
        flux = np.asarray(row["norm_scan"]) * row["ref_dnde"]
        assert np.asarray(row["dnde_scan"]) == pytest.approx(flux)
    with fits.open(tmp_path / "p.fits") as hdus:
        [point] = hdus["FLUXPOINTS"].data
        assert point["gamma"] == made.meta["BESTGAM"]
        assert -point["stat"] == pytest.approx(made.meta["BESTTS"])
        assert point["e_min"] < point["e_ref"] < point["e_max"]
    with pytest.raises(ConfigurationError, match=r"\.fits or \.ecsv"):
        write_profile(made, tmp_path / "p.txt")


def test_a_fixed_index_has_one_profile(analysis, tmp_path):
    profile = likelihood_profile(target(analysis, 2.5))
    assert profile.gammas.tolist() == [2.5]
    [row] = Table.read(write_profile(profile_table(profile.rows(), {}), tmp_path / "p.ecsv"))
    assert row["norm_scan"][np.argmin(row["stat_scan"])] == pytest.approx(row["norm"])
