"""Detector responses for the tests: written by hand, from the generator, and the public tables."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nusky.detector import effective_area, smearing
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.smearing import Smearing
from nusky.releases import generator_model, schemas

_PUBLIC_NAMES = {
    "log10_Enu_min": "log10_enu_min_gev",
    "log10_Enu_max": "log10_enu_max_gev",
    "log10_E_min": "log10_energy_min_gev",
    "log10_E_max": "log10_energy_max_gev",
    "fractional_counts": "fraction",
}


def smearing_table(rows, response="X") -> pa.Table:
    """Rows of E_nu, dec_nu, E, PSF, AngErr (lower and upper edge each) and fraction."""
    names = [name for name in schemas.KINDS["smearing"].columns if name != "response"]
    columns = dict(zip(names, np.asarray(rows, dtype=float).T, strict=True))
    return schemas.table("smearing", {"response": response, **columns}, "smearing of a test")


TOY_ROWS = [  # two energies, two declinations; the cell at high energy in the south is empty
    (2, 3, -90, 0, 2.0, 2.5, 0.5, 1.0, 0.2, 0.4, 0.25),
    (2, 3, -90, 0, 2.5, 3.5, 1.0, 2.0, 0.4, 0.8, 0.75),
    (2, 3, 0, 90, 3.0, 3.0, 0.1, 0.2, 0.2, 0.2, 1.0),
    (3, 4, 0, 90, 3.0, 4.0, 0.0, 0.5, 0.2, 0.3, 0.5),
    (3, 4, 0, 90, 4.0, 5.0, 0.5, 0.5, 0.1, 0.1, 0.5),
]


def toy_smearing() -> Smearing:
    return smearing.from_table(smearing_table(TOY_ROWS))["X"]


def toy_area() -> EffectiveArea:
    """Bins of 0.4 in log10 E_nu, which cut across the cells' edge at 3; declination edges at -30 and 30 deg."""
    edges = np.array([2.0, 2.4, 2.8, 3.2, 3.6, 4.0])
    area = np.array([[1.0, 2.0, 4.0], [2.0, 3.0, 5.0], [4.0, 5.0, 1.0], [8.0, 2.0, 3.0], [16.0, 1.0, 2.0]])
    return EffectiveArea(edges, np.radians([-90.0, -30.0, 30.0, 90.0]), area)


def generated(response="IC86_II") -> tuple[EffectiveArea, generator_model.Smearing]:
    """The generator's effective area, as this package's, and its smearing, as its own."""
    area = generator_model.effective_area(response)
    return EffectiveArea(area.log10_enu_edges, area.dec_edges, area.aeff), generator_model.smearing(response)


def public(validation_data: Path, response: str) -> tuple[EffectiveArea, Smearing]:
    """The public fourteen-year tables."""
    folder = validation_data / "icetracks_dr2_irfs"
    values = np.loadtxt(folder / f"{response}_effectiveArea.csv").T
    names = [name for name in schemas.KINDS["effective_area"].columns if name != "response"]
    columns = {"response": response, **dict(zip(names, values, strict=True))}
    area = effective_area.from_table(schemas.table("effective_area", columns, response))[response]
    rows = pq.read_table(folder / f"{response}_smearing.parquet")
    columns = {_PUBLIC_NAMES.get(name, name): rows[name].to_numpy().astype(float) for name in rows.column_names}
    table = schemas.table("smearing", {"response": response, **columns}, response)
    return area, smearing.from_table(table)[response]
