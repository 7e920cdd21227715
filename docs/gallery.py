"""Every kind of figure, drawn from small tables of invented numbers: python -m docs.gallery [NAME ...]

The images in docs/images/gallery are committed; a test draws them again and compares. All carry the tag of generated
events where their figure has one.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
from astropy import units as u
from astropy.table import QTable
from matplotlib.figure import Figure
from scipy.special import ndtr

from nusky.detector.spectrum import PowerLaw
from nusky.figures import canvas
from nusky.figures.background_ts import background_ts
from nusky.figures.bdm_cross_sections import bdm_differential_cross_section, bdm_target_cross_sections
from nusky.figures.bdm_exclusion import bdm_exclusion
from nusky.figures.bdm_rates import bdm_events, bdm_light_curve
from nusky.figures.bdm_sky_map import bdm_sky_map
from nusky.figures.corrected import corrected
from nusky.figures.coverage import coverage
from nusky.figures.differential import differential
from nusky.figures.durations import durations
from nusky.figures.flare import FLARE_COLUMNS, flare
from nusky.figures.gamma_rays import gamma_rays
from nusky.figures.injection_recovery import injection_recovery
from nusky.figures.limit_spectra import limit_spectra
from nusky.figures.p_values import p_values
from nusky.figures.population import population
from nusky.figures.search import search_figure
from nusky.figures.sensitivity import sensitivity
from nusky.figures.sky_map import sky_map
from nusky.figures.skymap import all_sky, hottest, zooms
from nusky.figures.source_limits import BAND_COLUMNS, LIMIT_COLUMN, source_limits
from nusky.figures.stack_sources import stack_sources
from nusky.figures.ts_distribution import ts_distribution
from nusky.figures.ts_scan import ts_scan
from nusky.figures.windows import windows
from nusky.search.statistics.population import binomial_scan

FOLDER = Path(__file__).parent / "images/gallery"
DPI = 70
STANDARD = {"method": "standard", "synthetic": True}
MINE = {**STANDARD, "catalogue": "mine"}
EVENTS_PER_PHI0 = {2.0: 1.5e29, 2.53: 4.7e29}


def rng() -> np.random.Generator:
    """Random numbers, the same ones for every figure."""
    return np.random.default_rng(1)


def directions(n: int) -> dict[str, np.ndarray]:
    """Isotropic positions, (n,) float64, deg."""
    random = rng()
    return {"ra_deg": random.uniform(0, 360, n), "dec_deg": np.degrees(np.arcsin(random.uniform(-1, 1, n)))}


def sources() -> list[pa.Table]:
    """A catalogue of two lists."""
    random = rng()
    ra, dec = 266 + 100 * random.standard_normal(60), -29 + 25 * random.standard_normal(60)
    origin = np.where(np.arange(60) < 30, "hess", "1lhaaso-wcda")
    return [pa.table({"ra_deg": ra % 360, "dec_deg": np.clip(dec, -80, 80), "origin": origin})]


def stack() -> tuple[pa.Table, pa.Table]:
    """A flux scan with its limits, of two indices."""
    phi0 = np.geomspace(1e-32, 1e-26, 300)
    scans, limits = [], []
    for gamma, per_phi0 in EVENTS_PER_PHI0.items():
        n = phi0 * per_phi0
        scans.append(pa.table({"gamma": np.full(300, gamma), "phi0_per_ev": phi0, "test_statistic": n - n**2 / 20}))
        limit = 18.8 / per_phi0
        spectrum = {
            f"ul95_e2dnde_{name}_gev_cm2_s": limit * 1e19 * (energy / 100) ** (2 - gamma)
            for name, energy in (("10tev", 10), ("100tev", 1e2), ("1pev", 1e3), ("10pev", 1e4), ("100pev", 1e5))
        }
        row = {"energy_min_gev": 10 ** (6.0 - gamma), "energy_max_gev": 10 ** (8.6 - gamma)}
        row |= {"gamma": gamma, "ts_max": 5.0, "phi0_at_max_per_ev": 10 / per_phi0, "phi0_ul95_per_ev": limit}
        limits.append(row | spectrum)
    return pa.concat_tables(scans), pa.Table.from_pylist(limits)


def draw_sky_map() -> Figure:
    """The most energetic events and the sources."""
    events = pa.table(directions(800) | {"log10_energy_gev": rng().uniform(3, 6.5, 800)})
    return sky_map([events], sources(), max_events=500, synthetic=True)


def draw_ts_scan() -> Figure:
    """TS over the flux of a stack."""
    return ts_scan(*stack(), **MINE, weighting="uniform")


def draw_limit_spectra() -> Figure:
    """Upper limits of the stacks of a catalogue over the energy."""
    return limit_spectra({"uniform": stack()[1]}, **MINE)


def draw_ts_distribution() -> Figure:
    """Square roots of the sources' TS."""
    values = rng().standard_normal(150)
    return ts_distribution(pa.table({"ts_max": np.where(values > 0, values**2, 0)}), **MINE)


