"""Every file-name pattern of a run's results, used by the rules, the stages and the tests.

`Paths(run)` gives patterns in which Snakemake's wildcards (``{season}``, ``{catalogue}``, ``{weighting}``,
``{method}``, ``{hypothesis}``) are still open; ``str.format`` closes them. A hypothesis of the inference is
``stack/<catalogue>/<weighting>``, ``sources/<catalogue>`` (each by itself), ``declinations`` or ``durations``; a batch
of the sources of a long list is ``sources/<catalogue>/<part>-of-<parts>``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nusky.errors import TableError

DOWNLOADS = "data"
PATTERNS = {
    "release": "release.json",
    "events": "events/{season}.parquet",
    "seasons": "seasons.parquet",
    "uptimes": "uptimes.parquet",
    "effective_area": "effective_area.parquet",
    "smearing": "smearing.parquet",
    "angular_resolution": "angular_resolution.parquet",
    "sources": "sources/{catalogue}.parquet",
    "sources_report": "sources/{catalogue}.json",
    "warm_up": "logs/kernels.ready",
    "separations": "separations/{catalogue}/{season}.parquet",
    "acceptance": "acceptance/{catalogue}.parquet",
    "background": "background/{season}.parquet",
    "scan": "{method}/scan/{catalogue}/{weighting}.parquet",
    "limits": "{method}/limits/{catalogue}/{weighting}.parquet",
    "single": "{method}/single/{catalogue}.parquet",
    "bdm_warm_up": "logs/bdm_kernels.ready",
    "bdm_sky_map": "bdm/sky_map.parquet",
    "bdm_healpix": "bdm/sky_map_{method}.fits",
    "bdm_differential": "bdm/differential_cross_section.parquet",
    "bdm_targets": "bdm/target_cross_sections.parquet",
    "bdm_light_curve": "bdm/light_curve.parquet",
    "bdm_events": "bdm/events.parquet",
    "bdm_exclusion": "bdm/exclusion.parquet",
    "bdm_numbers": "bdm/numbers.parquet",
    "windows": "windows/{catalogue}.parquet",
    "trials": "standard/inference/{hypothesis}/{skies}/{first}-{stop}.parquet",
    "skymap_region": "standard/skymap/regions/{region}.parquet",
    "skymap_calibration": "standard/skymap/calibration/{first}-{stop}.parquet",
    "skymap_skies": "standard/skymap/skies/{first}-{stop}.parquet",
    "skymap_fits": "standard/skymap/map.fits",
    "corrected": "standard/corrected.parquet",
    "corrected_skies": "standard/corrected_skies.parquet",
    "summary": "summary.json",
    "report": "report.html",
    "sky_viewer": "sky_viewer.html",
}
"""By attribute of `Paths`. The `skies` of trials are ``trials``, of each hypothesis' own, or ``skies`` in common."""


@dataclass(frozen=True)
class Paths:
    """File names under ``results/<run>/``."""

    run: str
    results: str = "results"

    @property
    def root(self) -> str:
        return f"{self.results}/{self.run}"

    def __getattr__(self, name: str) -> str:
        if name not in PATTERNS:
            raise AttributeError(name)
        return f"{self.root}/{PATTERNS[name]}"

    def inference(self, what: str) -> str:
        """A table of a hypothesis of the standard inference, such as 'fits', 'statements' or 'limits'."""
        return f"{self.root}/standard/inference/{{hypothesis}}/{what}.parquet"

    def limits_part(self, what: str) -> str:
        """The limits of a part of the single sources, `what` = 'limits' or 'hadronic'."""
        return self.inference(f"parts/{what}/{{part}}-of-{{parts}}")

    def skymap(self, what: str) -> str:
        """A table of the all-sky map, `what` = 'spots', 'contours', 'zooms', 'hottest' or 'hottest_trials'."""
        return f"{self.root}/standard/skymap/{what}.parquet"

    def figure(self, name: str, formats: Sequence[str]) -> list[str]:
        """The files of one figure, one for each format."""
        return [f"{self.root}/figures/{name}.{suffix}" for suffix in formats]

    def log(self, stage: str) -> list[str]:
        """The messages of a job, and its run log (`nusky.stages.run_log`)."""
        return [f"{self.root}/logs/{stage}.{suffix}" for suffix in ("log", "json")]

    def benchmark(self, stage: str) -> str:
        """Time and memory of a job, as Snakemake measures them."""
        return f"{self.root}/benchmarks/{stage}.tsv"


def summary_of(folder: Path) -> Path:
    """``summary.json`` of the finished run in `folder`; `TableError` where there is none."""
    summary = folder / "summary.json"
    if summary.is_file():
        return summary
    if folder.is_dir():
        runs = sorted(path.parent for path in folder.glob("*/summary.json"))
        meant = f"Did you mean {runs[0]}?" if runs else "`nusky run` with its configuration finishes a run."
        raise TableError(f"{folder}: no run has finished here, as there is no summary.json. {meant}")
    if folder.exists():
        run = folder.parent if (folder.parent / summary.name).is_file() else Path("results/NAME")
        raise TableError(f"{folder}: is a file. Give the folder of the run, such as {run}.")
    usual = Path("results") / folder
    meant = f"Did you mean {usual}?" if (usual / summary.name).is_file() else "Give one with a summary.json in it."
    raise TableError(f"{folder}: no such folder of a run. {meant}")
