"""What a run consists of: its stacks, hypotheses and tables, known from the configuration.

The rules, the figures, the summary and the report all take their lists from here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nusky.config import MAX_BATCHES, Configuration
from nusky.errors import ConfigurationError
from nusky.paths import Paths
from nusky.releases import registry
from nusky.stages import origins

Names = dict[str, str]  # what closes the wildcards of a file-name pattern
DECLINATIONS, DURATIONS = "declinations", "durations"
FLARES = "flares"
"""Stands for the sources of a catalogue in which unknown flares are looked for."""
SHARED = ("fits", "profiles", "systematics", "flares", "windows", "weights")
"""Tables of single sources that are made batch by batch where a list is long, and then put together."""
LIMITS_JOBS = 10
"""Jobs that share the limits of a batch of sources: each takes much longer than its other numbers."""


@dataclass(frozen=True)
class Contents:
    """The parts of the run of a configuration; lists of `Names` unless said otherwise.

    Attributes
    ----------
    directory : folder that source lists are named relative to
    """

    cfg: Configuration
    directory: Path = Path(".")

    @cached_property
    def paths(self) -> Paths:
        """File names of the run."""
        return Paths(self.cfg.run)

    @cached_property
    def seasons(self) -> list[str]:
        """Names of the seasons that are searched."""
        chosen = registry.of(self.cfg.release).select(self.cfg.release.seasons)
        return [season.name for season in chosen]

    @cached_property
    def stacks(self) -> list[Names]:
        """Every weighting of every catalogue whose flux is scanned: none without an effective area, or for a cone."""
        if not (self.cfg.release.states_fluxes and self.cfg.release.covers_the_sky):
            return []
        return [
            {"catalogue": catalogue, "weighting": weighting}
            for catalogue, block in self.cfg.catalogues.items()
            for weighting in block.weightings
        ]

    @cached_property
    def singles(self) -> list[Names]:
        """Catalogues whose sources are searched one by one."""
        if not self.cfg.release.covers_the_sky:
            return []
        return [{"catalogue": name} for name, block in self.cfg.catalogues.items() if block.single_sources]

    def by_method(self, names: list[Names]) -> list[Names]:
        """`names` for each of the methods."""
        return [{"method": method, **own} for method in self.cfg.methods for own in names]

    @cached_property
    def windowed(self) -> list[Names]:
        """Catalogues whose sources change with time as is known."""
        return [
            {"catalogue": name} for name in self.cfg.inferred if self.cfg.windowed(name) and not self.cfg.flaring(name)
        ]

    @cached_property
    def hypotheses(self) -> list[Names]:
        """Every hypothesis of the inference with its catalogue, its weighting and a label for people."""
        found = []
        for name in self.cfg.inferred:
            found += [
                {"hypothesis": f"stack/{name}/{w}", "catalogue": name, "weighting": w, "label": f"{name}, {w} weights"}
                for w in ([] if self.cfg.one_by_one(name) else self.cfg.inferred_weightings(name))
            ]
        for name in self.cfg.inferred:
            if self.cfg.inference.single_sources and self.cfg.catalogues[name].single_sources:
                found.append({"hypothesis": f"sources/{name}", "catalogue": name, "label": f"one source of {name}"})
        if self.cfg.inference and self.cfg.inference.declinations_deg:
            found.append({"hypothesis": DECLINATIONS, "label": "point sources"})
        if self.cfg.inference and self.cfg.inference.durations:
            found.append({"hypothesis": DURATIONS, "label": "windows at a position"})
        return found

    def of_kind(self, *kinds: str) -> list[Names]:
        """The hypotheses whose names begin with one of `kinds`: 'stack', 'sources', 'declinations' or 'durations'."""
        return [names for names in self.hypotheses if names["hypothesis"].split("/")[0] in kinds]

    @cached_property
    def inference_tables(self) -> dict[str, dict[str, str]]:
        """By hypothesis: its tables by what they hold, trials and parts aside."""
        block, limits = self.cfg.inference, ["limits", "hadronic", "gamma_rays"]
        kinds = {
            "stack": ["fits", "searches", "sources", "statements", "fluxes"],
            "sources": ["fits", "searches", "population", *limits],
            DECLINATIONS: ["sensitivity"],
            DURATIONS: ["sensitivity"],
        }
        if block and block.differential_log10_energy_gev:
            kinds["stack"].append("differential")
            kinds[DECLINATIONS].append("differential")
        if block and block.recovery_trials:
            kinds["stack"] += ["recovery", "coverage"]
            kinds["sources"] += ["recovery", "coverage"]
        for what, asked in (("profiles", block and block.profiles), ("systematics", block and block.systematics)):
            if asked:
                kinds["stack"].append(what)
                kinds["sources"].append(what)
        kinds[FLARES] = ["fits", "searches", "population", "flares", "windows", "weights"]
        found = {}
        for names in self.hypotheses:
            name, catalogue = names["hypothesis"], names.get("catalogue")
            kind = FLARES if catalogue and self.cfg.flaring(catalogue) else name.split("/")[0]
            more = limits if kind == FLARES and self.cfg.catalogues[catalogue].time.limit_days else []
            tables = [*kinds[kind], *more]
            found[name] = {what: self.paths.inference(what).format(hypothesis=name) for what in tables}
        return found

    @cached_property
    def corrected(self) -> bool:
        """Whether anything is tested that gives a p-value of the run."""
        return bool(self.having("searches", "stack", "sources") or self.cfg.skymap)

    def having(self, what: str, *kinds: str) -> list[Names]:
        """The hypotheses of some `kinds` that have a table of the inference, such as 'coverage'."""
        return [names for names in self.of_kind(*kinds) if what in self.inference_tables[names["hypothesis"]]]

    @cached_property
    def rows(self) -> dict[str, int]:
        """Rows of the source lists by catalogue, roughly and rather too many."""
        return {
            name: sum(_rows(self.directory / file) for file in origins.source_lists(block))
            for name, block in self.cfg.catalogues.items()
        }

    @cached_property
    def batches(self) -> dict[str, int]:
        """By catalogue that is inferred: batches in which its sources are treated by themselves.

        Raises
        ------
        ConfigurationError : more than a run can plan.
        """
        found = {}
        for name in self.cfg.inferred:
            block, n = self.cfg.inference, max(1, -(-self.rows[name] // self.cfg.inference.sources_per_batch))
            jobs = n * -(-max(block.source_trials, block.sky_trials) // block.trials_per_batch)
            if n > 1 and jobs > MAX_BATCHES:
                raise ConfigurationError(
                    f"in config block `inference`: {jobs} jobs of sources_per_batch and trials_per_batch for the "
                    f"{self.rows[name]} rows of catalogue '{name}', more than {MAX_BATCHES}: raise one of them"
                )
            found[name] = n
        return found

    def parts(self, hypothesis: str) -> list[str]:
        """The batches of the sources of a catalogue as hypotheses of their own; none where one job treats all."""
        kind, _, catalogue = hypothesis.partition("/")
        n = self.batches.get(catalogue, 1) if kind == "sources" else 1
        return [f"{hypothesis}/{part}-of-{n}" for part in range(n)] if n > 1 else []

    def part_tables(self, hypothesis: str, what: str) -> list[str]:
        """A table of a hypothesis as its batches of sources have it."""
        return [self.paths.inference(what).format(hypothesis=part) for part in self.parts(hypothesis)]

    def trials(self, hypothesis: str, skies: str = "trials") -> list[str]:
        """The batches of a hypothesis: its own `trials`, or the common `skies`; only the last one may be a part."""
        if parts := self.parts(hypothesis):
            return [file for part in parts for file in self.trials(part, skies)]
        block = self.cfg.inference
        if skies == "skies":
            total = block.sky_trials if hypothesis.startswith(("stack/", "sources/")) else 0
        else:
            total = block.trials if hypothesis.startswith("stack/") else block.source_trials
        names = {"hypothesis": hypothesis, "skies": skies}
        return batches(self.paths.trials, total, block.trials_per_batch, **names)

    def limits_parts(self, what: str, hypothesis: str) -> list[str]:
        """The files of all parts of the limits of single sources, `what` = 'limits' or 'hadronic'."""
        batches, pattern, jobs = self.parts(hypothesis), self.paths.limits_part(what), self.cfg.inference.source_jobs
        if batches:
            jobs = max(LIMITS_JOBS, -(-jobs // len(batches)))
        return [
            pattern.format(hypothesis=own, part=part, parts=jobs)
            for own in batches or [hypothesis]
            for part in range(jobs)
        ]

    @cached_property
    def skymap_tables(self) -> dict[str, str]:
        """The tables of the all-sky map by what they hold."""
        kinds = ("spots", "contours", "zooms", "hottest", "hottest_trials") if self.cfg.skymap else ()
        return {what: self.paths.skymap(what) for what in kinds}

    @cached_property
    def skymap_parts(self) -> dict[str, list[str]]:
        """Regions of the all-sky map, batches of its calibration and of its scrambled skies."""
        block = self.cfg.skymap
        if block is None:
            return {"regions": [], "calibrations": [], "skies": []}
        regions = range(12 * block.nside_region**2)
        trials = (self.paths.skymap_calibration, block.calibration_trials, block.calibration_per_batch)
        return {
            "regions": [self.paths.skymap_region.format(region=region) for region in regions],
            "calibrations": batches(*trials),
            "skies": batches(self.paths.skymap_skies, block.sky_trials, block.skies_per_batch),
        }

    def tables(self) -> Iterator[str]:
        """Every table of the run."""
        paths, catalogues = self.paths, [{"catalogue": name} for name in self.cfg.catalogues]
        if catalogues:
            yield from (paths.seasons, paths.uptimes, paths.effective_area)
            yield from (paths.smearing, paths.angular_resolution)
            yield from closed([paths.events], [{"season": season} for season in self.seasons])
            yield from closed([paths.sources], catalogues)
            if self.stacks:
                yield from closed([paths.background], [{"season": season} for season in self.seasons])
                yield from closed([paths.acceptance], catalogues)
                yield from closed([paths.separations], [n | {"season": s} for n in catalogues for s in self.seasons])
            yield from closed([paths.scan, paths.limits], self.by_method(self.stacks))
            yield from closed([paths.single], self.by_method(self.singles))
        if self.cfg.bdm:
            yield from (getattr(paths, f"bdm_{what}") for what in ("sky_map", "differential", "targets"))
            yield from (paths.bdm_light_curve, paths.bdm_events, paths.bdm_numbers)
            if self.cfg.bdm.exclusion:
                yield paths.bdm_exclusion
        yield from closed([paths.windows], self.windowed)
        for names in self.hypotheses:
            hypothesis = names["hypothesis"]
            yield from self.trials(hypothesis) + self.trials(hypothesis, "skies")
            yield from self.inference_tables[hypothesis].values()
            for what in ("ranks", *filter(self.inference_tables[hypothesis].__contains__, SHARED)):
                yield from self.part_tables(hypothesis, what)
        for names in self.having("limits", "sources"):
            for what in ("limits", "hadronic"):
                yield from self.limits_parts(what, names["hypothesis"])
        for files in (*self.skymap_parts.values(), self.skymap_tables.values()):
            yield from files
        if self.corrected:
            yield from (paths.corrected, paths.corrected_skies)


def closed(patterns: list[str], names: list[Names]) -> list[str]:
    """Each of `patterns` for each of `names`."""
    return [pattern.format(**own) for pattern in patterns for own in names]


def batches(pattern: str, total: int, step: int, **names: Any) -> list[str]:
    """The files of the trials 0 ... `total` - 1 in batches of `step`; only the last one may be a part of a batch."""
    return [pattern.format(**names, first=first, stop=min(first + step, total)) for first in range(0, total, step)]


def _rows(file: Path) -> int:
    """Rows of a source list, roughly and rather too many, from its form alone; 0 where it is not there."""
    try:
        content = file.read_bytes()
    except OSError:  # said with its reason when the list is read
        return 0
    if content.startswith(b"SIMPLE"):
        return max((int(number) for number in re.findall(rb"NAXIS2  = *(\d+)", content)), default=0)
    if content.startswith(b"\x1f\x8b"):
        return len(content) // 10
    return max(content.count(b"\n"), content.count(b"\r"), content.count(b"<TR"))