def draw_background_ts() -> Figure:
    """TS of scrambled skies, with the observed one."""
    values = rng().standard_normal(2000)
    trials = pa.table({"test_statistic": np.where(values > 0, values**2, 0)})
    title = ("standard method", "mine", "uniform", "spatial and energy")
    return background_ts(trials, title=title, observed=4.2, note="p = 0.021", synthetic=True)


def draw_p_values() -> Figure:
    """Sorted local p-values of the sources of a catalogue."""
    p = rng().uniform(size=80)
    columns = {"name": [f"source {i}" for i in range(80)], "p_local": np.append(p[:-1], 5e-4)}
    return p_values(pa.table(columns | {"n_trials": [10_000] * 80}), **MINE, post_trial="= 0.04")


def draw_flare() -> Figure:
    """Weights of the events near a source over time, its flares, and TS by window."""
    random = rng()
    mjd = np.sort(np.append(random.uniform(55000, 58000, 290), random.normal(56950, 20, 10)))
    weight = random.pareto(1.5, 300).clip(0.02, 8) * 1e-3 + np.where(abs(mjd - 56950) < 40, 4e-3, 0)
    start = random.uniform(55000, 57800, 900)
    duration = 10 ** random.uniform(0, 2.3, 900)
    ts = 14 * np.exp(-(((start + duration / 2 - 56950) / 90) ** 2) - np.log10(duration / 70) ** 2) - random.uniform(
        0, 2
    )
    windows = {"start_mjd": start, "stop_mjd": start + duration, "duration_days": duration, "test_statistic": ts}
    flares = [(1, 56917, 56986, 69, 9.4, 13.1), (2, 55480, 55492, 12, 3.6, 3.0), (3, 57500, 57650, 150, 5.1, 1.2)]
    rows = pa.Table.from_pylist([dict(zip(FLARE_COLUMNS, row, strict=True)) for row in flares])
    weights = pa.table({"mjd": mjd, "weight": weight})
    return flare(rows, pa.table(windows), weights, title=("a source", "my sources"), note="p = 0.002", synthetic=True)


def draw_population() -> Figure:
    """The binomial test of a list of 80 sources, four of which stand out."""
    random, k = rng(), np.arange(1, 81)
    p = np.sort(np.append([2e-4, 9e-4, 1.5e-3, 2e-3], random.uniform(size=76)))
    scan = binomial_scan(np.sort(random.uniform(size=(500, 80)), axis=1))
    columns = {"k": k, "p_k": p, "p_binomial": binomial_scan(p)}
    quantiles = {"low95": 0.025, "low68": 0.16, "median": 0.5, "high68": 0.84, "high95": 0.975}
    columns |= {f"sky_{name}": np.quantile(scan, q, axis=0) for name, q in quantiles.items()}
    counted = np.where(p <= 0.1, columns["p_binomial"], 1)
    best = int(np.argmin(counted))
    result = {"k_best": best + 1, "p_binomial_best": counted[best], "p_post": 3e-3, "n_sky_trials": 1000, "p_max": 0.1}
    return population(pa.table(columns | {name: [value] * 80 for name, value in result.items()}), **MINE)


