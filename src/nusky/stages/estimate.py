"""What a run consists of and roughly what it costs, known before anything runs.

`jobs` lists the jobs of a configuration with their outputs, as the workflow plans them, each with its processor time
and peak memory. The costs are straight lines in the sizes a job depends on, through the times of docs/benchmarks.md,
docs/validation/speed.md and the benchmarks of the demo: one core of an Intel Xeon server processor of about 2.5 GHz,
kernels compiled by the warm-up jobs, no other load. They are right to a factor of about two on such a machine; busy or
slower ones take longer. Downloads are not in them.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nusky.config import Configuration
from nusky.paths import Paths
from nusky.releases import registry

EVENTS_PER_YEAR = 120_000
"""Stands in where a release's number of events is not known beforehand: seasons of the full detector have about it."""
ENGINE_S = 1.0
"""Snakemake's own time for a job: planning, starting a process, checking outputs."""
IMPORT_S, IMPORT_NUMBA_S, IMPORT_FIGURES_S = 1.0, 2.0, 3.0
"""Start of Python and imports of a job."""
BASE_MIB, BASE_NUMBA_MIB = 150.0, 280.0
WARM_UP_S, BDM_WARM_UP_S = 35.0, 20.0
INGEST_S, INGEST_MIB = 3.1e-6, 1.4e-4
"""Per event."""
BACKGROUND_S = 4.1e-7
"""Per event."""
PAIR_S, PAIR_MIB = 2.1e-9, 4e-8
"""Per event and source: separations and single sources; memory of the pairs that are kept."""
SCAN_S = 1e-9
"""Per event, source and spectral index."""
EVENT_MIB = 7e-5
"""Per event, in searches."""
FIGURE_S = 0.3
"""Per figure and format."""
TRIAL_S, TRIAL_FREE_S = 1.65e-10, 2.0e-10
"""Trial of a stack or of every source of a sky, per event and source; index fixed, fitted."""
SOURCE_TRIAL_S, SOURCE_TRIAL_FREE_S = 6e-10, 1.27e-9
"""Trial of one source, per event."""
INFERENCE_MIB = 6.5e-4
"""Per event."""
STRENGTHS = 5
"""Signal strengths at which trials are injected for a statement, about."""
SOURCE_STRENGTHS = 10
"""Those that the limits of a source share, about."""
RECOVERY_STRENGTHS = 4
"""Those of injection and recovery."""
SKY_POSITION_S = 6e-5
"""Position of an all-sky map, besides what grows with the events."""
SKY_S, SKY_FREE_S = 2e-10, 4e-10
"""Position of an all-sky map, per event; index fixed, fitted."""
SPOT_S = 4.2e-8
"""Refining a hot spot, per event."""
SKY_SPOTS = 100
"""Spots of a scrambled sky that are refined, about: up to three in each band of declination."""
SKY_MIB = 2.4e-3
"""Per event, in all-sky maps."""


@dataclass(frozen=True)
class Job:
    """One job of the workflow."""

    rule: str
    outputs: tuple[str, ...]
    cpu_s: float
    memory_mib: float
    after: int = 0
    """Jobs with a larger number need some of those with a smaller one."""


@dataclass(frozen=True)
class Sizes:
    """What the costs depend on: events by season, sources by catalogue."""

    events: Mapping[str, int]
    sources: Mapping[str, int]

    @property
    def n_events(self) -> int:
        """Events of all seasons."""
        return sum(self.events.values())


def events_of(cfg: Configuration) -> dict[str, int]:
    """Number of events by season; `EVENTS_PER_YEAR` where the release does not say."""
    seasons = registry.find(cfg.release.name).select(cfg.release.seasons)
    fraction = cfg.release.generator.event_fraction if cfg.release.synthetic == "always" else 1.0
    return {season.name: round((season.n_events or EVENTS_PER_YEAR) * fraction) for season in seasons}


