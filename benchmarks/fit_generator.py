"""Fit the parameters of the generator of releases (`nusky.releases.generator_model`) to real releases.

What goes in, as folders the user has downloaded and unpacked:

- the ten-year point-source release (doi:10.7910/DVN/VKL316): the events of IC40, all uptimes and effective areas;
- the three-year release: the same events as IC79 and IC86_I, and most of IC86_II, before the angular errors were
  floored at 0.2 degrees (quantiles are smooth there; the generator applies the floor);
- the smearing tables of the fourteen-year release (doi:10.7910/DVN/MMIIZA), one Parquet file per detector.

What comes out: one JSON file of tables on a few nodes each, rounded to three decimals, and the start of each season.
Run from the repository root:

    python benchmarks/fit_generator.py --ten-year FOLDER --three-year FOLDER --smearing FOLDER \\
        --output src/nusky/releases/generator_parameters.json
"""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize
from scipy.stats import norm

ANG_ERR_FLOOR_DEG = 0.2

# Nodes are denser at the horizon (sin dec about -0.09), where the selection changes from one energy range to another.
DENSITY_NODES = [-1, -0.9, -0.75, -0.6, -0.45, -0.3, -0.2, -0.15, -0.11, -0.07, -0.03, 0.02, 0.1, 0.2, 0.35, 0.5, 0.65]
DENSITY_NODES += [0.8, 0.9, 0.96, 1]
ENERGY_BANDS = [-1, -0.8, -0.55, -0.35, -0.2, -0.12, -0.06, 0.0, 0.15, 0.4, 0.7, 1]
ENERGY_QUANTILES = [-3, -2, -1.4, -0.8, -0.3, 0.2, 0.8, 1.5, 2.2, 3]
ANG_ERR_BANDS = [-1, -0.65, -0.4, -0.22, -0.1, 0.0, 0.3, 0.65, 1]
ANG_ERR_RANKS = [-4, -1.2, -0.4, 0.4, 1.2, 4]
ANG_ERR_QUANTILES = [-2.5, -1.3, -0.5, 0.3, 1.1, 2, 3]
AREA_LOG10_ENU_NODES = [2, 2.6, 3.2, 3.8, 4.4, 5, 5.8, 6.8, 7.8, 8.8, 10]
AREA_SIN_DEC_NODES = [-1, -0.6, -0.25, -0.1, 0, 0.2, 0.5, 0.8, 1]
SMEARING_DEC_EDGES_DEG = [-90, -10, 10, 90]
SMEARING_LOG10_ENU_NODES = [2.25, 3.25, 4.25, 5.25, 6.25, 7.25, 8.75]
SMEARING_QUANTILES = [-1.5, 0, 1.5]
MIN_SMEARING_ROWS = 1000  # cells with fewer hold a handful of simulated events, most of them misreconstructed

SMEARING_DETECTORS = ["IC40", "IC59", "IC79", "IC86"]
RESPONSES = ["IC40", "IC59", "IC79", "IC86_I", "IC86_II"]


def read_text(path: Path) -> np.ndarray:
    """The numbers of a whitespace-separated table with a `#` header, (n_rows, n_columns)."""
    return pd.read_csv(path, sep=r"\s+", comment="#", header=None).to_numpy(float)


