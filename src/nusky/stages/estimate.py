"""What a run consists of and roughly what it costs, known before anything runs.

`jobs` asks Snakemake for the jobs of a configuration; `COSTS` gives the processor time and the memory of each by its
rule. The costs are straight lines in the sizes a job depends on, through the times of docs/benchmarks.md,
docs/validation/speed.md and the benchmarks of the demo: one core of an Intel Xeon server processor of about 2.5 GHz,
kernels compiled by the warm-up jobs, no other load. They are right to a factor of about two on such a machine; busy or
slower ones take longer. Downloads are not in them. What jobs ask a cluster for follows from the same costs (`request`).
"""

import contextlib
import io
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nusky.config import Configuration, Inference, SkyMap
from nusky.files import ensure_cache_home
from nusky.releases import registry
from nusky.resources import workflow_file
from nusky.search.disturbance import TRIALS_SHARE
from nusky.search.skymap.nodes import declinations
from nusky.search.trials import MOST_LEFT_OUT, SOURCES_AT_ONCE
from nusky.stages.contents import Contents
from nusky.tables import BLOCK_ROWS

EVENTS_PER_YEAR = 120_000
"""Stands in where a release's number of events is not known beforehand: seasons of the full detector have about it."""
MANY_SOURCES = 2500
"""Stands in for the sources of a catalogue when a cluster is asked for time: more than any ready-made one has."""
ENGINE_S = 1.0
"""Snakemake's own time for a job: planning, starting a process, checking outputs."""
IMPORT_S, IMPORT_NUMBA_S, IMPORT_FIGURES_S = 0.7, 1.2, 1.5
"""Start of Python and imports of a job."""
BASE_MIB, BASE_NUMBA_MIB = 200.0, 280.0
PAIRS, PAIR_MIB = 6.5e-3, 7e-5
"""Part of the pairs of events and sources that are near, and memory of one."""
FIGURE_S = 0.5
"""Per figure and format."""
TRIAL_S, TRIAL_FREE_S, TRIAL_POWER = 5.8e-10, 7.0e-10, 0.757
"""Trial of a stack, or of every source of a sky, per event and number of sources to this power; index fixed, fitted."""
TRIAL_FEW = 0.57
"""Few sources share no events: so much for each of them, in place of the power."""
STACK_SOURCE_MIB, FEW_SOURCES_MIB, FEW_SOURCES = 0.0055, 0.025, 2500
"""Of a source of a stack: its share and its lists in the sky's index; up to `FEW_SOURCES` these are longer, as in
`nusky.likelihood.cells`, which takes long to import. The number of events does not matter."""
TRIAL_MIB = 9e-5
"""Fits of a source in a trial, in the job that makes them."""
SOURCE_TRIAL_S, SOURCE_TRIAL_FREE_S = 6e-10, 1.27e-9
"""Trial of one source, per event."""
FLARE_TRIAL_S, FLARE_FIT_S = 1.1e-8, 2.5e-3
"""Trial of an unknown flare of one source, per event, and besides."""
COMMON_SKY_S = 1.5e-7
"""Drawing a whole sky and finding its events near the sources, per event."""
STACK_SOURCE_S = 0.06
"""Densities of one source of a stack, and its share of every event."""
DECLINATIONS = 150
"""So many sources of a stack, about, have densities of energy of their own; others share those of their declination."""
DENSITIES_MIB = 4.5
"""Densities of energy of one of `DECLINATIONS` at every spectral index, where the index is free."""
SEASON_S = 0.9
"""Densities of energy and AngErr of a season, and how far from a source its events matter."""
JOINED_S, JOINED_MIB = 2e-5, 1e-3
"""Putting the rows of a source of a batch together with the others."""
ROW_S, ROW_MIB = 1.3e-4, 0.011
"""A fit or limit of one source by itself in the summary, and for the report."""
RANK_S, RANK_MIB = 1e-6, 1.6e-5
"""Local p-value of a source in a sky: its part in the binomial test and in the smallest of a list."""
SOURCE_START_S = 1.1e-7
"""Preparing a source for trials, per event."""
STRENGTHS, SOURCE_STRENGTHS, RECOVERY_STRENGTHS = 5, 10, 4
"""Signal strengths at which trials are injected, about: for a statement, for the limits of a source, for recovery."""
PROFILE_TRIALS = 60
"""A likelihood profile, in trials."""
SKY_S, SKY_FREE_S, SKY_POSITION_S = 2e-10, 4e-10, 6e-5
"""Position of an all-sky map, per event; index fixed, fitted; and besides what grows with the events."""
SPOT_S, SKY_SPOTS = 4.2e-8, 100
"""Refining a hot spot, per event; spots of a scrambled sky that are refined, about: up to three in each band."""


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
    """What the costs depend on: events by season, sources by catalogue, and in how many batches they are treated."""

    events: Mapping[str, int]
    sources: Mapping[str, int]
    batches: Mapping[str, int] = field(default_factory=dict)