def jobs(cfg: Configuration, sizes: Sizes) -> list[Job]:
    """Every job of a run from nothing."""
    paths = Paths(cfg.run)
    planned = [*_search(cfg, sizes, paths), *_inference(cfg, sizes, paths), *_skymap(cfg, sizes, paths)]
    planned += _bdm(cfg, paths)
    tables = [output for job in planned for output in job.outputs if output.endswith(".parquet")]
    planned.append(Job("summary", (paths.summary,), IMPORT_S, BASE_MIB, 6))
    planned.append(Job("report", (paths.report,), IMPORT_S + 1e-3 * len(tables), BASE_MIB, 7))
    return planned


@dataclass(frozen=True)
class Total:
    """Cost of a list of jobs."""

    n_jobs: int
    cpu_s: float
    wall_s: float
    memory_mib: float
    """Peak of one job; so much is needed per core that is used."""


def total(planned: list[Job], cores: int) -> Total:
    """Cost on `cores` cores: in each step of the run, jobs share the cores and the longest one bounds them."""
    steps: dict[int, list[float]] = defaultdict(list)
    for job in planned:
        steps[job.after].append(job.cpu_s + ENGINE_S)
    wall = sum(max(sum(times) / cores, max(times)) for times in steps.values())
    memory = max((job.memory_mib for job in planned), default=0.0)
    return Total(len(planned), sum(job.cpu_s for job in planned), wall, memory)


def by_rule(planned: list[Job]) -> dict[str, list[Job]]:
    """Jobs of every rule, in the order of the run."""
    grouped: dict[str, list[Job]] = {}
    for job in sorted(planned, key=lambda job: job.after):
        grouped.setdefault(job.rule, []).append(job)
    return grouped


def _search(cfg: Configuration, sizes: Sizes, paths: Paths) -> Iterator[Job]:
    if not cfg.catalogues:
        return
    n = sizes.n_events
    seasons, methods = list(sizes.events), cfg.methods
    release = (paths.seasons, paths.uptimes, paths.effective_area, paths.smearing)
    ingested = (*(paths.events.format(season=season) for season in seasons), *release)
    yield Job("fetch_release", (paths.release,), IMPORT_S + 1e-6 * n, BASE_MIB)
    yield Job("warm_up", (paths.warm_up,), WARM_UP_S, 1.4 * BASE_NUMBA_MIB)
    yield Job("ingest_release", ingested, IMPORT_S + INGEST_S * n, BASE_MIB + INGEST_MIB * n, 1)
    background = tuple(paths.background.format(season=season) for season in seasons)
    yield Job("background", background, IMPORT_S + BACKGROUND_S * n, BASE_NUMBA_MIB + EVENT_MIB * n, 2)
    for catalogue, block in cfg.catalogues.items():
        count = sizes.sources[catalogue]
        table = (paths.sources.format(catalogue=catalogue), paths.sources_report.format(catalogue=catalogue))
        yield Job("build_catalogue", table, IMPORT_S + 0.5, BASE_MIB)
        for season, events in sizes.events.items():
            output = (paths.separations.format(catalogue=catalogue, season=season),)
            memory = BASE_NUMBA_MIB + EVENT_MIB * events + PAIR_MIB * events * count
            yield Job("separations", output, IMPORT_NUMBA_S + PAIR_S * events * count, memory, 2)
        output = (paths.acceptance.format(catalogue=catalogue),)
        integrals = len(seasons) * len(block.gammas) * count
        yield Job("acceptance", output, IMPORT_S + 4e-6 * integrals, BASE_NUMBA_MIB, 2)
        memory = BASE_NUMBA_MIB + EVENT_MIB * n + PAIR_MIB * n * count
        for weighting in block.weightings:
            patterns = (paths.scan, paths.limits)
            output = tuple(
                p.format(method=m, catalogue=catalogue, weighting=weighting) for p in patterns for m in methods
            )
            cost = SCAN_S * n * count * len(block.gammas)
            yield Job("stacking_scan", output, IMPORT_NUMBA_S + cost, memory, 3)
        if block.single_sources:
            output = tuple(paths.single.format(method=m, catalogue=catalogue) for m in methods)
            yield Job("single_sources", output, IMPORT_NUMBA_S + 2 * PAIR_S * n * count, memory, 2)
    sky = tuple(paths.figure(paths.sky_map_figure, cfg.figures.formats))
    yield Job("figure_sky_map", sky, IMPORT_FIGURES_S + 1.5 * len(sky), BASE_NUMBA_MIB + EVENT_MIB * n, 2)
    for method in methods:
        figures = []
        for catalogue, block in cfg.catalogues.items():
            names = {"method": method, "catalogue": catalogue}
            figures += [paths.ts_scan_figure.format(**names, weighting=weighting) for weighting in block.weightings]
            figures += [paths.limits_figure.format(**names)]
            figures += [paths.single_figure.format(**names)] if block.single_sources else []
        output = tuple(file for name in figures for file in paths.figure(name, cfg.figures.formats))
        yield Job("figures_of_method", output, IMPORT_FIGURES_S + FIGURE_S * len(output), BASE_NUMBA_MIB, 6)


