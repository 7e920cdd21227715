"""What the generated releases look like: densities, effective areas and smearing, from a few tables of parameters.

The parameters were fitted to real releases by `benchmarks/fit_generator.py`. Every one is a table on a few nodes,
interpolated linearly (the declination density: cubic spline of its logarithm). Distributions are stored as quantiles
at normal deviates z, probability = Phi(z), so that one standard normal number draws one value and correlated normal
numbers draw correlated values.
"""

import functools
import importlib.resources
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from nusky.errors import ReleaseError

if TYPE_CHECKING:  # importing it takes longer than most jobs may
    from scipy.interpolate import RegularGridInterpolator

GENERATED = "GENERATED.json"
"""Name of the file that marks a generated release."""
ANG_ERR_FLOOR_DEG = 0.2
"""Smallest angular error of the ten-year release (arXiv:2101.09836)."""
MAX_Z = 3.5
"""Deviates are clipped here: beyond it the linear tails leave the range of real events."""

AREA_LOG10_ENU_EDGES = np.round(np.linspace(2.0, 10.0, 41), 2)
AREA_DEC_EDGES_DEG = np.round(np.degrees(np.arcsin(np.linspace(-1.0, 1.0, 51))), 2)
SMEARING_LOG10_ENU_EDGES = np.linspace(2.0, 9.0, 15)
_N_ENERGY, _N_PSF, _N_ANG_ERR = 20, 10, 5
_SMEARING_MAX_Z = 3.0

_AVERAGED = {"IC59": ("IC40", "IC79")}
_SMEARING_OF_RESPONSE = {"IC86_I": "IC86", "IC86_II": "IC86"}


@functools.cache
def parameters() -> dict[str, Any]:
    """The fitted parameters."""
    text = importlib.resources.files("nusky.releases").joinpath("generator_parameters.json").read_text("utf-8")
    return json.loads(text)


