"""The point spread of signal in units of AngErr, from the smearing tables.

AngErr is an estimate: at a given reconstructed energy the true spread differs from it by a factor and has a tail that a
Gaussian lacks. Here the pull psi/AngErr of simulated signal is described by two Gaussians on the plane, a core and a
tail, for each declination cell of the smearing and each bin of energy.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from nusky.detector.effective_area import EffectiveArea
from nusky.detector.smearing import ANG_ERR_FLOOR, Smearing
from nusky.detector.spectrum import PowerLaw

GAMMA = 2.5
"""Spectral index of the signal the pulls are taken from where none is chosen. Pulls grow with it: fitted with those of
2.5, the number of events is about as much too high at 2 as it is too low at 3."""
_LOG10_ENERGY_EDGES = np.arange(1.0, 8.01, 0.25)
_PULLS = np.geomspace(0.03, 10.0, 101)
"""Edges of the pulls; larger ones, which are lost in the background, count as the last."""
_FINENESS, _MOST_VALUES = 0.25, 10
_STEPS = 300
_LEAST = 1e-3
"""Smallest share of either Gaussian and smallest squared width: both stay defined where one is not needed."""
_PRIOR = 2e-3
"""Every energy bin is joined by the pulls of all energies with this share of the signal, which decide where the
simulation has few events."""


@dataclass(frozen=True)
class PointSpread:
    """Core and tail of the pulls of one response.

    Attributes
    ----------
    dec : (n_dec + 1,) float64, rad
        Edges of the declination cells of the smearing.
    log10_energy : (n_bins + 1,) float64, log10(E/GeV)
    core, tail : (n_dec, n_bins) float64
        Gaussian widths in units of AngErr.
    tail_share : (n_dec, n_bins) float64
        Share of the signal in the tail.
    gamma : float
        Spectral index of the signal it describes.
    """

    dec: np.ndarray
    log10_energy: np.ndarray
    core: np.ndarray
    tail: np.ndarray
    tail_share: np.ndarray
    gamma: float

    @classmethod
    def of_response(cls, area: EffectiveArea, smearing: Smearing, gamma: float = GAMMA) -> "PointSpread":
        """Fitted to the pulls of a smearing, for neutrinos of an E^-gamma flux seen with an effective area."""
        counts = np.stack([_pulls(area, smearing, cell, gamma) for cell in range(len(smearing.dec) - 1)])
        return cls(smearing.dec, _LOG10_ENERGY_EDGES, *_two_gaussians(counts), gamma)

    def at(self, dec: np.ndarray, log10_energy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """core, tail and tail_share of events at declinations [rad] and log10(E/GeV), each (n_events,)."""
        cell = np.clip(np.searchsorted(self.dec, dec, side="right") - 1, 0, len(self.dec) - 2)
        energy = np.searchsorted(self.log10_energy, log10_energy, side="right") - 1
        energy = np.clip(energy, 0, len(self.log10_energy) - 2)
        return self.core[cell, energy], self.tail[cell, energy], self.tail_share[cell, energy]


def _pulls(area: EffectiveArea, smearing: Smearing, dec_cell: int, gamma: float) -> np.ndarray:
    """Distribution of the pulls in a declination cell, (n_energy, n_pulls), summing to 1."""
    inside = (area.dec[1:] > smearing.dec[dec_cell]) & (area.dec[:-1] < smearing.dec[dec_cell + 1])
    per_bin = area.area[:, inside].sum(axis=1) * PowerLaw(gamma).integrals(area.log10_energy)
    middle = (area.log10_energy[1:] + area.log10_energy[:-1]) / 2
    accepted = np.bincount(smearing.enu_cell(middle), per_bin, minlength=len(smearing.log10_enu) - 1)
    shape = (len(_LOG10_ENERGY_EDGES) - 1, len(_PULLS) - 1)
    counts = np.zeros(shape)
    for cell, weight in zip(smearing.served_by[dec_cell], accepted, strict=True):
        rows = slice(smearing.start[cell], smearing.start[cell + 1])
        energy = np.searchsorted(_LOG10_ENERGY_EDGES, smearing.log10_energy[rows].mean(axis=1)) - 1
        energy = np.clip(energy, 0, shape[0] - 1)
        inside_psf, inside_ang_err = _inside(smearing.psf[rows]), _inside(smearing.ang_err[rows])
        share = weight * smearing.fraction[rows] / (len(inside_psf) * len(inside_ang_err))
        for psi, ang_err in itertools.product(inside_psf, inside_ang_err):
            pull = np.searchsorted(_PULLS, psi / np.maximum(ang_err, ANG_ERR_FLOOR)) - 1
            flat = energy * shape[1] + np.clip(pull, 0, shape[1] - 1)
            counts += np.bincount(flat, share, counts.size).reshape(shape)
    return counts / counts.sum()


def _inside(bins: np.ndarray) -> list[np.ndarray]:
    """Values that stand for the inside of `bins`, (n, 2), as `Smearing.sample` draws it: more for wider bins."""
    low, high = bins.T
    ratio = np.divide(high, low, out=np.ones(len(bins)), where=low > 0)
    widest = np.log(ratio.max(initial=1.0)) if (low > 0).all() else np.inf
    n = int(np.clip(np.ceil(widest / _FINENESS), 2, _MOST_VALUES))
    return [np.where(low > 0, low * ratio**place, high * place) for place in (np.arange(n) + 0.5) / n]


def _two_gaussians(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Widths of core and tail and the tail's share, by expectation maximisation; `counts` (n_dec, n_energy, n)."""
    square = _PULLS[1:] * _PULLS[:-1]
    counts = counts + _PRIOR * counts.sum(axis=-2, keepdims=True)
    counts = counts / counts.sum(axis=-1, keepdims=True)
    core, tail = np.full(counts.shape[:-1], 1.0), np.full(counts.shape[:-1], 9.0)  # squared widths
    share = np.full(counts.shape[:-1], 0.3)
    for _ in range(_STEPS):
        density = [np.exp(-square / (2 * v[..., None])) / v[..., None] for v in (core, tail)]
        both = share[..., None] * density[1]
        in_tail = counts * both / (both + (1 - share[..., None]) * density[0])
        share = np.clip(in_tail.sum(axis=-1), _LEAST, 1 - _LEAST)
        tail = np.maximum((in_tail @ square) / (2 * share), _LEAST)
        core = np.maximum(((counts - in_tail) @ square) / (2 * (1 - share)), _LEAST)
    return np.sqrt(core), np.sqrt(tail), share