def draw_stack_sources() -> Figure:
    """What each source adds to a stack that lives from two of them."""
    names = [f"source {i}" for i in range(20)]
    added = np.append([6.1, 3.2, 0.9, 0.4], np.linspace(0.1, -0.4, 16))
    left = added.sum() - np.append([5.8, 3.0, 0.8], np.linspace(0.3, -0.4, 17))
    columns = {"name": names, "test_statistic": added, "test_statistic_without": left}
    columns |= {"p_without": np.append([0.21, 0.04], np.full(18, np.nan)), "n_trials": [1000] * 20}
    table = pa.table(columns | {"test_statistic_stack": [added.sum()] * 20})
    return stack_sources(table, method="standard", title="mine, uniform weights", synthetic=True)


def draw_corrected() -> Figure:
    """The smallest local p-value of twelve searches, of the data and of scrambled skies."""
    random = rng()
    searches = ndtr(np.sqrt(0.6) * random.normal(size=(1000, 1)) + np.sqrt(0.4) * random.normal(size=(1000, 12)))
    skies = searches.min(axis=1)
    ranked = np.append([3e-3], np.linspace(0.02, 0.9, 11))
    run = [(np.count_nonzero(skies <= p) + 1) / 1001 for p in ranked]
    skies = pa.table({"p_ranked": skies})
    return corrected(pa.table({"p_ranked": ranked, "p_run": run, "n_skies": [1000] * 12}), skies, synthetic=True)


def draw_source_limits() -> Figure:
    """Limits of single sources over what is expected without signal."""
    dec, random = np.linspace(-60, 70, 14), rng()
    median = 1e-9 * (1 + np.exp(-dec / 30))
    factors = (0.5, 0.7, 1.0, 1.5, 2.2)
    bands = {name: median * factor for name, factor in zip(BAND_COLUMNS, factors, strict=True)}
    limit = median * random.lognormal(0, 0.4, 14)
    table = pa.table({"name": [f"source {i}" for i in range(14)], "dec_deg": dec, LIMIT_COLUMN: limit, **bands})
    return source_limits(table, **MINE, gamma=2.5, confidence_level=0.9)


def draw_gamma_rays() -> Figure:
    """Measured gamma rays of six sources, the neutrinos they allow, and limits on them."""
    random, energy = rng(), np.geomspace(1e3, 1e5, 20)
    flux = np.array(
        [s * (energy / 1e3) ** -g for s, g in zip(10 ** random.uniform(-9.5, -8, 6), [0.3, 0.5, 0.7] * 2, strict=True)]
    )
    spectra = {"source": np.repeat(np.arange(6, dtype=np.int32), 20), "component": np.zeros(120, np.int32)}
    spectra |= {"gamma_energy_gev": np.tile(energy, 6), "gamma_e2dnde_gev_cm2_s": flux.ravel()}
    spectra |= {"gamma_e2dnde_error_gev_cm2_s": 0.2 * flux.ravel(), "neutrino_energy_gev": np.tile(energy / 2, 6)}
    spectra |= {"neutrino_e2dnde_gev_cm2_s": 0.5 * flux.ravel()}
    events, limit = np.geomspace(9, 0.2, 6), np.array([0.8, 0.5, 2.0, 4.0, 9.0, 20.0])
    fractions = {"source": np.arange(6), "name": [f"source {i}" for i in range(6)], "n_hadronic": events}
    fractions |= {"n_hadronic_error": 0.2 * events, "fraction_limit": limit, "fraction_sensitivity": 0.7 * limit}
    return gamma_rays(pa.table(spectra), pa.table(fractions), **MINE)