@dataclass(frozen=True)
class EventModel:
    """Distribution of the events of a season in sin(dec), log10 E and AngErr; uniform in right ascension."""

    sin_dec: np.ndarray
    """Grid on which the density is tabulated, (n,)."""
    density: np.ndarray
    """Probability density in sin(dec) on that grid, integral 1, (n,)."""
    log10_energy: "RegularGridInterpolator"
    """log10(E/GeV) as a function of (sin dec, z)."""
    log10_ang_err: "RegularGridInterpolator"
    """log10(AngErr/deg) as a function of (sin dec, z of the energy, z)."""

    def sample(self, rng: np.random.Generator, n_events: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw events: dec [rad], log10(E/GeV), AngErr [rad], each (n_events,) float64."""
        cumulative = np.concatenate(
            [[0.0], np.cumsum((self.density[1:] + self.density[:-1]) / 2 * np.diff(self.sin_dec))]
        )
        sin_dec = np.interp(rng.random(n_events), cumulative / cumulative[-1], self.sin_dec)
        z_energy, z_ang_err = np.clip(rng.standard_normal((2, n_events)), -MAX_Z, MAX_Z)
        log10_energy = self.log10_energy((_inside(self.log10_energy, 0, sin_dec), z_energy))
        bands, ranks = (_inside(self.log10_ang_err, axis, x) for axis, x in ((0, sin_dec), (1, z_energy)))
        ang_err = np.maximum(10 ** self.log10_ang_err((bands, ranks, z_ang_err)), ANG_ERR_FLOOR_DEG)
        return np.arcsin(sin_dec), log10_energy, np.radians(ang_err)


@functools.cache
def event_model(response: str) -> EventModel:
    """The events of the seasons of a ten-year `response`; IC59, which was not fitted, is the mean of its neighbours."""

    from scipy.interpolate import CubicSpline

    nodes = parameters()["nodes"]
    seasons = [_fitted("events", name) for name in _AVERAGED.get(response, (response,))]

    def mean(key: str) -> np.ndarray:
        return np.mean([season[key] for season in seasons], axis=0)

    sin_dec = np.linspace(-1.0, 1.0, 4001)
    density = np.exp(CubicSpline(nodes["density_sin_dec"], mean("log_density"), bc_type="natural")(sin_dec))
    return EventModel(
        sin_dec,
        density / np.trapezoid(density, sin_dec),
        _linear((nodes["energy_sin_dec"], nodes["energy_z"]), mean("log10_energy")),
        _linear((nodes["ang_err_sin_dec"], nodes["ang_err_energy_z"], nodes["ang_err_z"]), mean("log10_ang_err")),
    )


@dataclass(frozen=True)
class EffectiveArea:
    """Effective area in the binning of the ten-year release."""

    log10_enu_edges: np.ndarray
    """Edges of log10(E_nu/GeV), (41,)."""
    dec_edges: np.ndarray
    """Edges of the declination, rad, (51,)."""
    aeff: np.ndarray
    """Area, cm2, (40, 50), rounded to 0.01 cm2 as in the release."""

    def acceptance(self, dec: float, gamma: float) -> np.ndarray:
        """The integrals of area times (E / 100 TeV)^-gamma over each energy bin at one declination [rad], cm2 GeV."""
        slope, low, width = self._bins(gamma)
        integrals = 1e5 * np.exp(slope * (low - np.log(1e5))) * np.expm1(slope * width) / slope
        return self.aeff[:, _bin_of(dec, self.dec_edges)] * integrals

    def sample_log10_enu(self, rng: np.random.Generator, n_events: int, dec: float, gamma: float) -> np.ndarray:
        """Draw log10(E_nu/GeV) of detected neutrinos of a source at `dec` [rad] with a flux falling as E^-gamma."""
        acceptance = self.acceptance(dec, gamma)
        chosen = rng.choice(len(acceptance), size=n_events, p=acceptance / acceptance.sum())
        slope, low, width = self._bins(gamma)
        inside = np.log1p(rng.random(n_events) * np.expm1(slope * width[chosen])) / slope
        return (low[chosen] + inside) / np.log(10.0)

    def _bins(self, gamma: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Exponent of the integral over ln E, lower edges and widths in ln(E/GeV)."""
        # The integrals are smooth at gamma = 1; a tiny exponent gives their limit to full precision.
        edges = self.log10_enu_edges * np.log(10.0)
        return (1.0 - gamma) or 1e-12, edges[:-1], np.diff(edges)


@functools.cache
def effective_area(response: str) -> EffectiveArea:
    """The effective area of a ten-year `response`."""
    nodes, fitted = parameters()["nodes"], _fitted("effective_area", response)
    log10_enu = (AREA_LOG10_ENU_EDGES[1:] + AREA_LOG10_ENU_EDGES[:-1])[:, None] / 2
    sines = np.sin(np.radians(AREA_DEC_EDGES_DEG))
    sin_dec = (sines[1:] + sines[:-1])[None, :] / 2
    surface = _linear((nodes["area_log10_enu"], nodes["area_sin_dec"]), fitted["log10_aeff_cm2"])
    start = np.interp(sin_dec, nodes["area_sin_dec"], fitted["log10_enu_start"])
    end = np.interp(sin_dec, nodes["area_sin_dec"], fitted["log10_enu_end"])
    aeff = np.where((log10_enu > start) & (log10_enu < end), 10 ** surface((log10_enu, sin_dec)), 0.0)
    return EffectiveArea(AREA_LOG10_ENU_EDGES, np.radians(AREA_DEC_EDGES_DEG), np.round(aeff, 2))


@dataclass(frozen=True)
class Smearing:
    """Smearing in cells of (E_nu, dec_nu): what is reconstructed for a neutrino detected in a cell.

    The edges inside a cell are its own, as in the releases: PSF bins do not depend on the energy bin, AngErr bins
    depend on the PSF bin.
    """

    log10_enu_edges: np.ndarray
    """(n_enu + 1,), E_nu in GeV."""
    dec_edges: np.ndarray
    """(n_dec + 1,), rad."""
    log10_energy_edges: np.ndarray
    """(n_enu, n_dec, n_energy + 1), E in GeV."""
    psf_edges: np.ndarray
    """(n_enu, n_dec, n_psf + 1), rad."""
    ang_err_edges: np.ndarray
    """(n_enu, n_dec, n_psf, n_ang_err + 1), rad."""
    fraction: np.ndarray
    """(n_enu, n_dec, n_energy, n_psf, n_ang_err): sums to 1 per cell, or is 0 all over a cell without events."""

    def sample(
        self, rng: np.random.Generator, log10_enu: np.ndarray, dec: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw log10(E/GeV), PSF angle [rad] and AngErr [rad] at `dec` [rad]: a bin, uniform inside it."""
        n_events, inner = len(log10_enu), self.fraction.shape[2:]
        enu_bin, dec_bin = _bin_of(log10_enu, self.log10_enu_edges), _bin_of(dec, self.dec_edges)
        cumulative = np.cumsum(self.fraction[:, dec_bin].reshape(len(self.fraction), -1), axis=1)
        # One sorted array for all cells: cell c occupies the numbers from c to c + 1.
        cells = np.arange(len(cumulative))[:, None]
        laid_out = (cells + cumulative / np.maximum(cumulative[:, -1:], 1e-300)).ravel()
        flat = np.searchsorted(laid_out, enu_bin + rng.random(n_events), side="right") - enu_bin * cumulative.shape[1]
        energy_bin, psf_bin, ang_err_bin = np.unravel_index(np.minimum(flat, cumulative.shape[1] - 1), inner)

        def inside(edges: np.ndarray, index: np.ndarray) -> np.ndarray:
            rows = np.arange(n_events)
            low, high = edges[rows, index], edges[rows, index + 1]
            return low + rng.random(n_events) * (high - low)

        return (
            inside(self.log10_energy_edges[enu_bin, dec_bin], energy_bin),
            inside(self.psf_edges[enu_bin, dec_bin], psf_bin),
            inside(self.ang_err_edges[enu_bin, dec_bin, psf_bin], ang_err_bin),
        )


@functools.cache
def smearing(response: str) -> Smearing:
    """The smearing of a ten-year `response`; a cell is empty where the effective area is zero throughout."""
    nodes, fitted = parameters()["nodes"], _fitted("smearing", _SMEARING_OF_RESPONSE.get(response, response))
    middle = (SMEARING_LOG10_ENU_EDGES[1:] + SMEARING_LOG10_ENU_EDGES[:-1]) / 2

    def at_middle(key: str) -> np.ndarray:
        """The table `key`, (n_dec, n_nodes, ...), at the middle of each energy bin: (n_enu, n_dec, ...)."""
        table = np.moveaxis(np.asarray(fitted[key]), 1, 0)
        return _linear((nodes["smearing_log10_enu"],), table)(
            np.clip(middle, *_ends(nodes["smearing_log10_enu"]))[:, None]
        )

    def quantile(table: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Quantiles at `z`, (..., n), of the distributions in `table`, (..., 3): linear on each side of the median."""
        z_nodes = nodes["smearing_z"]
        low, median, high = (table[(...,) + (None,) * (z.ndim - table.ndim + 1) + (k,)] for k in range(3))
        return median + np.where(z < 0, (low - median) / z_nodes[0], (high - median) / z_nodes[2]) * z

    shape = (len(middle), len(nodes["smearing_dec_edges_deg"]) - 1)
    z_energy = np.broadcast_to(np.linspace(-_SMEARING_MAX_Z, _SMEARING_MAX_Z, _N_ENERGY + 1), (*shape, _N_ENERGY + 1))
    z_psf = np.broadcast_to(np.linspace(-_SMEARING_MAX_Z, _SMEARING_MAX_Z, _N_PSF + 1), (*shape, _N_PSF + 1))
    correlation = at_middle("correlation")[..., None]
    residual = np.sqrt(1.0 - correlation**2)
    # AngErr bins follow the PSF bin; probabilities are averaged over a few PSF values inside it.
    z_ang_err = (correlation * (z_psf[..., 1:] + z_psf[..., :-1]) / 2)[..., None] + np.multiply.outer(
        residual, np.linspace(-_SMEARING_MAX_Z, _SMEARING_MAX_Z, _N_ANG_ERR + 1)
    )
    places = (np.arange(5) + 0.5) / 5
    z_inside = z_psf[..., :-1, None] + np.diff(z_psf)[..., None] * places
    weight = np.exp(-(z_inside**2) / 2)
    deviate = (z_ang_err[..., None, :] - (correlation[..., None] * z_inside)[..., None]) / residual[..., None, None]
    ang_err_share = np.diff(
        (scipy.special.ndtr(deviate) * weight[..., None]).sum(axis=-2) / weight.sum(axis=-1)[..., None]
    )
    fraction = (
        np.diff(scipy.special.ndtr(z_energy))[..., :, None, None]
        * np.diff(scipy.special.ndtr(z_psf))[..., None, :, None]
        * ang_err_share[..., None, :, :]
    )
    dec_edges = np.radians(nodes["smearing_dec_edges_deg"])
    fraction *= (_has_area(effective_area(response), dec_edges) / fraction.sum(axis=(2, 3, 4)))[..., None, None, None]
    return Smearing(
        SMEARING_LOG10_ENU_EDGES,
        dec_edges,
        quantile(at_middle("log10_energy"), z_energy),
        np.radians(10 ** quantile(at_middle("log10_psf"), z_psf)),
        np.radians(ANG_ERR_FLOOR_DEG + 10 ** quantile(at_middle("log10_ang_err_above_floor"), z_ang_err)),
        fraction,
    )


def _has_area(area: EffectiveArea, dec_edges: np.ndarray) -> np.ndarray:
    """Whether any effective-area bin that overlaps a smearing cell is not zero, (n_enu, n_dec) bool.

    The last smearing cells also serve the energies above them.
    """
    upper = np.append(SMEARING_LOG10_ENU_EDGES[1:-1], np.inf)
    in_energy = (area.log10_enu_edges[:-1] < upper[:, None] - 1e-9) & (
        area.log10_enu_edges[1:] > SMEARING_LOG10_ENU_EDGES[:-1, None] + 1e-9
    )
    in_dec = (area.dec_edges[:-1] < dec_edges[1:, None]) & (area.dec_edges[1:] > dec_edges[:-1, None])
    return (in_energy.astype(float) @ area.aeff @ in_dec.T.astype(float)) > 0


def _fitted(kind: str, name: str) -> Any:
    try:
        return parameters()[kind][name]
    except KeyError:
        known = ", ".join(parameters()[kind])
        raise ReleaseError(f"the generator has no {kind} parameters for '{name}'; it has {known}.") from None


def _linear(nodes: tuple[Any, ...], values: Any) -> "RegularGridInterpolator":
    """Linear interpolation of `values` on `nodes`, continued linearly outside."""

    from scipy.interpolate import RegularGridInterpolator

    grid = tuple(np.asarray(axis, float) for axis in nodes)
    return RegularGridInterpolator(grid, np.asarray(values, float), bounds_error=False, fill_value=None)


def _inside(table: "RegularGridInterpolator", axis: int, values: np.ndarray) -> np.ndarray:
    """`values` clipped to the nodes of an axis of a table, which is held constant beyond them."""
    return np.clip(values, *_ends(table.grid[axis]))


def _bin_of(values: Any, edges: np.ndarray) -> Any:
    """Indices of the bins that values are in, of the outermost ones beyond the edges."""
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _ends(nodes: Any) -> tuple[float, float]:
    return nodes[0], nodes[-1]
