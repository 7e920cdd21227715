import numpy as np
import pyarrow as pa
import pytest

from nusky.figures.gamma_rays import MOST_PANELS, gamma_rays

OPTIONS = {"method": "standard", "catalogue": "mine", "synthetic": False}


def tables(n: int) -> tuple[pa.Table, pa.Table]:
    """`n` sources of two components each; source j expects j + 1 events and its limit is 0.1 (j + 1)."""
    low = np.geomspace(1e3, 25e3, 5)
    energy = np.tile(np.concatenate([low, 8 * low]), n)
    source = np.repeat(np.arange(n), 10)
    flux = (source + 1.0) * 1e-9
    spectra = {
        "source": source.astype(np.int32),
        "component": np.tile(np.repeat([0, 1], 5), n),
        "gamma_energy_gev": energy,
        "gamma_e2dnde_gev_cm2_s": flux,
        "gamma_e2dnde_error_gev_cm2_s": 0.2 * flux,
        "neutrino_energy_gev": energy / 2,
        "neutrino_e2dnde_gev_cm2_s": flux / 2,
    }
    events = np.arange(n) + 1.0
    fractions = {
        "source": [*range(n), -1],
        "name": [*(f"S{j}" for j in range(n)), "all sources"],
        "n_hadronic": [*events, events.sum()],
        "n_hadronic_error": [*(0.1 * events[:-1]), np.nan, np.nan],
        "fraction_limit": [*(0.1 * events), 1.0],
        "fraction_sensitivity": [*(0.2 * events), 1.0],
    }
    return pa.table(spectra), pa.table(fractions)


def drawn(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}


def test_every_source_has_its_panel_with_fluxes_and_limits():
    panels = drawn(gamma_rays(*tables(3), **OPTIONS))
    assert list(panels) == ["S2", "S1", "S0"]  # most events first
    lines = {line.get_label(): line for line in panels["S1"].lines if not line.get_label().startswith("_")}
    np.testing.assert_allclose(lines["measured gamma rays"].get_ydata(), 2e-9)
    np.testing.assert_allclose(lines["neutrinos if all hadronic"].get_ydata(), 1e-9)
    np.testing.assert_allclose(lines["upper limit on neutrinos"].get_ydata(), 0.2e-9)
    np.testing.assert_allclose(lines["sensitivity"].get_ydata(), 0.4e-9)
    np.testing.assert_allclose(
        lines["sensitivity"].get_xdata(), lines["measured gamma rays"].get_xdata() / 2
    )  # at half the energy
    assert len(panels["S1"].lines) == 8  # both components, not joined by a line
    assert "2 ± 0.2 events" in panels["S1"].texts[0].get_text()
    assert "±" not in panels["S2"].texts[0].get_text()


def test_the_sources_with_most_events_are_shown_unless_others_are_named():
    assert list(drawn(gamma_rays(*tables(20), **OPTIONS))) == [f"S{j}" for j in range(19, 19 - MOST_PANELS, -1)]
    assert list(drawn(gamma_rays(*tables(20), **OPTIONS, names=["S3"]))) == ["S3"]


def test_without_any_source_the_figure_says_so():
    spectra, fractions = tables(1)
    figure = gamma_rays(spectra.slice(0, 0), fractions.slice(0, 0), **OPTIONS)
    assert "no source has a measured spectrum" in figure.axes[0].texts[0].get_text()
    assert figure.axes[0].lines[:] == pytest.approx([])