def draw_sensitivity() -> Figure:
    """Sensitivity and discovery potential over the declination."""
    rows = [
        {
            "statement": name,
            "gamma": gamma,
            "dec_deg": dec,
            "e2dnde_100tev_gev_cm2_s": factor * gamma * 1e-9 * (1 + np.exp(-dec / 20)),
            "extrapolated": factor > 1,
        }
        for name, factor in (("sensitivity", 1.0), ("5 sigma discovery potential", 3.5))
        for gamma in (2.0, 3.0)
        for dec in (-60.0, -30.0, -5.0, 0.0, 30.0, 60.0)
    ]
    return sensitivity(pa.Table.from_pylist(rows), **STANDARD, release="icecube-10yr, spatial and energy")


def draw_durations() -> Figure:
    """Sensitivity and discovery potential against the duration of a window."""
    rows = [
        {
            "statement": name,
            "gamma": gamma,
            "duration_days": days,
            "e2_fluence_100tev_gev_cm2": (fluence := factor * gamma * 0.02 * (1 + days / 40) ** 0.5),
            "e2dnde_100tev_gev_cm2_s": fluence / days / 86400,
            "extrapolated": factor > 1,
        }
        for name, factor in (("sensitivity", 1.0), ("5 sigma discovery potential", 2.5))
        for gamma in (2.0, 3.0)
        for days in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
    ]
    where = ("RA 77.36°, Dec 5.69°, around MJD 57000", "icecube-10yr")
    return durations(pa.Table.from_pylist(rows), **STANDARD, where=where)


def draw_windows() -> Figure:
    """When the sources of a catalogue shine."""
    random = rng()
    start = random.uniform(54500, 56700, 24)
    seen = start < 56062
    table = pa.table(
        {
            "name": [f"TDE {i}" for i in range(24)],
            "start_mjd": start,
            "stop_mjd": start + random.uniform(60, 400, 24),
            "exposure_days": np.where(seen, 50.0, 0.0),
            "problem": np.where(seen, "", "it begins after the last good run"),
        }
    )
    seasons = {"IC40": (54562, 54971), "IC59": (54971, 55347), "IC79": (55347, 55694), "IC86_I": (55694, 56062)}
    return windows(table, seasons, **MINE)


