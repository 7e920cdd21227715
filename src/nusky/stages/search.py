"""Stages of the search: separations, acceptance, background, stacking scans, limits, single sources.

What needs numba is imported by the stages that do: that takes longer than others compute.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.catalogues.weights import model_weights
from nusky.conventions import PUBLISHED, STANDARD, Conventions, conventions
from nusky.detector import acceptance, effective_area
from nusky.detector.acceptance import Exposure
from nusky.detector.configured import of_stack, spectra_of
from nusky.detector.spectrum import Spectrum
from nusky.likelihood.background import band_density
from nusky.search.energy_range import central_energy_range
from nusky.tables import BLOCK_ROWS, read_blocks, read_columns, read_table, trace, write_blocks, write_table

if TYPE_CHECKING:
    from nusky.likelihood.mixture import RatioMoments
    from nusky.search.stacking import StackingResult

log = logging.getLogger(__name__)

LIMIT_ENERGIES_GEV = {"10tev": 1e4, "100tev": 1e5, "1pev": 1e6, "10pev": 1e7, "100pev": 1e8}


def separations(events: Sequence[Path], sources: Path, outputs: Sequence[Path]) -> None:
    """Near pairs of one catalogue's sources and the events of every season, one output for each."""
    from nusky.likelihood.separation import near_pair_blocks

    positions = [np.radians(x) for x in read_columns(sources, kind="sources", columns=("ra_deg", "dec_deg"))]
    for path, output in zip(events, outputs, strict=True):
        directions = read_columns(path, kind="events", columns=("ra_deg", "dec_deg", "ang_err_deg"))
        n_pairs, blocks = near_pair_blocks(*map(np.radians, directions), *positions, rows=BLOCK_ROWS)
        log.info("%s: %d near pairs of %d events", path, n_pairs, len(directions[0]))
        columns = (
            {
                "event": pairs.event,
                "source": pairs.source,
                "psi_rad": pairs.psi,
                "signal_density_per_sr": pairs.density,
            }
            for pairs in blocks
        )
        write_blocks(output, columns, n_pairs, kind="separations", provenance=trace([path, sources]))


def acceptances(
    effective_areas: Path,
    seasons: Path,
    sources: Path,
    output: Path,
    *,
    gammas: Sequence[float],
    spectrum: config.Spectrum,
) -> None:
    """Acceptance integrals of every source, season and spectral index, in both conventions."""
    areas = effective_area.from_table(read_table(effective_areas, kind="effective_area"))
    season, response = read_columns(seasons, kind="seasons", columns=("season", "response"))
    table = read_table(sources, kind="sources")
    dec, whole = np.radians(table["dec_deg"].to_numpy()), of_stack(spectra_of(spectrum, table))
    used = [whole.at(value) for value in whole.quoted(gammas)]
    values = [each.quoted_index for each in used]
    integrals = [
        acceptance.acceptance_integrals(areas, response, dec, _within(used, rules), rules)
        for rules in (PUBLISHED, STANDARD)
    ]
    index = np.indices(integrals[0].shape)
    write_table(
        output,
        {
            "season": np.asarray(season)[index[0].ravel()],
            "gamma": np.asarray(values)[index[1].ravel()],
            "source": index[2].ravel().astype(np.int32),
            "integral_published_cm2_gev": integrals[0].ravel(),
            "integral_standard_cm2_gev": integrals[1].ravel(),
        },
        kind="acceptance",
        provenance=trace(
            [effective_areas, seasons, sources, *spectrum.files],
            {"gammas": values, "spectrum": used[0].quoted_words},
        ),
    )