def _inference(cfg: Configuration, sizes: Sizes, paths: Paths) -> Iterator[Job]:
    block = cfg.inference
    if block is None:
        return
    n = sizes.n_events
    fitted = block.gamma is None and registry.find(cfg.release.name).smearing
    trial = (TRIAL_FREE_S if fitted else TRIAL_S) * n
    alone = (SOURCE_TRIAL_FREE_S if fitted else SOURCE_TRIAL_S) * n
    memory = BASE_NUMBA_MIB + INFERENCE_MIB * n
    start = IMPORT_NUMBA_S + 2e-6 * n
    injected = (2 + len(block.discovery_sigmas)) * STRENGTHS * block.injected_trials
    n_parts = max(0, len(block.differential_log10_energy_gev) - 1)
    figures: list[str] = []
    for catalogue in block.catalogues or cfg.catalogues:
        count = sizes.sources[catalogue]
        for weighting in cfg.inferred_weightings(catalogue):
            names = {"catalogue": catalogue, "weighting": weighting}
            for first, stop in _batches(block.trials, block.trials_per_batch):
                output = (paths.stack_trials.format(**names, first=first, stop=stop),)
                yield Job("inference_trials", output, start + trial * count * (stop - first), memory, 2)
            output = tuple(paths.inference(what).format(**names) for what in ("fits", "statements", "fluxes"))
            yield Job("inference_stack", output, start + trial * count * injected, memory, 3)
            figures.append(paths.background_ts_figure.format(**names))
            if n_parts:
                output = (paths.inference("differential").format(**names),)
                cost = trial * count * n_parts * 2 * STRENGTHS * block.injected_trials
                yield Job("inference_differential", output, start + cost, memory, 3)
                figures.append(paths.differential_figure.format(**names))
            if block.recovery_trials:
                output = tuple(paths.inference(what).format(**names) for what in ("recovery", "coverage"))
                trials = RECOVERY_STRENGTHS * block.recovery_trials + 2 * SOURCE_STRENGTHS * block.injected_trials
                yield Job("inference_recovery", output, start + trial * count * trials, memory, 3)
                figures += [paths.recovery_figure.format(**names), paths.coverage_figure.format(**names)]
        if not (cfg.catalogues[catalogue].single_sources and block.single_sources):
            continue
        for first, stop in _batches(block.source_trials, block.trials_per_batch):
            output = (paths.source_trials.format(catalogue=catalogue, first=first, stop=stop),)
            yield Job("inference_source_trials", output, start + alone * count * (stop - first), memory, 2)
        for first, stop in _batches(block.sky_trials, block.trials_per_batch):
            output = (paths.sky_trials.format(catalogue=catalogue, first=first, stop=stop),)
            yield Job("inference_sky_trials", output, start + alone * count * (stop - first), memory, 2)
        output = (paths.source_inference("fits").format(catalogue=catalogue),)
        yield Job("inference_sources", output, start + alone * count * 10, memory, 3)
        calibrated = block.source_limit_method != "asymptotic"
        trials = SOURCE_STRENGTHS * block.source_injected_trials if calibrated else 100
        for part in range(block.source_jobs):
            output = tuple(
                paths.source_limits_part(what).format(catalogue=catalogue, part=part, parts=block.source_jobs)
                for what in ("limits", "hadronic")
            )
            cost = alone * 2 * count * trials / block.source_jobs
            yield Job("inference_source_limits", output, start + cost, memory, 3)
        output = tuple(paths.source_inference(w).format(catalogue=catalogue) for w in ("limits", "hadronic"))
        yield Job("inference_limits", output, start + (TRIAL_S * n * count * trials if calibrated else 0), memory, 4)
        if block.recovery_trials:
            output = tuple(paths.source_inference(w).format(catalogue=catalogue) for w in ("recovery", "coverage"))
            trials = RECOVERY_STRENGTHS * block.recovery_trials + 2 * SOURCE_STRENGTHS * block.source_injected_trials
            yield Job("inference_source_recovery", output, start + alone * trials, memory, 3)
            figures += [paths.source_recovery_figure.format(catalogue=catalogue)]
            figures += [paths.source_coverage_figure.format(catalogue=catalogue)]
        figures += [paths.p_values_figure.format(catalogue=catalogue)]
        figures += [paths.source_limits_figure.format(catalogue=catalogue)]
    if block.declinations_deg:
        n_gammas = 1 if block.gamma else 2
        trials = n_gammas * len(block.declinations_deg) * (block.source_trials + injected)
        yield Job("inference_sensitivity", (paths.sensitivity,), start + alone * trials, memory, 2)
        figures.append(paths.sensitivity_figure)
        if n_parts:
            trials = len(block.declinations_deg) * (block.source_trials + n_parts * STRENGTHS * block.injected_trials)
            output = (paths.differential_sensitivity,)
            yield Job("inference_differential_sensitivity", output, start + alone * trials, memory, 2)
            figures.append(paths.differential_sensitivity_figure)
    output = tuple(file for name in figures for file in paths.figure(name, cfg.figures.formats))
    yield Job("figures_of_inference", output, IMPORT_FIGURES_S + FIGURE_S * len(output), BASE_NUMBA_MIB, 6)


