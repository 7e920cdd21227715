"""A small release to infer from: two seasons of 2 % of their events, six sources."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nusky import config
from nusky.stages import catalogues, inference, releases
from nusky.tables import Provenance, read_table, write_table

SEASONS = ("IC79", "IC86_I")
GAMMAS = (2.0, 3.0)
SEED = 11


def make(folder: Path) -> None:
    """Tables of a small generated release, an empty smearing table, and six sources."""
    release = config.Release(
        name="icecube-10yr", seasons=list(SEASONS), synthetic="always", generator={"event_fraction": 0.02}
    )
    releases.fetch(release, 5, folder / "data", folder / "release.json", progress=False)
    tables = {
        name: folder / f"{name}.parquet"
        for name in ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")
    }
    events = {season: folder / f"{season}.parquet" for season in SEASONS}
    releases.ingest(folder / "release.json", list(SEASONS), events=events, **tables, check_counts=False)
    empty = read_table(tables["smearing"], kind="smearing").slice(0, 0)
    write_table(folder / "no_smearing.parquet", empty, kind="smearing", provenance=Provenance(synthetic=True))
    listed = config.Catalogue(lists=[{"builtin": "1lhaaso-wcda"}])
    catalogues.build(listed, "mine", folder / "all.parquet", folder / "all.json")
    few = read_table(folder / "all.parquet", kind="sources").slice(0, 6)
    write_table(folder / "sources.parquet", few, kind="sources", provenance=Provenance(synthetic=False))


class Outputs(dict):
    """Outputs of a job: by name, as attributes, or the first one by its number."""

    def __getitem__(self, key: str | int) -> Path:
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)

    __getattr__ = __getitem__


def outputs(folder: Path, *names: str) -> Outputs:
    """Files called like their contents in `folder`."""
    return Outputs({name: folder / f"{name}.parquet" for name in names})


class Job:
    """Jobs of one hypothesis on the release in `root`, `kind` = 'full' or 'spatial'."""

    def __init__(self, root: Path, kind: str, name: str, gamma: float | None = None) -> None:
        smearing = root / ("smearing.parquet" if kind == "full" else "no_smearing.parquet")
        self.setup = {"gammas": GAMMAS, "gamma": gamma, "seed": SEED}
        self.hypothesis = {"name": name}
        if name.startswith("stack/"):
            self.hypothesis["weighting"] = {}
        if name == "declinations":
            self.hypothesis["declinations_deg"] = [-40.0, 10.0]
        self._files = {
            "events": [root / f"{season}.parquet" for season in SEASONS],
            "seasons": root / "seasons.parquet",
            "effective_area": root / "effective_area.parquet",
            "smearing": smearing,
            "angular_resolution": root / "angular_resolution.parquet",
            "sources": root / "sources.parquet" if "/" in name else [],
        }

    def files(self, **more: Any) -> SimpleNamespace:
        """The input of a job: the release, the sources and `more`."""
        return SimpleNamespace(**self._files, **more)

    def run(self, stage: Callable[..., None], outputs: Outputs, *, inputs: dict | None = None, **settings: Any) -> None:
        """Call a stage as a job does."""
        stage(self.files(**(inputs or {})), outputs, setup=self.setup, hypothesis=self.hypothesis, **settings)

    def study(self) -> inference.Study:
        """What the jobs test."""
        return inference.Study(self.files(), self.setup, self.hypothesis)

    def batch(self, path: Path, numbers: range, skies: str = "trials") -> None:
        """The trials `numbers` in one file."""
        batch = {"skies": skies, "first": str(numbers.start), "stop": str(numbers.stop)}
        self.run(inference.trials, Outputs({"trials": path}), **batch)

    def trials(self, folder: Path, total: int, step: int, skies: str = "trials") -> list[Path]:
        """Files of the trials 0 ... `total` - 1 in batches of `step`."""
        paths = []
        for first in range(0, total, step):
            stop = min(first + step, total)
            paths.append(folder / f"{first}-{stop}.parquet")
            self.batch(paths[-1], range(first, stop), skies)
        return paths