def backgrounds(events: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Background density at every event: published from all seasons together, standard from its own season."""
    dec = {
        season: np.radians(read_columns(path, kind="events", columns=("dec_deg",))[0])
        for season, path in events.items()
    }
    everything = np.concatenate(list(dec.values()))
    ends = np.cumsum([len(values) for values in dec.values()])
    pooled = np.split(band_density(everything, everything, clipped=PUBLISHED.clipped_poles), ends[:-1])
    provenance = trace(events.values())
    for season, published in zip(dec, pooled, strict=True):
        columns = {
            "density_published_per_sr": published,
            "density_standard_per_sr": band_density(dec[season], dec[season], clipped=STANDARD.clipped_poles),
        }
        write_table(outputs[season], columns, kind="background", provenance=provenance)


@dataclass(frozen=True)
class Stack:
    """One catalogue with one weighting in one set of conventions, on its way to a scan."""

    rules: Conventions
    weights: np.ndarray
    notes: list[str]
    expected: list[acceptance.ExpectedSignal]
    spectra: list[Spectrum]


def stacking_scans(
    *,
    sources: Path,
    seasons: Path,
    effective_areas: Path,
    acceptance_table: Path,
    separation_tables: Sequence[Path],
    background_tables: Sequence[Path],
    scan_outputs: Mapping[str, Path],
    limits_outputs: Mapping[str, Path],
    weighting: config.Weighting,
    gammas: Sequence[float],
    spectrum: config.Spectrum,
    grid: config.Scan,
) -> None:
    """TS scans and limits of one catalogue with one weighting, for all its indices; outputs by method."""
    from nusky.likelihood.mixture import joined
    from nusky.search.stacking import SeasonPairs, scan, season_moments

    source_table = read_table(sources, kind="sources")
    exposure = read_exposure(seasons)
    areas = effective_area.from_table(read_table(effective_areas, kind="effective_area"))
    dec = np.radians(source_table["dec_deg"].to_numpy())
    stacks = [
        _stack(conventions(method), source_table, exposure, acceptance_table, weighting, gammas, spectrum)
        for method in scan_outputs
    ]
    moments: list[list[list[RatioMoments]]] = [[] for _ in stacks]
    for k, (pair_table, background_table) in enumerate(zip(separation_tables, background_tables, strict=True)):
        names = [f"density_{stack.rules.name}_per_sr" for stack in stacks]
        backgrounds = [read_columns(background_table, kind="background", columns=(name,))[0] for name in names]
        omegas = [np.stack([e.source_weights[k] for e in stack.expected]) for stack in stacks]
        parts: list[list[list[RatioMoments]]] = [[] for _ in stacks]
        for pairs in _whole_events(pair_table):
            for s in range(len(stacks)):
                parts[s].append(season_moments(SeasonPairs(*pairs, backgrounds[s]), omegas[s]))
        for s in range(len(stacks)):
            moments[s].append([joined(of_gamma) for of_gamma in zip(*parts[s], strict=True)])
    phi0 = np.geomspace(grid.phi0_min_per_ev, grid.phi0_max_per_ev, grid.n_steps)
    inputs = [sources, seasons, effective_areas, acceptance_table]
    inputs += [*spectrum.files, *separation_tables, *background_tables]
    values, words = [each.quoted_index for each in stacks[0].spectra], stacks[0].spectra[0].quoted_words
    settings = {"weighting": weighting.model_dump(), "gammas": values, "spectrum": words, "scan": grid.model_dump()}
    provenance = trace(inputs, settings)
    for stack, by_season in zip(stacks, moments, strict=True):
        results = [
            scan([season[g] for season in by_season], stack.expected[g], spectrum_of, phi0, stack.rules)
            for g, spectrum_of in enumerate(stack.spectra)
        ]
        method = stack.rules.name
        own = replace(provenance, settings={**settings, "method": method, "notes": stack.notes})
        columns = ("phi0_per_ev", "n_signal", "test_statistic")
        scan_columns = {name: np.concatenate([getattr(r, name) for r in results]) for name in columns}
        scan_columns = {"gamma": np.repeat(np.asarray(values), len(phi0)), **scan_columns}
        write_table(scan_outputs[method], scan_columns, kind="stacking_scan", provenance=own)
        time, within = exposure.signal_time(stack.rules), _within(stack.spectra, stack.rules)
        rows = []
        for result, counted in zip(results, within, strict=True):
            low, high = central_energy_range(areas, exposure.responses, time, dec, counted, stack.weights)
            row = _limit_row(result, int(np.count_nonzero(stack.weights)))
            rows.append(row | {"energy_min_gev": low, "energy_max_gev": high})
        write_table(limits_outputs[method], pa.Table.from_pylist(rows), kind="limits", provenance=own)


def _within(spectra: Sequence[Spectrum], rules: Conventions) -> Sequence[Spectrum]:
    """The spectra in the range of energies that the conventions count."""
    limits = rules.log10_energy_limits_gev
    return spectra if limits is None else [spectrum.within(limits) for spectrum in spectra]


def _whole_events(pair_table: Path) -> Iterator[list[np.ndarray]]:
    """Event, source and signal density of near pairs in blocks that part no event."""
    columns = ("event", "source", "signal_density_per_sr")
    blocks = read_blocks(pair_table, kind="separations", columns=columns, rows=BLOCK_ROWS)
    rest = next(blocks)
    for block in blocks:
        begun = int(np.searchsorted(rest[0], rest[0][-1]))  # the last event may go on
        if begun:
            yield [column[:begun] for column in rest]
        rest = [np.concatenate((before[begun:], column)) for before, column in zip(rest, block, strict=True)]
    yield rest


def _stack(
    rules: Conventions,
    sources: pa.Table,
    exposure: Exposure,
    acceptance_table: Path,
    weighting: config.Weighting,
    gammas: Sequence[float],
    spectrum: config.Spectrum,
) -> Stack:
    weights, notes = model_weights(sources, weighting, rules.name)
    for note in notes:
        log.info("%s: %s", rules.name, note)
    column = f"integral_{rules.name}_cm2_gev"
    (values,) = read_columns(acceptance_table, kind="acceptance", columns=(column,))
    whole = of_stack(spectra_of(spectrum, sources), range(len(weights)), weights)
    spectra = [whole.at(value) for value in whole.quoted(gammas)]
    integrals = values.reshape(len(exposure.responses), len(spectra), len(weights))
    expected = [acceptance.expected_signal(integrals[:, g], exposure, weights, rules) for g in range(len(spectra))]
    return Stack(rules, weights, notes, expected, spectra)


def single_sources(events: Sequence[Path], sources: Path, outputs: Mapping[str, Path]) -> None:
    """Best fit of every source of a catalogue by itself; outputs by method."""
    from nusky.search.single_sources import single_source_search

    columns = ("ra_deg", "dec_deg", "ang_err_deg")
    seasons = [read_columns(path, kind="events", columns=columns) for path in events]
    directions = [np.radians(np.concatenate(parts)) for parts in zip(*seasons, strict=True)]
    listed = read_table(sources, kind="sources", columns=("name", "origin", "ra_deg", "dec_deg"))
    positions = [np.radians(listed[name].to_numpy()) for name in ("ra_deg", "dec_deg")]
    provenance = trace([*events, sources])
    for method, path in outputs.items():
        result = single_source_search(*directions, *positions, conventions(method))
        table = listed
        for name in ("n_band", "ns_best", "ts_max"):
            table = table.append_column(name, pa.array(getattr(result, name)))
        write_table(path, table, kind="single_sources", provenance=replace(provenance, settings={"method": method}))


def read_exposure(seasons: Path) -> Exposure:
    """Responses and times of the seasons of an analysis."""
    response, livetime, span = read_columns(seasons, kind="seasons", columns=("response", "livetime_s", "span_s"))
    return Exposure(tuple(map(str, response)), livetime, span)


def _limit_row(result: "StackingResult", n_sources: int) -> dict[str, float]:
    limits = {
        f"ul95_e2dnde_{label}_gev_cm2_s": result.ul95_e2dnde(energy) for label, energy in LIMIT_ENERGIES_GEV.items()
    }
    return {
        "gamma": result.spectrum.quoted_index,
        "n_sources": n_sources,
        "ns_per_phi0_ev": result.expected.per_phi0_ev,
        "ns_per_phi0_gev": result.expected.per_phi0_gev,
        "ts_max": result.ts_max,
        "phi0_at_max_per_ev": result.phi0_at_max_per_ev,
        "n_signal_at_max": result.n_signal_at_max,
        "phi0_ul95_per_ev": result.phi0_ul95_per_ev,
        **limits,
    }
