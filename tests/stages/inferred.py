"""A small release to infer from: two seasons of 2 % of their events, six sources."""

from collections.abc import Callable
from pathlib import Path

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
    tables = {name: folder / f"{name}.parquet" for name in ("seasons", "uptimes", "effective_area", "smearing")}
    events = {season: folder / f"{season}.parquet" for season in SEASONS}
    releases.ingest(folder / "release.json", list(SEASONS), events=events, **tables, check_counts=False)
    empty = read_table(tables["smearing"], kind="smearing").slice(0, 0)
    write_table(folder / "no_smearing.parquet", empty, kind="smearing", provenance=Provenance(synthetic=True))
    listed = config.Catalogue(lists=[{"builtin": "1lhaaso-wcda"}])
    catalogues.build(listed, "mine", folder / "all.parquet", folder / "all.json")
    few = read_table(folder / "all.parquet", kind="sources").slice(0, 6)
    write_table(folder / "sources.parquet", few, kind="sources", provenance=Provenance(synthetic=False))


def setup(root: Path, kind: str, gamma: float | None = None) -> inference.Setup:
    """The setup of the release in `root`, `kind` = 'full' or 'spatial'."""
    smearing = root / ("smearing.parquet" if kind == "full" else "no_smearing.parquet")
    events = [root / f"{season}.parquet" for season in SEASONS]
    data = inference.Data(events, root / "seasons.parquet", root / "effective_area.parquet", smearing)
    return inference.Setup(data, GAMMAS, gamma, seed=SEED)


def batched(make: Callable[[Path, range], None], folder: Path, total: int, step: int) -> list[Path]:
    """Files of the trials 0 ... `total` - 1 in batches of `step`."""
    paths = []
    for first in range(0, total, step):
        stop = min(first + step, total)
        paths.append(folder / f"{first}-{stop}.parquet")
        make(paths[-1], range(first, stop))
    return paths
