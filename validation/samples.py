"""What the validation runs on: generated ten-year events, the real public events at hand, and the stack of sources."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nusky import config, tables
from nusky.catalogues.build import build_catalogue
from nusky.catalogues.weights import model_weights
from nusky.conventions import STANDARD
from nusky.detector import effective_area, smearing
from nusky.detector.point_spread import PointSpread
from nusky.releases import icecube_10yr, icecube_14yr, ingest, schemas
from nusky.releases.generator import generate_release
from nusky.releases.registry import ICECUBE_10YR, Season
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Hypothesis

REPOSITORY = Path(__file__).parents[1]
SEED = 20220516
CATALOGUE = "wcda-hess"
REAL_SEASONS = ("IC40", "IC79", "IC86_I")
STAND_IN = {"IC40": "IC40", "IC79": "IC79", "IC86_I": "IC86"}
"""Response of the ten-year release -> that of the fourteen-year release in its place."""
_PUBLIC_NAMES = {
    "log10_Enu_min": "log10_enu_min_gev",
    "log10_Enu_max": "log10_enu_max_gev",
    "log10_E_min": "log10_energy_min_gev",
    "log10_E_max": "log10_energy_max_gev",
    "fractional_counts": "fraction",
}
_OTHERS = ("seasons", "uptimes", "effective_area", "smearing")


def data_folder() -> Path:
    """The validation data: `NUSKY_VALIDATION_DATA`, or `../shared/data` from the repository's root."""
    return Path(os.environ.get("NUSKY_VALIDATION_DATA", REPOSITORY.parent / "shared" / "data"))


def write_generated(folder: Path, event_fraction: float = 1.0, seasons: Sequence[str] | None = None) -> None:
    """Generate the ten-year release, read it and write its canonical tables into `folder`."""
    chosen = ICECUBE_10YR.select(list(seasons) if seasons else [season.name for season in ICECUBE_10YR.seasons])
    generate_release(folder / "text", ICECUBE_10YR, chosen, SEED, event_fraction)
    canonical = icecube_10yr.read(folder / "text", ICECUBE_10YR, chosen, check_counts=False)
    (folder / "events").mkdir()
    ingest.write(
        canonical,
        {name: folder / "events" / f"{name}.parquet" for name in canonical.events},
        {kind: folder / f"{kind}.parquet" for kind in _OTHERS},
        tables.trace([]),
    )


def read_written(folder: Path, with_energy: bool = True, point_spread: float | None = None) -> Analysis:
    """The analysis of the canonical tables in `folder`."""
    seasons = tables.read_table(folder / "seasons.parquet", kind="seasons")
    events = {
        name: tables.read_table(folder / "events" / f"{name}.parquet", kind="events")
        for name in seasons["season"].to_pylist()
    }
    area, smear = (tables.read_table(folder / f"{kind}.parquet", kind=kind) for kind in ("effective_area", "smearing"))
    rows = [(row["season"], row["response"], row["livetime_s"]) for row in seasons.to_pylist()]
    return analysis(rows, events, area, smear if with_energy else None, point_spread)


def real(folder: Path, point_spread: float | None = None) -> Analysis:
    """The real events of IC40, IC79 and IC86_I with the fourteen-year response (version 1.0) as a stand-in.

    The two come from different event selections: good for comparing programs, not for physics.
    """
    chosen = ICECUBE_10YR.select(list(REAL_SEASONS))
    return analysis(*real_tables(folder, chosen), point_spread)


def real_tables(
    folder: Path, chosen: Sequence[Season]
) -> tuple[list[tuple[str, str, float]], dict[str, pa.Table], pa.Table, pa.Table]:
    """Seasons, events, effective areas and smearing of `real`."""
    release = icecube_10yr.read(folder / "icecube_10year_ps", ICECUBE_10YR, chosen, check_counts=True)
    rows = [(row["season"], row["response"], row["livetime_s"]) for row in release.seasons.to_pylist()]
    responses = dict.fromkeys(response for _, response, _ in rows)
    return (
        rows,
        release.events,
        pa.concat_tables(stand_in_area(folder, response) for response in responses),
        pa.concat_tables(stand_in_smearing(folder, response) for response in responses),
    )


def stand_in_area(folder: Path, response: str) -> pa.Table:
    """The fourteen-year effective area that stands in for a ten-year `response`."""
    values = np.loadtxt(folder / "icetracks_dr2_irfs" / f"{STAND_IN[response]}_effectiveArea.csv").T
    names = [name for name in schemas.KINDS["effective_area"].columns if name != "response"]
    columns = {"response": response, **dict(zip(names, values, strict=True))}
    return icecube_14yr.close_gaps(schemas.table("effective_area", columns, response))


def stand_in_smearing(folder: Path, response: str) -> pa.Table:
    """The fourteen-year smearing that stands in for a ten-year `response`."""
    rows = pq.read_table(folder / "icetracks_dr2_irfs" / f"{STAND_IN[response]}_smearing.parquet")
    columns = {_PUBLIC_NAMES.get(name, name): rows[name].to_numpy().astype(float) for name in rows.column_names}
    return schemas.table("smearing", {"response": response, **columns}, response)


def analysis(
    seasons: Sequence[tuple[str, str, float]],
    events: Mapping[str, pa.Table],
    area: pa.Table,
    smear: pa.Table | None,
    point_spread: float | None = None,
) -> Analysis:
    """The analysis of canonical tables; spatial only without smearing. `seasons`: name, response, livetime [s].

    `point_spread` is the spectral index for which the point spread is taken from the smearing, or None for a Gaussian.
    """
    areas = effective_area.from_table(area)
    smearings = None if smear is None else smearing.from_table(smear)
    spreads = {}
    if point_spread is not None:
        spreads = {name: PointSpread.of_response(areas[name], smearings[name], point_spread) for name in areas}
    samples = []
    for season in seasons:
        columns = events[season[0]]
        ra, dec, ang_err = (np.radians(columns[name].to_numpy()) for name in ("ra_deg", "dec_deg", "ang_err_deg"))
        log10_energy = None if smear is None else columns["log10_energy_gev"].to_numpy()
        samples.append(Sample.of_data(season, ra, dec, ang_err, log10_energy, spreads.get(season[1])))
    return Analysis(tuple(samples), areas, smearings)


def stack(sample: Analysis, gammas: np.ndarray, weighting: str = "uniform") -> Hypothesis:
    """The 164 sources of 1LHAASO WCDA and H.E.S.S., weighted as the standard analysis does."""
    block = config.Catalogue(**config.PRESETS[CATALOGUE])
    table = build_catalogue(block, CATALOGUE)[0]
    ra, dec, extension = (np.radians(table[name].to_numpy()) for name in ("ra_deg", "dec_deg", "extension_deg"))
    weights = model_weights(table, block.weightings[weighting], STANDARD.name)[0]
    return sample.stack(ra, dec, extension, weights, gammas)
