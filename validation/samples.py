"""What the validation runs on: generated ten-year events, the real public events at hand, and the stack of sources."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nusky import config, tables
from nusky.catalogues.build import build_catalogue
from nusky.catalogues.weights import model_weights
from nusky.conventions import STANDARD
from nusky.releases import icecube_10yr, icecube_14yr, ingest, schemas
from nusky.releases.generator import generate_release
from nusky.releases.registry import ICECUBE_10YR
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment, Indices
from nusky.search.injection import Signal, inject, true_energies
from nusky.search.sources import Sources
from nusky.stages.inference import Data, load_analysis, positions

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
_OTHERS = ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")
# list_of_samples.txt of the release doi:10.21234/B4QG92: first and last day as MJD, events per square degree. The last
# day of IC86c is counted as a whole one, as there is an event on it.
TXS_SAMPLES = {
    "IC40": (54561, 54971, 1.00),
    "IC59": (54971, 55347, 3.12),
    "IC79": (55347, 55694, 3.44),
    "IC86a": (55694, 56063, 4.04),
    "IC86b": (56063, 57160, 12.32),
    "IC86c": (57160, 58058, 20.17),
}
TXS_CENTRE = (77.36, 5.69)
"""Of the cone that the lists cover, deg."""


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


def read_written(folder: Path, *, times: bool = False) -> Analysis:
    """The analysis of the canonical tables in `folder`, read as the workflow does; with `times` for windows, too."""
    (names,) = tables.read_columns(folder / "seasons.parquet", kind="seasons", columns=("season",))
    events = [folder / "events" / f"{name}.parquet" for name in names]
    others = (folder / f"{kind}.parquet" for kind in ("seasons", "effective_area", "smearing", "angular_resolution"))
    return load_analysis(Data(events, *others, folder / "uptimes.parquet" if times else None))


def generated(event_fraction: float, seasons: Sequence[str] | None = None) -> Analysis:
    """The analysis of a generated ten-year release."""
    with tempfile.TemporaryDirectory() as folder:
        write_generated(Path(folder), event_fraction, seasons)
        return read_written(Path(folder))


def real_tables(folder: Path) -> ingest.CanonicalRelease:
    """The real events of IC40, IC79 and IC86_I with the fourteen-year response (version 1.0) as a stand-in.

    The two come from different event selections: good for comparing programs, not for physics.
    """
    chosen = ICECUBE_10YR.select(list(REAL_SEASONS))
    release = icecube_10yr.read(folder / "icecube_10year_ps", ICECUBE_10YR, chosen, check_counts=True)
    responses = dict.fromkeys(release.seasons["response"].to_pylist())
    area, smear = (
        pa.concat_tables(stand_in(folder, response) for response in responses)
        for stand_in in (stand_in_area, stand_in_smearing)
    )
    return replace(release, effective_area=area, smearing=smear)


def real(folder: Path, *, times: bool = False) -> Analysis:
    """The likelihood of `real_tables`; with `times` sources may change with time."""
    tables = real_tables(folder)
    uptimes = tables.uptimes if times else None
    events = list(tables.events.values())
    return Analysis.of_tables(tables.seasons, events, tables.effective_area, tables.smearing, uptimes=uptimes)


def real_or_generated(event_fraction: float) -> tuple[str, Analysis]:
    """The `real` events, or generated ones where these are not at hand or fewer are asked for, and what they are."""
    if event_fraction == 1.0 and data_folder().is_dir():
        return "Real events of IC40, IC79 and IC86_I with stand-in responses", real(data_folder())
    return "Generated ten-year release", generated(event_fraction)


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


def point(dec_deg: float, ra: float = 2.0) -> Sources:
    """One point source; `ra` in rad."""
    return Sources.of(ra, np.radians(dec_deg))


def stack(weighting: str = "uniform", catalogue: str = CATALOGUE) -> Sources:
    """The sources of a ready-made catalogue, weighted as the standard analysis does."""
    block = config.Catalogue(**config.PRESETS[catalogue])
    table = build_catalogue(block, catalogue)[0]
    weights = model_weights(table, block.weightings[weighting], STANDARD.name)[0]
    return Sources.of(*positions(table), weights)


def experiment(analysis: Analysis, sources: Sources, seed: int, *keys: str, gamma: float | None = None) -> Experiment:
    """What production tests `sources` with, gamma free or fixed."""
    return Experiment.of(analysis, sources, Indices.choose(gamma, [], with_energy=True), seed, keys)


def drawn(rng: np.random.Generator, analysis: Analysis, signal: Signal, n_expected: float) -> list[dict]:
    """Poisson(`n_expected`) signal events from the smearing rows, as `nusky.search.injection.inject` gives them."""
    energies = true_energies(analysis.areas, signal.sources, signal.spectra)
    return inject(rng, signal.sources, n_expected * signal.share, energies, analysis.smearings, analysis.responses)


def txs_release(folder: Path) -> dict[str, Any]:
    """The block `release` of the public events around TXS 0506+056 below `folder`, the validation data.

    Six lists of a cone of 3 deg, each with good runs, density and effective area.
    """
    return {
        "name": "txs-0506",
        "events": [
            {
                "name": name,
                "file": str(folder / f"txs0506_release_2018/events_{name}.txt"),
                "format": "blanks",
                "columns": {
                    "ra_deg": "Ra_deg",
                    "dec_deg": "Dec_deg",
                    "ang_err_deg": "Unc_deg",
                    "mjd": "MJD",
                    "log10_energy_gev": "log10(Ereco)",
                },
                "uptimes": [[start, stop]],
                "effective_area": {
                    "file": str(folder / f"txs0506_release_2018/Aeff_{name}.txt"),
                    "format": "blanks",
                    "columns": {
                        "log10_energy_min_gev": "log10(Emin/GeV)",
                        "log10_energy_max_gev": "log10(Emax/GeV)",
                        "aeff": "Aeff[m2]",
                    },
                },
                "cone": {
                    "ra_deg": TXS_CENTRE[0],
                    "dec_deg": TXS_CENTRE[1],
                    "radius_deg": 3.0,
                    "density_per_deg2": density,
                },
            }
            for name, (start, stop, density) in TXS_SAMPLES.items()
        ],
    }
