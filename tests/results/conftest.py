"""A folder with the results of a run, of invented numbers."""

import numpy as np
import pytest

from nusky.files import sha256, write_json
from nusky.results import open_run
from nusky.tables import Provenance, write_table
from tests import skymap_run

NAMES = ("10tev", "100tev", "1pev", "10pev", "100pev")
STACK = {"uniform": {"2.0": {}}}
SUMMARY = {
    "run": "toy",
    "synthetic": True,
    "catalogues": {"mine": {}},
    "methods": {
        "published": {"mine": {"stacking": STACK, "single_sources": []}},
        "standard": {
            "mine": {
                "stacking": STACK,
                "single_sources": [{}],
                "inference": {"stacks": {"uniform": {}}, "sources": {"best": {}}},
            }
        },
    },
    "skymap": {"nside": skymap_run.NSIDE},
    "corrected": {"searches": [{}]},
    "bdm": {"numbers": {"flux_model": {"quantity": "flux", "unit": "", "published": 1.0, "standard": 2.0}}},
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The folder of the run `toy`."""
    folder = tmp_path_factory.mktemp("results") / "toy"
    skymap_run.write(folder, synthetic=True)

    def write(path, columns, kind, settings=None, synthetic=True):
        write_table(folder / path, columns, kind=kind, provenance=Provenance(synthetic, settings=settings or {}))

    phi0 = np.geomspace(1e-32, 1e-26, 50)
    limits = {"gamma": [2.0], "ts_max": [5.0], "phi0_at_max_per_ev": [1e-28], "phi0_ul95_per_ev": [2e-28]}
    limits |= {"energy_min_gev": [1e3], "energy_max_gev": [1e6]}
    limits |= {f"ul95_e2dnde_{name}_gev_cm2_s": [2e-9] for name in NAMES}
    for method in ("published", "standard"):
        scan = {"gamma": np.full(50, 2.0), "phi0_per_ev": phi0, "n_signal": phi0 * 1e29, "test_statistic": phi0 * 1e28}
        write(f"{method}/scan/mine/uniform.parquet", scan, "stacking_scan")
        write(f"{method}/limits/mine/uniform.parquet", limits, "limits")
    sources = {"name": ["a<b", "b"], "origin": ["x", "x"], "ra_deg": [1.5, 2.5], "dec_deg": [-5.0, 5.0]}
    single = sources | {"n_band": [10, 20], "ns_best": [1.0, np.nan], "ts_max": [4.0, np.nan]}
    write("standard/single/mine.parquet", single, "single_sources", synthetic=False)
    fits = {"gamma_fixed": [np.nan], "test_statistic": [3.5], "p_local": [0.04], "n_trials": [999]}
    statements = {"statement": ["sensitivity"], "gamma": [2.0], "energy_min_gev": [300.0], "phi0_per_gev": [1e-18]}
    base = "standard/inference"
    write(f"{base}/stack/mine/uniform/fits.parquet", fits, "stack_fits", {"analysis": "spatial"})
    write(f"{base}/stack/mine/uniform/statements.parquet", statements, "statements")
    for first in (0, 4):
        trials = {"gamma_fixed": np.full(4, np.nan), "test_statistic": first + np.arange(4.0)}
        write(f"{base}/stack/mine/uniform/trials/{first}-{first + 4}.parquet", trials, "trials")
    scan = {"gamma_fixed": [np.nan] * 2, "k": [1, 2], "name": ["b", "a<b"], "p_k": [0.01, 0.5]}
    scan |= {"p_binomial": [0.02, 0.25], "k_best": [1, 1], "p_binomial_best": [0.02, 0.02], "p_max": [0.1, 0.1]}
    scan |= {f"sky_{name}": [0.3, 0.4] for name in ("low95", "low68", "median", "high68", "high95")}
    scan |= {"p_post": [0.03, 0.03], "n_sky_trials": [99, 99]}
    write(f"{base}/sources/mine/population.parquet", scan, "population")
    of_stack = {"gamma_fixed": [np.nan] * 2, "name": ["b", "a<b"], "test_statistic": [4.0, -0.5]}
    of_stack |= {"test_statistic_without": [0.0, 4.1], "p_without": [0.6, np.nan], "n_trials": [99, 0]}
    write(f"{base}/stack/mine/uniform/sources.parquet", of_stack | {"test_statistic_stack": [3.5] * 2}, "stack_sources")
    searches = {"hypothesis": ["stack/mine/uniform"], "search": ["stack"], "p_ranked": [0.04], "p_run": [0.05]}
    searches |= {"n_skies": [9]}
    write("standard/corrected.parquet", searches, "corrected")
    write(
        "standard/corrected_skies.parquet", {"sky": range(9), "p_ranked": np.linspace(0.1, 0.9, 9)}, "corrected_skies"
    )
    p_values = {"gamma_fixed": [2.0, 2.0], "p_local": [0.5, 0.01], "p_post": [0.9, 0.02]}
    p_values |= {"n_trials": [999, 999], "n_sky_trials": [99, 99]}
    write(f"{base}/sources/mine/fits.parquet", sources | p_values, "source_fits")
    both = {f"{name}_per_mev_cm2_s": [1e-12, 5e-13, 1e-13] for name in ("published", "standard")}
    write("bdm/light_curve.parquet", {"t_yr": [1.0, 2.0, 3.0], **both}, "bdm_light_curve")
    numbers = {"key": ["l_supernova", "b_supernova", "mx_threshold"], "standard": [0.1, 0.2, 1e-3]}
    write("bdm/numbers.parquet", numbers, "bdm_numbers")
    digests = {f"results/toy/{path.relative_to(folder)}": sha256(path) for path in folder.rglob("*.parquet")}
    write_json(folder / "summary.json", SUMMARY | {"tables_sha256": digests})
    return folder


@pytest.fixture
def run(folder):
    """The opened run."""
    return open_run(folder)
