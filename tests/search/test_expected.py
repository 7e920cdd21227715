import numpy as np
import pandas as pd
import pytest

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.conventions import PUBLISHED, STANDARD
from nusky.errors import ConfigurationError
from nusky.likelihood.separation import near_pairs, stack_signal
from nusky.search.expected import expected_events
from tests import oracles

TEN_SEASONS = ("IC40", "IC59", "IC79", "IC86_I", *(f"IC86_{n}" for n in ("II", "III", "IV", "V", "VI", "VII")))


@pytest.fixture(scope="module")
def folder(validation_data):
    return validation_data / "icecube_10year_ps"


@pytest.mark.parametrize("weighting", ["uniform", "flux"])
def test_published_values_of_wcda_and_hess(validation_data, folder, weighting):
    """n_s per unit phi0 printed by the authors (trapezoids of 1e7 points), from uptimes and areas alone."""
    reference = pd.read_csv(validation_data / "reference" / "published_stacking_wcda_hess.csv")
    reference = reference[reference.weighting == weighting]
    assert len(reference) == 4
    found = expected_events(folder, weighting=weighting, gammas=-reference.gamma.to_numpy())
    for row in reference.itertuples():
        assert found[-row.gamma].per_phi0_ev == pytest.approx(row.ns_per_phi0_eV, rel=1e-6)


@pytest.mark.parametrize("method", [PUBLISHED, STANDARD], ids=lambda m: m.name)
@pytest.mark.parametrize(("weighting", "gamma"), [("uniform", 2.0), ("flux", 3.5)])
def test_km2a_equals_an_independent_integration(validation_data, folder, method, weighting, gamma):
    """The spec's sums written out again from the raw files: no line shared with the package."""

    def raw(name):
        frame = pd.read_csv(validation_data / "catalogues" / name)
        return frame.rename(columns=lambda c: c.replace("\xa0", " ").strip())

    km2a, hess = raw("lhsaaocataloguekm2a.csv"), raw("hess_source.csv")
    crab = pd.to_numeric(hess["Flux  (max) [C.U.]"].astype(str).str.strip(), errors="coerce").to_numpy()
    standard = method is STANDARD
    crab = np.where(np.isnan(crab), 0.0 if standard else np.nanmean(crab), crab)
    dec = np.concatenate([km2a["DEC"], hess["Decl"]]).astype(float)
    kept = np.ones(len(dec))
    if standard:  # a source of both lists counts once
        table = build_catalogue(config.Catalogue(**config.PRESETS["km2a-hess"]), "km2a-hess")[0]
        kept = (table["duplicate_of"].to_numpy() < 0).astype(float)
        assert 5 < len(kept) - kept.sum() < 15
    model = kept.copy()
    if weighting == "flux":
        lists = km2a["N0"].to_numpy() * kept[: len(km2a)], crab * kept[len(km2a) :]
        model = np.concatenate([fluxes / fluxes.sum() for fluxes in lists])
    total = 0.0
    for season in TEN_SEASONS:
        response = season if season in ("IC40", "IC59", "IC79", "IC86_I") else "IC86_II"
        area = np.loadtxt(folder / "irfs" / f"{response}_effectiveArea.csv")
        runs = np.loadtxt(folder / "uptime" / f"{season}_exp.csv") * 86400
        low, high = (10 ** (area[:, i] if standard else np.clip(area[:, i], 2.001, 9.999)) for i in (0, 1))
        flux = np.array([oracles.power_law(a, b, gamma) for a, b in zip(low, high, strict=True)])
        if standard:
            energies, edges = np.unique(area[:, 0]), np.radians(np.union1d(area[:, 2], area[:, 3]))
            grid = area[np.lexsort((area[:, 2], area[:, 0])), 4].reshape(len(energies), -1)
            flux = [flux[area[:, 0] == energy][0] for energy in energies]
            per_source = np.array([oracles.area_at(edges, grid, np.radians(d)) @ flux for d in dec])
            total += (runs[:, 1] - runs[:, 0]).sum() * (model / model.sum() * per_source).sum()
        else:
            per_source = np.array([(area[:, 4] * flux)[(area[:, 2] <= d) & (d < area[:, 3])].sum() for d in dec])
            omega = model * per_source / (model * per_source).sum()
            total += (runs[-1, 1] - runs[0, 0]) * (omega * per_source).sum()
    found = expected_events(folder, catalogue="km2a-hess", weighting=weighting, gammas=[gamma], conventions=method)
    assert found[gamma].per_phi0_gev == pytest.approx(total, rel=1e-10)


def test_the_season_shares_add_up(folder):
    shares = expected_events(folder, conventions=STANDARD)[2.0].season_share
    assert len(shares) == 10
    assert shares.sum() == pytest.approx(1, rel=1e-12)
    assert expected_events(folder, seasons=["IC79"])[2.0].season_share == [1.0]


def test_unknown_names_are_refused(folder):
    with pytest.raises(ConfigurationError, match=r"no ready-made catalogue 'x'; there are wcda-hess"):
        expected_events(folder, catalogue="x")
    with pytest.raises(ConfigurationError, match="has no weighting 'x'; it has uniform, flux"):
        expected_events(folder, weighting="x")
    with pytest.raises(ConfigurationError, match="has no season 'IC87'"):
        expected_events(folder, seasons=["IC87"])


@pytest.mark.parametrize(
    ("weighting", "printed"),
    [
        ("uniform", [2.65189433e-224, 2.63498233e-169, 1.74271415e-20]),
        ("flux", [3.35168085e-225, 2.31689800e-169, 3.30387694e-21]),
    ],
)
def test_printed_signal_densities_of_the_first_three_events(folder, weighting, printed):
    """Stacked S_i of IC40's first events, WCDA + H.E.S.S., index 2.0, no cut: the authors' printed values."""
    events = np.loadtxt(folder / "events" / "IC40_exp.csv", skiprows=1, max_rows=3)
    catalogue = config.Catalogue(**config.PRESETS["wcda-hess"])
    sources, _ = build_catalogue(catalogue, "wcda-hess")
    positions = [np.radians(sources[name].to_numpy()) for name in ("ra_deg", "dec_deg")]
    pairs = near_pairs(*np.radians(events[:, [3, 4, 2]].T), *positions, tail=0)
    omega = expected_events(folder, weighting=weighting, gammas=[2.0], seasons=["IC40"])[2.0].source_weights
    stacked = stack_signal(pairs.event, pairs.source, pairs.density, omega, 3)[0]
    np.testing.assert_allclose(stacked, printed, rtol=3e-7)