def _skymap(cfg: Configuration, sizes: Sizes, paths: Paths) -> Iterator[Job]:
    block = cfg.skymap
    if block is None:
        return
    n = sizes.n_events
    fitted = block.gamma is None and registry.find(cfg.release.name).smearing
    position = SKY_POSITION_S + (SKY_FREE_S if fitted else SKY_S) * n
    alone = (SOURCE_TRIAL_FREE_S if fitted else SOURCE_TRIAL_S) * n
    memory = BASE_NUMBA_MIB + SKY_MIB * n
    start = IMPORT_NUMBA_S + 2 + 2e-6 * n
    # 2.4 % of the coarse pixels have TS of 4 or more, half of their parts again, and fewer by e for every 2 more.
    rarer = min(8.0, math.exp((4 - block.refine_above) / 2))
    n_levels = (block.nside // block.nside_coarse).bit_length() - 1
    n_positions = 12 * block.nside_coarse**2 * (1 + 4 * 0.024 * rarer * (2**n_levels - 1))
    n_regions = 12 * block.nside_region**2
    for region in range(n_regions):
        output = (paths.skymap_region.format(region=region),)
        yield Job("skymap_region", output, start + position * n_positions / n_regions, memory, 2)
    for first, stop in _batches(block.calibration_trials, block.calibration_per_batch):
        output = (paths.skymap_calibration.format(first=first, stop=stop),)
        cost = alone * block.calibration_declinations * (stop - first)
        yield Job("skymap_calibration", output, start + cost, memory, 2)
    sky = position * n_positions + SPOT_S * SKY_SPOTS * n
    for first, stop in _batches(block.sky_trials, block.skies_per_batch):
        output = (paths.skymap_skies.format(first=first, stop=stop),)
        yield Job("skymap_skies", output, start + sky * (stop - first), memory, 2)
    tables = tuple(paths.skymap(what) for what in ("spots", "contours", "zooms", "hottest", "hottest_trials"))
    # Around a zoomed spot: 61 x 61 positions, and 48 rays of two contours with about 25 each.
    cost = SPOT_S * (900 * rarer + SKY_SPOTS) * n + position * 6100 * block.n_zooms
    yield Job("skymap", (*tables, paths.skymap_fits), start + cost, memory, 3)
    names = ("equatorial", "galactic", "hottest", *(("zooms",) if block.n_zooms else ()))
    figures = [
        file for name in names for file in paths.figure(paths.skymap_figure.format(name=name), cfg.figures.formats)
    ]
    pixels = 12 * block.nside**2
    cost = IMPORT_FIGURES_S + 1.5 * len(figures) + 4e-6 * pixels
    yield Job("figures_of_skymap", tuple(figures), cost, BASE_NUMBA_MIB + 1e-4 * pixels, 6)
    yield Job("sky_viewer", (paths.sky_viewer,), IMPORT_S + 2e-6 * pixels, BASE_MIB + 1e-4 * pixels, 6)


def _batches(n_trials: int, step: int) -> Iterator[tuple[int, int]]:
    """First and stop of every batch of trials."""
    return ((first, min(first + step, n_trials)) for first in range(0, n_trials, step))


def _bdm(cfg: Configuration, paths: Paths) -> Iterator[Job]:
    block = cfg.bdm
    if block is None:
        return
    pixels = block.n_l * block.n_b + 12 * block.nside**2
    maps = (paths.bdm_sky_map, *(paths.bdm_healpix.format(method=name) for name in ("published", "standard")))
    start, memory = IMPORT_NUMBA_S + 1, BASE_NUMBA_MIB
    yield Job("bdm_warm_up", (paths.bdm_warm_up,), BDM_WARM_UP_S, memory)
    yield Job("bdm_sky_map", maps, start + 1e-6 * pixels, memory + 8e-5 * pixels, 1)
    yield Job("bdm_cross_sections", (paths.bdm_differential, paths.bdm_targets), start, memory, 1)
    yield Job("bdm_light_curve", (paths.bdm_light_curve,), start + 2e-3 * block.n_times, memory, 1)
    yield Job("bdm_events", (paths.bdm_events,), start + 0.05 * block.n_masses, memory, 1)
    if block.exclusion is not None:
        given = block.exclusion
        curves = len(given.detectors) * (1 + given.draws) * given.n_masses
        yield Job("bdm_exclusion", (paths.bdm_exclusion,), start + 0.05 * curves, memory, 1)
        drawn = tuple(paths.figure("bdm/exclusion", cfg.figures.formats))
        yield Job("bdm_exclusion_figure", drawn, IMPORT_FIGURES_S + FIGURE_S * len(drawn), memory, 1)
    yield Job("bdm_numbers", (paths.bdm_numbers,), start + 1e-6 * pixels, memory, 2)
    names = ("sky_map", "differential_cross_section", "target_cross_sections", "light_curve", "events")
    drawn = tuple(file for name in names for file in paths.figure(f"bdm/{name}", cfg.figures.formats))
    yield Job("bdm_figures", drawn, IMPORT_FIGURES_S + 2 * FIGURE_S * len(drawn), memory, 6)
