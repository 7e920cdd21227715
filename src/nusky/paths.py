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

    sky_map_figure = "sky_map"
    ts_scan_figure = "{method}/ts_scan/{catalogue}/{weighting}"
    limits_figure = "{method}/limit_spectra/{catalogue}"
    single_figure = "{method}/ts_distribution/{catalogue}"

    def figure(self, name: str, formats: Sequence[str]) -> list[str]:
        """The files of one figure, one for each format; `name` may hold wildcards."""
        return [self._pattern(f"figures/{name}.{suffix}") for suffix in formats]

    @property
    def summary(self) -> str:
        return self._pattern("summary.json")

    @property
    def report(self) -> str:
        return self._pattern("report.html")

    def log(self, stage: str) -> str:
        return self._pattern(f"logs/{stage}.log")

    def benchmark(self, stage: str) -> str:
        return self._pattern(f"benchmarks/{stage}.tsv")