def events_of(cfg: Configuration) -> dict[str, int]:
    """Number of events by season; `EVENTS_PER_YEAR` where the release does not say."""
    seasons = registry.of(cfg.release).select(cfg.release.seasons) if cfg.catalogues else []
    fraction = cfg.release.generator.event_fraction if cfg.release.synthetic == "always" else 1.0
    return {season.name: round((season.n_events or EVENTS_PER_YEAR) * fraction) for season in seasons}


class Case:
    """The sizes of one job."""

    def __init__(self, cfg: Configuration, sizes: Sizes, names: Mapping[str, str], n_outputs: int) -> None:
        self.cfg, self.names, self.n_outputs = cfg, names, n_outputs
        self.inference, self.skymap, self.bdm = cfg.inference, cfg.skymap, cfg.bdm
        self.sizes = sizes
        self.events = sum(sizes.events.values())
        self.kind, *rest = names.get("hypothesis", "").split("/")
        self.catalogue = names.get("catalogue") or (rest[0] if rest else "")
        self.time = cfg.catalogues[self.catalogue].time if self.catalogue else None
        self.sources = sizes.sources.get(self.catalogue, 0)
        self.batches = sizes.batches.get(self.catalogue, 1) if self.kind == "sources" else 1
        if self.kind == "sources" and rest[1:]:
            self.sources, self.batches = math.ceil(self.sources / self.batches), 1
        if self.kind == "declinations":
            self.sources = len(self.inference.declinations_deg)
        if self.kind == "durations":
            self.sources = len(self.inference.durations.days)
        self.batch = int(names.get("stop", 0)) - int(names.get("first", 0))
        self.in_common = names.get("skies") == "skies"

    @property
    def n_gammas(self) -> int:
        """Indices of the stack; those at which fluxes of the inference are quoted, where there is no catalogue."""
        if self.cfg.spectrum_of(self.catalogue).fitted != "gamma" or (self.kind and self.inference.gamma):
            return 1
        return len(self.cfg.catalogues[self.catalogue].gammas) if self.catalogue else 2

    def is_free(self, block: Inference | SkyMap) -> bool:
        """Whether the inference or the map fits something together with n_s."""
        fitted = self.cfg.spectrum_of(self.catalogue if block is self.inference else None).fitted
        free = block.gamma is None if fitted == "gamma" else bool(fitted)
        return free and registry.of(self.cfg.release).smearing

    @property
    def trial(self) -> float:
        """A trial of the hypothesis: a stack, or each of its sources by itself [s]."""
        free = self.is_free(self.inference)
        if self.kind == "stack":
            shared = min(self.sources**TRIAL_POWER, TRIAL_FEW * self.sources)
            return (TRIAL_FREE_S if free else TRIAL_S) * self.events * shared
        if self.time and self.time.profile == "flare":
            return (FLARE_TRIAL_S * self.events + FLARE_FIT_S) * self.sources
        curves = self.time.n_curves if self.time else 1
        return (SOURCE_TRIAL_FREE_S if free else SOURCE_TRIAL_S) * self.events * self.sources * curves

    @property
    def parts_of_a_stack(self) -> float:
        """Densities and far pairs of one source of a stack by itself [s]."""
        return STACK_SOURCE_S + SOURCE_START_S * self.events

    @property
    def common_sky(self) -> float:
        """Drawing all events of a sky, where a batch is of common ones [s]."""
        draws = math.ceil(self.sources / SOURCES_AT_ONCE) if self.kind == "sources" else 1
        return COMMON_SKY_S * self.events * draws if self.in_common else 0.0

    @property
    def start(self) -> float:
        """Imports, and reading the events for the likelihood [s]; densities of energy where it has them."""
        energies = self.cfg.catalogues and registry.of(self.cfg.release).smearing
        return IMPORT_NUMBA_S + 2e-6 * self.events + (SEASON_S * len(self.sizes.events) if energies else 0.0)

    @property
    def source_limit_trials(self) -> int:
        """Trials behind the limit of a source."""
        calibrated = self.inference.source_limit_method != "asymptotic"
        return SOURCE_STRENGTHS * self.inference.source_injected_trials if calibrated else 100

    @property
    def alone(self) -> tuple[float, float]:
        """Time and memory of the fits and limits of sources by themselves, where all of them are read [s, MiB]."""
        block, catalogues = self.inference, self.cfg.catalogues
        alone = block and block.single_sources
        chosen = [name for name in self.cfg.inferred if alone and catalogues[name].single_sources]
        rows = sum(self.sizes.sources.get(name, 0) * (1 + len(catalogues[name].gammas)) for name in chosen)
        return IMPORT_S + ROW_S * rows, BASE_MIB + ROW_MIB * rows

    @property
    def limits_jobs(self) -> int:
        """Jobs that share the limits of the sources of the job."""
        return int(self.names.get("parts", self.inference.source_jobs))

    @property
    def trials_of_strength(self) -> int:
        """Trials with signal at each strength."""
        block = self.inference
        return block.injected_trials if self.kind == "stack" else block.source_injected_trials

    def injected(self, statements: int, with_discoveries: bool = True) -> int:
        """Trials with signal behind some statements, and the discovery potentials that are asked for."""
        discoveries = len(self.inference.discovery_sigmas) if with_discoveries else 0
        return (statements + discoveries) * STRENGTHS * self.inference.injected_trials

    @property
    def position(self) -> float:
        """A position of the all-sky map [s]."""
        return SKY_POSITION_S + (SKY_FREE_S if self.is_free(self.skymap) else SKY_S) * self.events

    @property
    def rarer(self) -> float:
        """Pixels worth refining, relative to those with TS of 4 or more: fewer by e for every 2 more."""
        return min(8.0, math.exp((4 - self.skymap.refine_above) / 2))

    @property
    def sky(self) -> float:
        """A map of the whole sky [s]; 2.4 % of the coarse pixels have TS of 4 or more, half of their parts again."""
        block = self.skymap
        n_levels = (block.nside // block.nside_coarse).bit_length() - 1
        return self.position * 12 * block.nside_coarse**2 * (1 + 4 * 0.024 * self.rarer * (2**n_levels - 1))

    @property
    def calibration(self) -> float:
        """A batch of trials of the all-sky map's calibration, and what prepares it, at every declination [s]."""
        alone = SOURCE_TRIAL_FREE_S if self.is_free(self.skymap) else SOURCE_TRIAL_S
        n = len(declinations(self.skymap.calibration_spacing_deg))
        return n * self.events * (SOURCE_START_S + alone * self.batch)

    @property
    def pixels(self) -> int:
        """Of the maps a job writes or draws."""
        return 12 * self.skymap.nside**2 if self.skymap else 0

    @property
    def bdm_pixels(self) -> int:
        """Of the maps of boosted dark matter."""
        return self.bdm.n_l * self.bdm.n_b + 12 * self.bdm.nside**2


Cost = Callable[[Case], tuple[float, float]]
"""Processor time [s] and peak memory [MiB] of a job."""
Amount = Callable[[Case], float]


def _search(cpu: Amount, pairs: bool = True) -> Cost:
    """A job of the flux scans: its time beyond imports; near pairs of a season need memory, up to a block of them."""

    def cost(c: Case) -> tuple[float, float]:
        near = min(PAIRS * max(c.sizes.events.values(), default=0) * c.sources, BLOCK_ROWS) if pairs else 0
        return IMPORT_NUMBA_S + cpu(c), BASE_NUMBA_MIB + 7e-5 * c.events + PAIR_MIB * near

    return cost


def _trials(cpu: Amount, targets: Amount = lambda c: c.sources, every: bool = False) -> Cost:
    """A job of the inference; sources take time and memory beside their trials.

    `targets` are prepared, where each is tested by itself; with `every` the TS of all trials of all are held.
    """

    def cost(c: Case) -> tuple[float, float]:
        free = c.is_free(c.inference)
        if c.kind == "stack":
            densities = min(c.sources, DECLINATIONS) if free else 0
            prepared = STACK_SOURCE_S * densities + 2.5e-4 * c.sources
            lists = FEW_SOURCES_MIB if c.sources <= FEW_SOURCES else 0.0
            held = (STACK_SOURCE_MIB + lists) * c.sources
        else:
            densities = min(c.sources, SOURCES_AT_ONCE) if free and c.in_common else 0
            prepared = c.parts_of_a_stack * targets(c)
            batch = c.batch or min(c.inference.trials_per_batch, c.inference.source_trials)
            held = TRIAL_MIB * c.sources / c.batches * batch
            held += 1e-5 * c.sources * c.inference.source_trials if every else 0.0
        memory = BASE_NUMBA_MIB + 6.5e-4 * c.events + held + DENSITIES_MIB * densities
        return c.start + cpu(c) + prepared, memory

    return cost


def _shared(cost: Cost, sky_mib: float = 0.0) -> Cost:
    """A job of the inference on sources by themselves, or one that puts their batches together.

    Of these, `sky_mib` is held for each source in each of the common skies.
    """

    def whole(c: Case) -> tuple[float, float]:
        ranks = c.sources * c.inference.sky_trials if sky_mib else 0
        memory = BASE_NUMBA_MIB + 6.5e-4 * c.events + JOINED_MIB * c.sources + sky_mib * ranks
        return c.start + JOINED_S * c.sources + RANK_S * ranks, memory

    return lambda c: (cost if c.batches == 1 else whole)(c)


def _sky(cpu: Amount) -> Cost:
    return lambda c: (2 + c.start + cpu(c), BASE_NUMBA_MIB + 2.4e-3 * c.events)


def _bdm(cpu: Amount) -> Cost:
    return lambda c: (IMPORT_NUMBA_S + 1 + cpu(c), BASE_NUMBA_MIB + 8e-5 * c.bdm_pixels)


COSTS: dict[str, Cost] = {
    "fetch_release": lambda c: (IMPORT_S + 3e-6 * c.events, BASE_MIB),
    "ingest_release": lambda c: (IMPORT_S + 3.1e-6 * c.events, BASE_MIB + 1.4e-4 * c.events),
    "warm_up": lambda c: (35.0, 1.4 * BASE_NUMBA_MIB),
    "build_catalogue": lambda c: (IMPORT_S + 1.2 + 2.5e-5 * c.sources, BASE_MIB),
    "separations": _search(lambda c: 2.1e-9 * c.events * c.sources),
    "acceptance": _search(lambda c: 0.5 + 1.5e-5 * c.n_gammas * c.sources, pairs=False),
    "background": _search(lambda c: 4.1e-7 * c.events, pairs=False),
    "stacking_scan": _search(lambda c: 6e-10 * c.events * c.sources * c.n_gammas),
    "single_sources": _search(lambda c: (5e-4 + 1e-9 * c.events) * c.sources, pairs=False),
    "inference_trials": _trials(
        lambda c: (c.trial + c.common_sky) * c.batch, lambda c: 0 if c.in_common else c.sources
    ),
    "inference_fits": _trials(lambda c: c.trial * 10),
    "inference_flares": _shared(_trials(lambda c: c.trial * 30)),
    "inference_source_fits": _shared(_trials(lambda c: c.trial * 10, every=True), RANK_MIB),
    "inference_source_ranks": _trials(lambda c: c.trial * 10, every=True),
    # Without each source that matters one fit and the far pairs of all; then trials without the few that matter most.
    "inference_stack_sources": _trials(
        lambda c: (
            (c.trial + c.parts_of_a_stack) * min(c.sources, MOST_LEFT_OUT)
            + c.trial * min(c.sources, c.inference.leave_one_out_sources) * c.inference.leave_one_out_trials
        )
    ),
    "inference_statements": _trials(lambda c: c.trial * c.injected(2)),
    "inference_sensitivity": _trials(lambda c: c.trial * c.n_gammas * c.injected(1)),
    "inference_differential": _trials(
        lambda c: (
            (len(c.inference.differential_log10_energy_gev) - 1)
            * c.trial
            * c.injected(2 if c.kind == "stack" else 1, with_discoveries=False)
        )
    ),
    "windows": lambda c: (IMPORT_NUMBA_S + 1e-8 * c.events, BASE_NUMBA_MIB + 2e-5 * c.events),
    "inference_recovery": _trials(
        lambda c: (
            c.trial
            / (1 if c.kind == "stack" else max(1, c.sources))
            * (RECOVERY_STRENGTHS * c.inference.recovery_trials + 2 * SOURCE_STRENGTHS * c.trials_of_strength)
        ),
        lambda c: 1,
    ),
    "inference_profiles": _shared(_trials(lambda c: c.trial * PROFILE_TRIALS)),
    "inference_systematics": _shared(
        _trials(lambda c: c.trial * c.n_gammas * 7 * TRIALS_SHARE * SOURCE_STRENGTHS * c.trials_of_strength)
    ),
    "inference_limits_part": _trials(
        lambda c: 2 * len((c.time and c.time.limit_days) or [None]) * c.trial * c.source_limit_trials / c.limits_jobs,
        lambda c: c.sources / c.limits_jobs,
    ),
    "inference_limits": _trials(
        lambda c: TRIAL_S * c.events * c.sources**TRIAL_POWER * c.source_limit_trials, lambda c: 0
    ),
    "skymap_region": _sky(lambda c: c.sky / (12 * c.skymap.nside_region**2)),
    "skymap_calibration": _sky(lambda c: c.calibration),
    "skymap_skies": _sky(lambda c: (c.sky + SPOT_S * SKY_SPOTS * c.events) * c.batch),
    # Around a zoomed spot: 61 x 61 positions, and 48 rays of two contours with about 25 each.
    "skymap": _sky(lambda c: SPOT_S * (900 * c.rarer + SKY_SPOTS) * c.events + c.position * 6100 * c.skymap.n_zooms),
    "corrected": lambda c: (IMPORT_S, BASE_MIB),
    "sky_viewer": lambda c: (IMPORT_S + 2e-6 * c.pixels, BASE_MIB + 1e-4 * c.pixels),
    "figures": lambda c: (
        IMPORT_FIGURES_S + FIGURE_S * c.n_outputs + 4e-6 * c.pixels,
        BASE_NUMBA_MIB + 7e-5 * c.events + 1e-4 * c.pixels,
    ),
    "bdm_warm_up": lambda c: (20.0, BASE_NUMBA_MIB),
    "bdm_sky_map": _bdm(lambda c: 1e-6 * c.bdm_pixels),
    "bdm_cross_sections": _bdm(lambda c: 0.0),
    "bdm_light_curve": _bdm(lambda c: 2e-3 * c.bdm.n_times),
    "bdm_events": _bdm(lambda c: 0.05 * c.bdm.n_masses),
    "bdm_exclusion": _bdm(
        lambda c: 0.05 * c.bdm.exclusion.n_masses * (1 + c.bdm.exclusion.draws) * len(c.bdm.exclusion.detectors)
    ),
    "bdm_numbers": _bdm(lambda c: 1e-6 * c.bdm_pixels),
    "bdm_figures": _bdm(lambda c: 2 * FIGURE_S * c.n_outputs),
    "summary": lambda c: c.alone,
    "report": lambda c: c.alone,
}
"""By rule."""


def request(contents: Contents, rule: str) -> dict[str, Callable[..., int]]:
    """What a job of `rule` asks a cluster for: megabytes and minutes, as functions of its wildcards and the attempt.

    At least twice what it costs, catalogues taken to be large, or as large as their files; a job that failed asks for
    as much again.
    """

    def cost(wildcards: Any) -> tuple[float, float]:
        sources = {name: max(MANY_SOURCES, rows) for name, rows in contents.rows.items()}
        sizes = Sizes(events_of(contents.cfg), sources, contents.batches)
        return COSTS[rule](Case(contents.cfg, sizes, dict(wildcards), n_outputs=100))

    download = 120 if rule == "fetch_release" else 0
    return {
        "mem_mb": lambda wildcards, attempt: attempt * round(500 + 2 * cost(wildcards)[1]),
        "runtime": lambda wildcards, attempt: attempt * round(15 + download + 4 * cost(wildcards)[0] / 60),
    }


def jobs(cfg: Configuration, sizes: Sizes, directory: Path = Path(".")) -> list[Job]:
    """Every job of a run from nothing, as Snakemake plans it, source lists named relative to `directory`."""
    sizes, planned = replace(sizes, batches=Contents(cfg, directory).batches), []
    for rule, names, outputs, after in _plan(cfg, directory):
        cpu_s, memory = COSTS[rule](Case(cfg, sizes, names, len(outputs)))
        planned.append(Job(rule, outputs, cpu_s, memory, after))
    return planned


def _plan(cfg: Configuration, directory: Path) -> list[tuple[str, dict[str, str], tuple[str, ...], int]]:
    """Rule, wildcards, outputs and depth of every job, planned in an empty folder."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings import types

    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),  # a quiet Snakemake still logs there
        SnakemakeApi(types.OutputSettings(dryrun=True, quiet={types.Quietness.ALL})) as api,
    ):
        ensure_cache_home(Path(folder) / "cache")
        workflow = api.workflow(
            resource_settings=types.ResourceSettings(cores=1),
            config_settings=types.ConfigSettings(
                config=_located(cfg.model_dump(mode="json", exclude_unset=True), directory)
            ),
            storage_settings=types.StorageSettings(),
            workflow_settings=types.WorkflowSettings(),
            snakefile=workflow_file("Snakefile"),
            workdir=Path(folder),
        )
        workflow.dag(dag_settings=types.DAGSettings()).execute_workflow(executor="dryrun")
        dag = workflow._workflow.dag
        after: dict[Any, int] = {}
        for together in dag.toposorted():  # sets, in the order of addresses
            for one in sorted(together, key=lambda job: (job.rule.name, list(map(str, job.output)))):
                after[one] = 1 + max((after[needed] for needed in dag.dependencies[one]), default=-1)
        return [
            (job.rule.name, dict(job.wildcards_dict), tuple(map(str, job.output)), number)
            for job, number in after.items()
            if job.output
        ]


def _located(block: Any, directory: Path) -> Any:
    """A block of the configuration with its files, named relative to `directory`, by their whole path."""
    if isinstance(block, list):
        return [_located(entry, directory) for entry in block]
    if not isinstance(block, dict):
        return block
    return {
        key: str((directory / value).resolve())
        if key == "file" and isinstance(value, str)
        else _located(value, directory)
        for key, value in block.items()
    }


@dataclass(frozen=True)
class Total:
    """Cost of a list of jobs."""

    n_jobs: int
    cpu_s: float
    wall_s: float
    memory_mib: float
    """Peak of one job; so much is needed per core that is used."""
    longest_s: float
    """Processor time of the longest job."""


def total(planned: list[Job], cores: int) -> Total:
    """Cost on `cores` cores: in each step of the run, jobs share the cores and the longest one bounds them."""
    steps: dict[int, list[float]] = defaultdict(list)
    for job in planned:
        steps[job.after].append(job.cpu_s + ENGINE_S)
    wall = sum(max(sum(times) / cores, max(times)) for times in steps.values())
    memory = max((job.memory_mib for job in planned), default=0.0)
    longest = max((job.cpu_s for job in planned), default=0.0)
    return Total(len(planned), sum(job.cpu_s for job in planned), wall, memory, longest)


def by_rule(planned: list[Job]) -> dict[str, list[Job]]:
    """Jobs of every rule, in the order of the run."""
    grouped: dict[str, list[Job]] = {}
    for job in sorted(planned, key=lambda job: job.after):
        grouped.setdefault(job.rule, []).append(job)
    return grouped
