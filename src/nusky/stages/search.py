"""Stages of the search: separations, acceptance, background, stacking scans, limits, single sources."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.catalogues.weights import model_weights
from nusky.conventions import PUBLISHED, STANDARD, conventions
from nusky.detector import acceptance, effective_area
from nusky.detector.acceptance import Exposure
from nusky.likelihood.background import band_density
from nusky.likelihood.separation import near_pairs
from nusky.search.single_sources import single_source_search
from nusky.search.stacking import SeasonPairs, e2_dnde, scan, stack_moments
from nusky.tables import read_columns, read_table, trace, write_table

log = logging.getLogger(__name__)

LIMIT_ENERGIES_GEV = {"10tev": 1e4, "100tev": 1e5, "1pev": 1e6, "10pev": 1e7, "100pev": 1e8}


def separations(events: Path, sources: Path, output: Path) -> None:
    """Near pairs of one season's events and one catalogue's sources."""
    directions = read_columns(events, kind="events", columns=("ra_deg", "dec_deg", "ang_err_deg"))
    positions = read_columns(sources, kind="sources", columns=("ra_deg", "dec_deg"))
    pairs = near_pairs(*map(np.radians, directions), *map(np.radians, positions))
    log.info("%d near pairs of %d events and %d sources", len(pairs.psi), len(directions[0]), len(positions[0]))
    write_table(
        output,
        {
            "event": pairs.event,
            "source": pairs.source,
            "psi_rad": pairs.psi,
            "signal_density_per_sr": pairs.density,
        },
        kind="separations",
        provenance=trace([events, sources]),
    )


def acceptances(
    effective_areas: Path, seasons: Path, sources: Path, output: Path, *, gammas: Sequence[float]
) -> None:
    """Acceptance integrals of every source, season and spectral index, in both conventions."""
    areas = effective_area.from_table(read_table(effective_areas, kind="effective_area"))
    season, response = read_columns(seasons, kind="seasons", columns=("season", "response"))
    (dec,) = read_columns(sources, kind="sources", columns=("dec_deg",))
    integrals = [
        acceptance.acceptance_integrals(areas, response, np.radians(dec), gammas, c) for c in (PUBLISHED, STANDARD)
    ]
    index = np.indices(integrals[0].shape)
    write_table(
        output,
        {
            "season": np.asarray(season)[index[0].ravel()],
            "gamma": np.asarray(gammas, dtype=float)[index[1].ravel()],
            "source": index[2].ravel().astype(np.int32),
            "integral_published_cm2_gev": integrals[0].ravel(),
            "integral_standard_cm2_gev": integrals[1].ravel(),
        },
        kind="acceptance",
        provenance=trace([effective_areas, seasons, sources], {"gammas": list(gammas)}),
    )


def backgrounds(events: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Background density at every event: published from all seasons together, standard from its own season."""
    dec = {
        season: np.radians(read_columns(path, kind="events", columns=("dec_deg",))[0]) for season, path in events.items()
    }
    everything = np.concatenate(list(dec.values()))
    provenance = trace(events.values())
    for season, path in outputs.items():
        write_table(
            path,
            {
                "density_published_per_sr": band_density(dec[season], everything, clipped=PUBLISHED.clipped_poles),
                "density_standard_per_sr": band_density(dec[season], dec[season], clipped=STANDARD.clipped_poles),
            },
            kind="background",
            provenance=provenance,
        )


