"""Expected events of a catalogue straight from a release folder: no events, no workflow."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.catalogues.weights import model_weights
from nusky.conventions import PUBLISHED, Conventions
from nusky.detector import effective_area
from nusky.detector.acceptance import ExpectedSignal, Exposure, acceptance_integrals, expected_signal
from nusky.detector.spectrum import power_laws
from nusky.errors import ConfigurationError
from nusky.releases import registry
from nusky.releases.ingest import adapter_of


def expected_events(
    folder: str | os.PathLike[str],
    *,
    release: str = "icecube-10yr",
    catalogue: str | config.Catalogue = "wcda-hess",
    weighting: str = "flux",
    gammas: Sequence[float] = (2.0, 2.4, 2.53, 3.0),
    conventions: Conventions = PUBLISHED,
    seasons: Sequence[str] | None = None,
) -> dict[float, ExpectedSignal]:
    """Expected events per unit flux of a catalogue, by spectral index.

    Parameters
    ----------
    folder : folder of the release; only its uptimes and effective areas are read
    release : name of the release, whose seasons and layout count
    catalogue : name of a ready-made catalogue, or a catalogue block
    weighting : name of one of the catalogue's weightings
    seasons : seasons to count; None means all of the release

    Returns
    -------
    The expected signal by index; `per_phi0_ev` and `per_phi0_gev` are the events for a flux of
    1 eV^-1 cm^-2 s^-1 and 1 GeV^-1 cm^-2 s^-1 at 100 TeV (arXiv:2205.15963 eq 7).
    """
    known = registry.find(release)
    selected = known.select(None if seasons is None else list(seasons))
    block, name = (
        (catalogue, "catalogue") if isinstance(catalogue, config.Catalogue) else (_preset(catalogue), catalogue)
    )
    if weighting not in block.weightings:
        raise ConfigurationError(f"{name} has no weighting '{weighting}'; it has {', '.join(block.weightings)}.")
    adapter = adapter_of(known.layout)
    times = adapter.read_times(adapter.find_root(Path(folder)), known, selected, check_counts=True)
    exposure = Exposure(
        tuple(season.response for season in selected),
        np.array([times.livetime_s[season.name] for season in selected]),
        np.array([times.span_s[season.name] for season in selected]),
    )
    sources, _ = build_catalogue(block, name)
    weights, _ = model_weights(sources, block.weightings[weighting], conventions.name)
    integrals = acceptance_integrals(
        effective_area.from_table(times.effective_area),
        exposure.responses,
        np.radians(sources["dec_deg"].to_numpy()),
        power_laws(gammas, conventions.log10_energy_limits_gev),
        conventions,
    )
    return {
        float(gamma): expected_signal(integrals[:, g], exposure, weights, conventions) for g, gamma in enumerate(gammas)
    }


def _preset(name: str) -> config.Catalogue:
    if name not in config.PRESETS:
        raise ConfigurationError(f"no ready-made catalogue '{name}'; there are {', '.join(config.PRESETS)}.")
    return config.Catalogue(**config.PRESETS[name])
