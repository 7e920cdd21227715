"""Small tables with the columns the figures read."""

import numpy as np
import pyarrow as pa
import pytest

PHI0 = np.geomspace(1e-38, 1e-20, 200)
EVENTS_PER_PHI0 = {2.0: 1.5e29, 2.53: 4.7e29}


@pytest.fixture
def scan() -> pa.Table:
    """TS = x - x^2 / 20 of x = n_s, NaN beyond n_s = 1e6: maximum 5 at x = 10."""
    parts = []
    for gamma, per_phi0 in EVENTS_PER_PHI0.items():
        n_signal = PHI0 * per_phi0
        statistic = np.where(n_signal <= 1e6, n_signal - n_signal**2 / 20, np.nan)
        parts.append(pa.table({"gamma": np.full(200, gamma), "phi0_per_ev": PHI0, "test_statistic": statistic}))
    return pa.concat_tables(parts)


@pytest.fixture
def limits() -> pa.Table:
    """Limits of the scan: gamma 2.0 has one, gamma 2.53 has none."""
    phi0 = 23.2 / 1.5e29
    spectrum = {
        f"ul95_e2dnde_{name}_gev_cm2_s": [phi0 * 1e19, np.nan]
        for name in ("10tev", "100tev", "1pev", "10pev", "100pev")
    }
    return pa.table(
        {
            "gamma": [2.0, 2.53],
            "ts_max": [5.0, 5.0],
            "phi0_at_max_per_ev": [10 / 1.5e29, 10 / 4.7e29],
            "phi0_ul95_per_ev": [phi0, np.nan],
            "energy_min_gev": [2e3, 3e2],
            "energy_max_gev": [3e6, 4e5],
            **spectrum,
        }
    )


@pytest.fixture
def no_limits(limits: pa.Table) -> pa.Table:
    """The same with no limit anywhere."""
    columns = {name: np.full(2, np.nan) for name in limits.column_names}
    return pa.table(columns | {name: limits[name] for name in ("gamma", "energy_min_gev", "energy_max_gev")})


@pytest.fixture
def events() -> list[pa.Table]:
    """Two seasons of 50 events each."""
    rng = np.random.default_rng(1)
    return [
        pa.table(
            {
                "ra_deg": rng.uniform(0, 360, 50),
                "dec_deg": np.degrees(np.arcsin(rng.uniform(-1, 1, 50))),
                "log10_energy_gev": rng.uniform(2, 7, 50),
            }
        )
        for _ in range(2)
    ]


@pytest.fixture
def named() -> pa.Table:
    """Three sources with names."""
    positions = {"ra_deg": [10.0, 83.6, 266.4], "dec_deg": [20.0, 22.0, -29.0]}
    return pa.table({"name": ["A$1", "B", "C"], **positions, "origin": ["mine"] * 3})


@pytest.fixture
def sources() -> list[pa.Table]:
    """Two catalogues that share one source of the H.E.S.S. list, and a user's list."""
    shared = (266.4168, -29.0078, "hess")
    rows = [[shared, (83.6, 22.0, "1lhaaso-wcda")], [shared, (10.0, 20.0, "my$list"), (30.0, 20.0, "1lhaaso-km2a")]]
    return [pa.table(dict(zip(("ra_deg", "dec_deg", "origin"), zip(*part, strict=True), strict=True))) for part in rows]