def read_events(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """sin(dec), log10(E/GeV) and log10(AngErr/deg) of an event file of either release."""
    table = pd.read_csv(path, sep=r"\s+", header=None, skiprows=1).to_numpy(float)
    return np.sin(np.radians(table[:, 4])), table[:, 1], np.log10(np.maximum(table[:, 2], 0.01))


def centres(edges: list[float]) -> list[float]:
    """Middle of each band; the outermost bands are represented at their middle too."""
    return [round((a + b) / 2, 4) for a, b in itertools.pairwise(edges)]


def fit_density(sin_dec: np.ndarray) -> list[float]:
    """Log-density of sin(dec) at the nodes of a cubic spline: Poisson maximum likelihood on 400 bins."""
    counts, edges = np.histogram(sin_dec, np.linspace(-1, 1, 401))
    middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    basis = CubicSpline(DENSITY_NODES, np.eye(len(DENSITY_NODES)), bc_type="natural")(middle)

    def negative_log_likelihood(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        expected = len(sin_dec) * width * np.exp(basis @ coefficients)
        return float(expected.sum() - counts @ np.log(expected)), basis.T @ (expected - counts)

    start = np.full(len(DENSITY_NODES), -np.log(2.0))
    return minimize(negative_log_likelihood, start, jac=True, method="BFGS").x.tolist()


def fit_events(path: Path) -> dict[str, list]:
    """Density of sin(dec), quantiles of the energy in bands of sin(dec), and of AngErr in bands of both.

    Quantiles are taken at normal deviates z (probability = Phi(z)); the energy enters AngErr through its own rank in
    its declination band, so that every cell of the table is filled.
    """
    sin_dec, energy, ang_err = read_events(path)
    energy_rows = []
    for low, high in itertools.pairwise(ENERGY_BANDS):
        inside = energy[(sin_dec >= low) & (sin_dec < high)]
        energy_rows.append(np.quantile(inside, norm.cdf(ENERGY_QUANTILES)).tolist())
    ang_err_rows = []
    for low, high in itertools.pairwise(ANG_ERR_BANDS):
        band = np.flatnonzero((sin_dec >= low) & (sin_dec < high))
        rank = np.empty(len(band))
        rank[np.argsort(energy[band], kind="stable")] = norm.ppf((np.arange(len(band)) + 0.5) / len(band))
        cells = np.digitize(rank, ANG_ERR_RANKS[1:-1])
        ang_err_rows.append(
            [
                np.quantile(ang_err[band][cells == k], norm.cdf(ANG_ERR_QUANTILES)).tolist()
                for k in range(len(ANG_ERR_RANKS) - 1)
            ]
        )
    return {"log_density": fit_density(sin_dec), "log10_energy": energy_rows, "log10_ang_err": ang_err_rows}


def hats(nodes: list[float], points: np.ndarray) -> np.ndarray:
    """Piecewise linear basis functions of `nodes` at `points`, (n_points, n_nodes)."""
    return np.stack([np.interp(points, nodes, row) for row in np.eye(len(nodes))], axis=1)


def fit_effective_area(path: Path) -> dict[str, list]:
    """log10 of the area at nodes of (log10 E, sin dec) by least squares, and the energies between which it is not 0."""
    table = read_text(path)
    log10_enu, sin_dec = table[:, :2].mean(axis=1), np.sin(np.radians(table[:, 2:4])).mean(axis=1)
    area = table[:, 4]
    basis = np.einsum("pi,pj->pij", hats(AREA_LOG10_ENU_NODES, log10_enu), hats(AREA_SIN_DEC_NODES, sin_dec))
    shape = basis.shape[1:]
    design = basis.reshape(len(table), -1)
    positive = area > 0
    # A weak pull on second differences along both axes fixes the nodes that no positive bin constrains.
    bend = lambda n: np.diff(np.eye(n), 2, axis=0)  # noqa: E731
    smooth = np.vstack([np.kron(bend(shape[0]), np.eye(shape[1])), np.kron(np.eye(shape[0]), bend(shape[1]))]) * 0.2
    weight = np.sqrt(np.clip(np.log10(area[positive] + 1) + 0.1, 0.1, 3))
    rows = np.vstack([design[positive] * weight[:, None], smooth])
    right = np.concatenate([np.log10(area[positive]) * weight, np.zeros(len(smooth))])
    values = np.linalg.lstsq(rows, right, rcond=None)[0].reshape(shape)
    ranges = [_filled_range(log10_enu, positive, np.abs(sin_dec - node) < 0.05) for node in AREA_SIN_DEC_NODES]
    return {
        "log10_aeff_cm2": values.tolist(),
        "log10_enu_start": [start for start, _ in ranges],
        "log10_enu_end": [end for _, end in ranges],
    }


def _filled_range(log10_enu: np.ndarray, positive: np.ndarray, near: np.ndarray) -> tuple[float, float]:
    """Bounds of the unbroken run of energies around 10^6.5 GeV at which most of the bins `near` a node are not zero."""
    energies = np.unique(log10_enu.round(3))
    filled = np.array([positive[near & np.isclose(log10_enu, energy)].mean() > 0.5 for energy in energies])
    below, above = energies[~filled & (energies < 6.5)], energies[~filled & (energies > 6.5)]
    return (below[-1] + 0.1 if len(below) else 2.0), (above[0] - 0.1 if len(above) else 10.0)


def weighted_quantiles(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values at the normal deviates `SMEARING_QUANTILES`."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return np.interp(norm.cdf(SMEARING_QUANTILES), (cumulative - weights[order] / 2) / cumulative[-1], values[order])


def fit_smearing(path: Path) -> dict[str, list]:
    """Quantiles of log10 E, log10 PSF and log10(AngErr - floor) and the correlation of the latter two, per cell.

    A cell is one of three declination zones (those of the ten-year release's own tables) and one energy node; a cell
    with hardly any simulated events takes the values of the nearest filled energy of its zone.
    """
    table = pd.read_parquet(path)
    middle_dec = (table["dec_nu_min_deg"] + table["dec_nu_max_deg"]) / 2
    solid_angle = np.sin(np.radians(table["dec_nu_max_deg"])) - np.sin(np.radians(table["dec_nu_min_deg"]))
    weight = (table["fractional_counts"] * solid_angle).to_numpy()
    middle_enu = ((table["log10_Enu_min"] + table["log10_Enu_max"]) / 2).to_numpy()
    energy = ((table["log10_E_min"] + table["log10_E_max"]) / 2).to_numpy()
    psf = np.log10(np.sqrt(table["psf_min_deg"] * table["psf_max_deg"]).clip(lower=1e-3)).to_numpy()
    ang_err = np.sqrt(table["ang_err_min_deg"] * table["ang_err_max_deg"]).to_numpy()
    ang_err = np.log10(np.maximum(ang_err - ANG_ERR_FLOOR_DEG, 0.01))
    result: dict[str, list] = {"log10_energy": [], "log10_psf": [], "log10_ang_err_above_floor": [], "correlation": []}
    for low, high in itertools.pairwise(SMEARING_DEC_EDGES_DEG):
        zone = ((middle_dec > low) & (middle_dec < high)).to_numpy()
        cells = [zone & np.isclose(middle_enu, node) for node in SMEARING_LOG10_ENU_NODES]
        filled = [k for k, cell in enumerate(cells) if cell.sum() > MIN_SMEARING_ROWS]
        rows: dict[str, list] = {key: [] for key in result}
        for k in range(len(cells)):
            cell = cells[min(filled, key=lambda other: abs(other - k))]
            quantiles = weighted_quantiles(psf[cell], weight[cell])
            # Extrapolated to three deviations the point spread must stay on the sphere (180 degrees).
            quantiles[2] = min(quantiles[2], (quantiles[1] + np.log10(179.0)) / 2)
            rows["log10_energy"].append(weighted_quantiles(energy[cell], weight[cell]).tolist())
            rows["log10_psf"].append(quantiles.tolist())
            quantiles = weighted_quantiles(ang_err[cell], weight[cell])
            # So must the angular error, whose correlated deviates reach 4.1.
            quantiles[2] = min(quantiles[2], quantiles[1] + (np.log10(179.0) - quantiles[1]) * 1.5 / 4.1)
            rows["log10_ang_err_above_floor"].append(quantiles.tolist())
            covariance = np.cov(psf[cell], ang_err[cell], aweights=weight[cell])
            rows["correlation"].append(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
        for key, value in rows.items():
            result[key].append(value)
    return result


def rounded(content):
    """The same nested content with numbers of three decimals."""
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [rounded(value) for value in content]
    return content if isinstance(content, str) else round(float(content), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ten-year", type=Path, required=True)
    parser.add_argument("--three-year", type=Path, required=True)
    parser.add_argument("--smearing", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    events = {"IC40": options.ten_year / "events" / "IC40_exp.csv"}
    for season, name in (("IC79", "IC79-2010"), ("IC86_I", "IC86-2011"), ("IC86_II", "IC86-2012")):
        events[season] = options.three_year / f"{name}-events.txt"
    parameters = {
        "source": "benchmarks/fit_generator.py, from doi:10.7910/DVN/VKL316, arXiv:1609.04981, doi:10.7910/DVN/MMIIZA",
        "nodes": {
            "density_sin_dec": DENSITY_NODES,
            "energy_sin_dec": centres(ENERGY_BANDS),
            "energy_z": ENERGY_QUANTILES,
            "ang_err_sin_dec": centres(ANG_ERR_BANDS),
            "ang_err_energy_z": [-1.7, *centres(ANG_ERR_RANKS[1:-1]), 1.7],
            "ang_err_z": ANG_ERR_QUANTILES,
            "area_log10_enu": AREA_LOG10_ENU_NODES,
            "area_sin_dec": AREA_SIN_DEC_NODES,
            "smearing_dec_edges_deg": SMEARING_DEC_EDGES_DEG,
            "smearing_log10_enu": SMEARING_LOG10_ENU_NODES,
            "smearing_z": SMEARING_QUANTILES,
        },
        "start_mjd": {
            path.name.removesuffix("_exp.csv"): read_text(path)[0, 0]
            for path in sorted((options.ten_year / "uptime").glob("*_exp.csv"), key=lambda path: read_text(path)[0, 0])
        },
        "events": {name: fit_events(path) for name, path in events.items()},
        "effective_area": {
            name: fit_effective_area(options.ten_year / "irfs" / f"{name}_effectiveArea.csv") for name in RESPONSES
        },
        "smearing": {name: fit_smearing(options.smearing / f"{name}_smearing.parquet") for name in SMEARING_DETECTORS},
    }
    lines = [f" {json.dumps(k)}: {_block(v if k == 'start_mjd' else rounded(v))}" for k, v in parameters.items()]
    options.output.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _block(content) -> str:
    """JSON with one line per season or response, so that differences between two fits can be read."""
    if not isinstance(content, dict):
        return json.dumps(content)
    return "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in content.items()) + "\n }"


if __name__ == "__main__":
    main()