def draw_differential() -> Figure:
    """Sensitivity and limit for parts of the energy axis."""
    rows = [
        {
            "statement": name,
            "log10_energy_min_gev": low,
            "log10_energy_max_gev": low + 1,
            "e2dnde_gev_cm2_s": factor * 1e-9 * (1 + (low - 4.5) ** 2),
        }
        for low in (2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
        for name, factor in (("sensitivity", 1.0), ("upper limit", 1.6))
    ]
    return differential(pa.Table.from_pylist(rows), title=("mine, uniform weights", "spatial and energy"), **STANDARD)


def draw_injection_recovery() -> Figure:
    """Fitted over injected numbers of events, and fitted indices."""
    n, gamma = np.tile([3.0, 10.0, 30.0, 100.0], 2), np.repeat([2.0, 3.0], 4)
    width = np.sqrt(n) + 1
    columns = {"gamma": gamma, "n_injected": n, "n_fitted_mean": n * 1.03}
    columns |= {"n_fitted_low68": n - width, "n_fitted_high68": n + width, "gamma_fitted_mean": gamma + 1 / width}
    columns |= {"gamma_fitted_low68": gamma - 2 / width, "gamma_fitted_high68": gamma + 3 / width}
    return injection_recovery(pa.table(columns), **STANDARD, target="164 sources")


def draw_coverage() -> Figure:
    """The share of limits above the truth."""
    rows = [
        {
            "method": method,
            "confidence_level": 0.9,
            "n_injected": n,
            "n_trials": 1000,
            "coverage": 0.9 + excess / (1 + n),
            "coverage_low": 0.89 + excess / (1 + n),
            "coverage_high": 0.91 + excess / (1 + n),
        }
        for method, excess in (("Neyman", 0.02), ("Feldman-Cousins", 0.06))
        for n in (0.5, 2.0, 5.0, 15.0)
    ]
    return coverage(pa.Table.from_pylist(rows), **STANDARD, target="164 sources")


def spots() -> pa.Table:
    """Three hot spots."""
    columns = {"spot": [0, 1, 2], "ra_deg": [83.6, 266.4, 150.0], "dec_deg": [22.0, -29.0, 40.0]}
    columns |= {"test_statistic": [24.0, 16.0, 12.0], "n_signal": [20.0, 9.0, 6.0], "gamma": [2.2, 2.9, 3.1]}
    return pa.table(columns)


def draw_all_sky() -> Figure:
    """The local p-value of every position, equatorial coordinates."""
    values = rng().exponential(1 / np.log(10), 12 * 16**2)
    how = {"n_trials": 10_000, "coordinates": "equatorial", "analysis": "spatial", "synthetic": True}
    return all_sky(np.minimum(values, np.log10(10_001)), 16, spots(), sources(), **how)


def draw_zooms() -> Figure:
    """The surroundings of hot spots."""
    offset = np.linspace(-2, 2, 21)
    north, east = np.meshgrid(offset, offset, indexing="ij")
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    maps, lines = [], []
    for row in spots().to_pylist():
        ts = row["test_statistic"] * np.exp(-(north**2 + east**2) / 0.8)
        spot = {"spot": np.full(ts.size, row["spot"])}
        maps.append(
            pa.table(spot | {"east_deg": east.ravel(), "north_deg": north.ravel(), "test_statistic": ts.ravel()})
        )
        for level, radius in ((0.68, 0.3), (0.95, 0.5)):
            ra = row["ra_deg"] + radius * np.cos(angle) / np.cos(np.radians(row["dec_deg"]))
            columns = {"spot": np.full(30, row["spot"]), "confidence_level": np.full(30, level), "ra_deg": ra}
            lines.append(pa.table(columns | {"dec_deg": row["dec_deg"] + radius * np.sin(angle)}))
    tables = pa.concat_tables(maps), pa.concat_tables(lines), spots(), sources()
    return zooms(*tables, analysis="spatial", synthetic=True)


def draw_hottest() -> Figure:
    """The hottest spots of scrambled skies, and those of the data."""
    columns = {"hemisphere": ["south", "north"], "tail_score": [4.0, 6.0], "p_post": [0.5, 0.02]}
    found = pa.table(columns | {"n_sky_trials": [200, 200]})
    trials = {"hemisphere": ["south", "north"] * 200, "tail_score": 4 + 0.7 * rng().gumbel(size=400)}
    return hottest(found, pa.table(trials), analysis="spatial", synthetic=True)


def draw_bdm_sky_map() -> Figure:
    """Flux of boosted dark matter per solid angle."""
    longitude, latitude = np.meshgrid(np.linspace(-180, 180, 73), np.linspace(-90, 90, 37), indexing="ij")
    columns = {"l_deg": longitude.ravel(), "b_deg": latitude.ravel()}
    for name, top in (("published", 1e-18), ("standard", 2e-18)):
        columns[f"{name}_per_mev_cm2_s_sr"] = (top * np.exp(-((longitude - 40) ** 2 + latitude**2) / 300)).ravel()
    position = (np.radians(45), 0.02)
    return bdm_sky_map(pa.table(columns), supernova="SN", position=position, case="5 MeV, mχ = 0.1 MeV, 10 years")


def both(x: str, values: np.ndarray, standard: np.ndarray, unit: str) -> pa.Table:
    """A table of both sets of conventions over `x`, the published ones larger by 2 to 8; the shape of `values`."""
    published = np.linspace(2, 8, len(values)) * standard
    return pa.table({x: values, f"published_{unit}": published, f"standard_{unit}": standard})


def draw_bdm_light_curve() -> Figure:
    """Flux of boosted dark matter over the time."""
    t = np.linspace(10, 100, 40)
    table = both("t_yr", t, 1e-12 * np.exp(-t / 30), "per_mev_cm2_s")
    return bdm_light_curve(table, supernova="SN", case="Tχ = 10 MeV, mχ = 0.1 MeV")


def draw_bdm_events() -> Figure:
    """Events in a detector over the mass of the dark matter."""
    mass = np.geomspace(1e-5, 10, 30)
    table = both("mx_mev", mass, 1e-40 / (1 + mass), "per_electron")
    return bdm_events(table, supernova="SN", case="35 years, 5 to 30 MeV", threshold_mev=1e-4)


def draw_bdm_differential_cross_section() -> Figure:
    """Scattering of neutrinos on dark matter over the angle."""
    psi = np.linspace(0, 0.14, 40)
    table = both("psi_rad", psi, 1e-40 * np.exp(-((psi / 0.05) ** 2)), "cm2_per_sr")
    return bdm_differential_cross_section(table, case="Tχ = 10 MeV, mχ = 0.1 MeV")


def draw_bdm_target_cross_sections() -> Figure:
    """Scattering of dark matter in a detector over its energy."""
    energy = np.geomspace(1, 100, 30)
    table = {"tx_mev": energy}
    for target, size in (("electron", 1e-38), ("nucleus", 1e-36)):
        table |= {f"{target}_published_cm2": 6.28 * size / energy**1.2, f"{target}_standard_cm2": size / energy}
    return bdm_target_cross_sections(pa.table(table), case="mχ = 0.1 MeV, nucleus of 15 GeV")


def draw_bdm_exclusion() -> Figure:
    """Limits of two detectors on boosted dark matter over its mass."""
    mass = np.geomspace(1e-3, 30, 40)
    parts = []
    for detector, scale in (("Detector A", 1.0), ("Detector B", 5.0)):
        limit = scale * 1e-34 * (mass**0.5 + 0.01 / mass**0.5)
        table = {"detector": [detector] * len(mass), "mx_mev": mass, "confidence_level": np.full(len(mass), 0.9)}
        table |= {"approximate": [""] * len(mass), "limit_sqrt_sigma_cm2": limit, "limit_strength": limit**2 / 1e-70}
        factors = {"low95": 0.4, "low68": 0.6, "median": 0.9, "high68": 1.5, "high95": 2.2}
        table |= {f"expected_{name}_strength": f * limit**2 / 1e-70 for name, f in factors.items()}
        table |= {f"spread_{name}_strength": np.full(len(mass), np.nan) for name in ("low68", "high68")}
        parts.append(pa.table(table))
    return bdm_exclusion(pa.concat_tables(parts), supernova="SN", coupling_product=None)


def draw_search() -> Figure:
    """A search at one source."""
    random, n = rng(), 40
    events = QTable(
        {
            "ra": (83.6 + random.normal(0, 0.7, n)) * u.deg,
            "dec": (22.0 + random.normal(0, 0.7, n)) * u.deg,
            "ang_err": random.uniform(0.2, 1.2, n) * u.deg,
            "weight": random.uniform(0.05, 0.9, n) ** 3 * u.one,
        }
    )
    gammas, steps = np.linspace(1, 4, 31), np.linspace(0, 30, 61)
    values = 9 - ((steps - 11) / 5) ** 2 - ((gammas[:, None] - 2.4 - 0.02 * (steps - 11)) / 0.3) ** 2
    found = SimpleNamespace(
        row={"name": "Crab nebula", "ra_deg": 83.6, "dec_deg": 22.0},
        settings={"release": "icecube-10yr"},
        synthetic=True,
        events=lambda: events,
        target=SimpleNamespace(sources=SimpleNamespace(extension=np.zeros(1)), spectrum=PowerLaw(2.0)),
        is_free=True,
        parameter=2.4,
        fit={"gamma_fitted": True, "test_statistic": 9.0, "n_signal": 11.0, "gamma": 2.4},
        contours=(gammas, steps, values),
    )
    return search_figure(found)


FIGURES: dict[str, Callable[[], Figure]] = {
    name.removeprefix("draw_"): function for name, function in list(globals().items()) if name.startswith("draw_")
}


def save(name: str, path: Path) -> None:
    """Draw a figure of the gallery into a PNG file."""
    canvas.save(FIGURES[name](), [path], dpi=DPI)


if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        save(name, FOLDER / f"{name}.png")
