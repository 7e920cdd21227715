"""Every file-name pattern of a run's results, used by the rules and by the tests.

`Paths(run)` gives patterns in which Snakemake's wildcards (``{season}``, ``{catalogue}``, ``{weighting}``,
``{method}``) are still open; ``str.format`` closes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

DOWNLOADS = "data"


@dataclass(frozen=True)
class Paths:
    """File names under ``results/<run>/``."""

    run: str
    results: str = "results"

    @property
    def root(self) -> str:
        return f"{self.results}/{self.run}"

    def _pattern(self, tail: str) -> str:
        return f"{self.root}/{tail}"

    @property
    def release(self) -> str:
        return self._pattern("release.json")

    @property
    def events(self) -> str:
        return self._pattern("events/{season}.parquet")

    @property
    def seasons(self) -> str:
        return self._pattern("seasons.parquet")

    @property
    def uptimes(self) -> str:
        return self._pattern("uptimes.parquet")

    @property
    def effective_area(self) -> str:
        return self._pattern("effective_area.parquet")

    @property
    def smearing(self) -> str:
        return self._pattern("smearing.parquet")

    @property
    def sources(self) -> str:
        return self._pattern("sources/{catalogue}.parquet")

    @property
    def sources_report(self) -> str:
        return self._pattern("sources/{catalogue}.json")

    @property
    def warm_up(self) -> str:
        return self._pattern("logs/kernels.ready")

    @property
    def separations(self) -> str:
        return self._pattern("separations/{catalogue}/{season}.parquet")

    @property
    def acceptance(self) -> str:
        return self._pattern("acceptance/{catalogue}.parquet")

    @property
    def background(self) -> str:
        return self._pattern("background/{season}.parquet")

    @property
    def scan(self) -> str:
        return self._pattern("{method}/scan/{catalogue}/{weighting}.parquet")

    @property
    def single(self) -> str:
        return self._pattern("{method}/single/{catalogue}.parquet")

    @property
    def limits(self) -> str:
        return self._pattern("{method}/limits/{catalogue}/{weighting}.parquet")

    @property
    def bdm_warm_up(self) -> str:
        return self._pattern("logs/bdm_kernels.ready")

    @property
    def bdm_sky_map(self) -> str:
        return self._pattern("bdm/sky_map.parquet")

    @property
    def bdm_healpix(self) -> str:
        return self._pattern("bdm/sky_map_{method}.fits")

    @property
    def bdm_differential(self) -> str:
        return self._pattern("bdm/differential_cross_section.parquet")

    @property
    def bdm_targets(self) -> str:
        return self._pattern("bdm/target_cross_sections.parquet")

    @property
    def bdm_light_curve(self) -> str:
        return self._pattern("bdm/light_curve.parquet")

    @property
    def bdm_events(self) -> str:
        return self._pattern("bdm/events.parquet")

    @property
    def bdm_exclusion(self) -> str:
        return self._pattern("bdm/exclusion.parquet")

    @property
    def bdm_numbers(self) -> str:
        return self._pattern("bdm/numbers.parquet")

    def inference(self, what: str) -> str:
        """A table of the standard inference for a stack.

        `what` = 'fits', 'statements', 'fluxes', 'differential', 'recovery' or 'coverage'.
        """
        return self._pattern(f"standard/inference/{what}/{{catalogue}}/{{weighting}}.parquet")

    def source_inference(self, what: str) -> str:
        """A table of the standard inference for single sources.

        `what` = 'fits', 'limits', 'hadronic', 'recovery' or 'coverage'.
        """
        return self._pattern(f"standard/inference/sources/{what}/{{catalogue}}.parquet")

    def source_limits_part(self, what: str) -> str:
        """The limits of a part of the single sources, `what` = 'limits' or 'hadronic'."""
        return self._pattern(f"standard/inference/sources/parts/{what}/{{catalogue}}/{{part}}-of-{{parts}}.parquet")

    @property
    def stack_trials(self) -> str:
        return self._pattern("standard/inference/trials/{catalogue}/{weighting}/{first}-{stop}.parquet")

    @property
    def source_trials(self) -> str:
        return self._pattern("standard/inference/sources/trials/{catalogue}/{first}-{stop}.parquet")

    @property
    def sky_trials(self) -> str:
        return self._pattern("standard/inference/sources/skies/{catalogue}/{first}-{stop}.parquet")

    @property
    def sensitivity(self) -> str:
        return self._pattern("standard/inference/sensitivity.parquet")

    @property
    def differential_sensitivity(self) -> str:
        return self._pattern("standard/inference/differential_sensitivity.parquet")

    @property
    def skymap_region(self) -> str:
        return self._pattern("standard/skymap/regions/{region}.parquet")

    @property
    def skymap_calibration(self) -> str:
        return self._pattern("standard/skymap/calibration/{first}-{stop}.parquet")

    @property
    def skymap_skies(self) -> str:
        return self._pattern("standard/skymap/skies/{first}-{stop}.parquet")

    @property
    def skymap_fits(self) -> str:
        return self._pattern("standard/skymap/map.fits")

    def skymap(self, what: str) -> str:
        """A table of the all-sky map, `what` = 'spots', 'contours', 'zooms', 'hottest' or 'hottest_trials'."""
        return self._pattern(f"standard/skymap/{what}.parquet")

    sky_map_figure = "sky_map"
    ts_scan_figure = "{method}/ts_scan/{catalogue}/{weighting}"
    limits_figure = "{method}/limit_spectra/{catalogue}"
    single_figure = "{method}/ts_distribution/{catalogue}"
    background_ts_figure = "standard/background_ts/{catalogue}/{weighting}"
    p_values_figure = "standard/p_values/{catalogue}"
    source_limits_figure = "standard/source_limits/{catalogue}"
    sensitivity_figure = "standard/sensitivity"
    differential_figure = "standard/differential/{catalogue}/{weighting}"
    differential_sensitivity_figure = "standard/differential_sensitivity"
    recovery_figure = "standard/recovery/{catalogue}/{weighting}"
    coverage_figure = "standard/coverage/{catalogue}/{weighting}"
    source_recovery_figure = "standard/source_recovery/{catalogue}"
    source_coverage_figure = "standard/source_coverage/{catalogue}"
    skymap_figure = "standard/skymap/{name}"

    def figure(self, name: str, formats: Sequence[str]) -> list[str]:
        """The files of one figure, one for each format; `name` may hold wildcards."""
        return [self._pattern(f"figures/{name}.{suffix}") for suffix in formats]

    @property
    def summary(self) -> str:
        return self._pattern("summary.json")

    @property
    def report(self) -> str:
        return self._pattern("report.html")

    @property
    def sky_viewer(self) -> str:
        return self._pattern("sky_viewer.html")

    def log(self, stage: str) -> list[str]:
        """The messages of a job, and its run log (`nusky.stages.run_log`)."""
        return [self._pattern(f"logs/{stage}.{suffix}") for suffix in ("log", "json")]

    def benchmark(self, stage: str) -> str:
        """Time and memory of a job, as Snakemake measures them."""
        return self._pattern(f"benchmarks/{stage}.tsv")