def stacking_scan(
    *,
    sources: Path,
    seasons: Path,
    acceptance_table: Path,
    separation_tables: Sequence[Path],
    background_tables: Sequence[Path],
    scan_output: Path,
    limits_output: Path,
    method: str,
    weighting: config.Weighting,
    gammas: Sequence[float],
    grid: config.Scan,
) -> None:
    """TS scan and limits of one catalogue with one weighting, for all its spectral indices."""
    rules = conventions(method)
    source_table = read_table(sources, kind="sources")
    weights, notes = model_weights(source_table, weighting, method)
    for note in notes:
        log.info("%s", note)
    exposure = read_exposure(seasons)
    integrals = _read_integrals(acceptance_table, method, gammas, len(exposure.responses), len(weights))
    expected = [acceptance.expected_signal(integrals[:, g], exposure, weights, rules) for g in range(len(gammas))]
    moments = stack_moments(
        [_season_pairs(p, b, method) for p, b in zip(separation_tables, background_tables, strict=True)],
        np.stack([e.source_weights for e in expected]),
    )
    phi0 = np.geomspace(grid.phi0_min_per_ev, grid.phi0_max_per_ev, grid.n_steps)
    results = [
        scan([season[g] for season in moments], expected[g], float(gamma), phi0, rules)
        for g, gamma in enumerate(gammas)
    ]
    settings = {
        "method": method,
        "weighting": weighting.model_dump(),
        "gammas": list(gammas),
        "scan": grid.model_dump(),
        "notes": notes,
    }
    provenance = trace([sources, seasons, acceptance_table, *separation_tables, *background_tables], settings)
    write_table(
        scan_output,
        {
            "gamma": np.repeat(np.asarray(gammas, dtype=float), len(phi0)),
            "phi0_per_ev": np.concatenate([r.phi0_per_ev for r in results]),
            "n_signal": np.concatenate([r.n_signal for r in results]),
            "test_statistic": np.concatenate([r.test_statistic for r in results]),
        },
        kind="stacking_scan",
        provenance=provenance,
    )
    rows = [_limit_row(r, int(np.count_nonzero(weights))) for r in results]
    write_table(
        limits_output,
        pa.Table.from_pylist(rows),
        kind="limits",
        provenance=provenance,
    )


def single_sources(events: Sequence[Path], sources: Path, output: Path, *, method: str) -> None:
    """Best fit of every source of a catalogue by itself."""
    columns = ("ra_deg", "dec_deg", "ang_err_deg")
    seasons = [read_columns(path, kind="events", columns=columns) for path in events]
    directions = [np.radians(np.concatenate(parts)) for parts in zip(*seasons, strict=True)]
    table = read_table(sources, kind="sources", columns=("name", "origin", "ra_deg", "dec_deg"))
    positions = [np.radians(table[name].to_numpy()) for name in ("ra_deg", "dec_deg")]
    result = single_source_search(*directions, *positions, conventions(method))
    for name in ("n_band", "ns_best", "ts_max"):
        table = table.append_column(name, pa.array(getattr(result, name)))
    write_table(output, table, kind="single_sources", provenance=trace([*events, sources], {"method": method}))


def read_exposure(seasons: Path) -> Exposure:
    """Responses and times of the seasons of an analysis."""
    response, livetime, span = read_columns(seasons, kind="seasons", columns=("response", "livetime_s", "span_s"))
    return Exposure(tuple(map(str, response)), livetime, span)


def _read_integrals(path: Path, method: str, gammas: Sequence[float], n_seasons: int, n_sources: int) -> np.ndarray:
    column = f"integral_{method}_cm2_gev"
    (values,) = read_columns(path, kind="acceptance", columns=(column,))
    return values.reshape(n_seasons, len(gammas), n_sources)


def _season_pairs(separation_table: Path, background_table: Path, method: str) -> SeasonPairs:
    pairs = read_columns(
        separation_table, kind="separations", columns=("event", "source", "signal_density_per_sr")
    )
    (density,) = read_columns(background_table, kind="background", columns=(f"density_{method}_per_sr",))
    return SeasonPairs(*pairs, density)


def _limit_row(result, n_sources: int) -> dict[str, float]:
    limits = {
        f"ul95_e2dnde_{label}_gev_cm2_s": e2_dnde(result.phi0_ul95_per_ev, result.gamma, energy)
        for label, energy in LIMIT_ENERGIES_GEV.items()
    }
    return {
        "gamma": result.gamma,
        "n_sources": n_sources,
        "ns_per_phi0_ev": result.expected.per_phi0_ev,
        "ns_per_phi0_gev": result.expected.per_phi0_gev,
        "ts_max": result.ts_max,
        "phi0_at_max_per_ev": result.phi0_at_max_per_ev,
        "n_signal_at_max": result.n_signal_at_max,
        "phi0_ul95_per_ev": result.phi0_ul95_per_ev,
        **limits,
    }
