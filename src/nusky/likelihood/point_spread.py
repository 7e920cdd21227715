"""The point spread of signal, from the smearing tables: where an event lies that a neutrino of some energy leaves.

AngErr is an estimate: the true spread differs from it by a factor that depends on the energy, and has a tail that a
Gaussian lacks. For every cell of true energy and declination, and every bin of reconstructed energy and AngErr, the
pulls psi/AngErr of simulated events are a mixture of Gaussians of the fixed widths `WIDTHS`, so that

    S(psi, E, AngErr) = sum_m G(psi; c_m AngErr) T_m(E, AngErr),   T_m = sum_c a_c M_c(E, AngErr) w_cm,

with M_c what is reconstructed for a neutrino of cell c and a_c the share of the detected neutrinos in it: linear in
a_c, so right for every spectrum. The weights w_cm are fitted once, by expectation maximisation (Dempster, Laird and
Rubin, J. R. Stat. Soc. B 39 (1977) 1).
"""

import itertools

import numpy as np

from nusky.detector.smearing import ANG_ERR_FLOOR, Smearing
from nusky.likelihood.compile import kernel
from nusky.likelihood.energy import ANG_ERR_EDGES, LOG10_ENERGY_EDGES, ang_err_bin, energy_bin

WIDTHS = (0.35, 0.65, 1.1, 2.0, 4.5)
"""Widths c_m of the Gaussians in units of AngErr. More of them describe the pulls no better."""
GAUSSIAN = (1.0, 1.0, 1.0, 1.0, 1.0)
"""Those of a release without smearing tables, whose AngErr is taken at its word; only the first has signal."""
FARTHEST = 10.0
"""Larger pulls are lost in the background: signal there counts as uniform in right ascension."""
_PULLS = np.geomspace(0.05, FARTHEST, 37)
"""Edges of the pulls; smaller and larger ones count in bins of their own."""
_PER_BIN = 3
"""Bins of energy in which the weights are the same: simulated events are few."""
_FINENESS, _MOST_VALUES = 0.3, 6
_STEPS = 60
_PRIOR = 0.02
"""Every bin is joined by the pulls of all energies of its cell and AngErr with this share of the cell's events, which
decide where the simulation has few."""


def reconstructed(smearing: Smearing) -> np.ndarray:
    """What is reconstructed for a neutrino of every cell of a response, (n_dec, n_enu, n_bins, n_widths + 1) float32.

    M_c w_cm, and last the share of the bin whose pulls lie beyond `FARTHEST`; sums to 1 over the last two axes. The
    bins are those of energy (`LOG10_ENERGY_EDGES`) with those of AngErr (`ANG_ERR_EDGES`) running fastest. Cells
    without rows have those of the cell that serves them. Made once for each response.
    """
    return smearing.derived("point spread", lambda: _reconstructed(smearing))


def _reconstructed(smearing: Smearing) -> np.ndarray:
    in_bins = smearing.energy_matrix(LOG10_ENERGY_EDGES, ANG_ERR_EDGES, ANG_ERR_FLOOR)
    n_energy, n_ang_err = len(LOG10_ENERGY_EDGES) - 1, len(ANG_ERR_EDGES) - 1
    own = in_bins.reshape(*in_bins.shape[:2], n_energy, n_ang_err)
    weights = _mixtures(_pulls(smearing))[smearing.served_by]
    matrix = own[..., None] * weights[:, :, np.arange(n_energy) // _PER_BIN]
    made = matrix.reshape(*in_bins.shape, len(WIDTHS) + 1).astype(np.float32)
    made.flags.writeable = False
    return made


def _pulls(smearing: Smearing) -> np.ndarray:
    """Distribution of the pulls in every cell, (n_cells, n_coarse_energies, n_ang_err, n_pulls)."""
    n_cells = len(smearing.start) - 1
    shape = (n_cells, (len(LOG10_ENERGY_EDGES) - 2) // _PER_BIN + 1, len(ANG_ERR_EDGES) - 1, len(_PULLS) + 1)
    cell = np.repeat(np.arange(n_cells), np.diff(smearing.start))
    counts = np.zeros(np.prod(shape))
    insides = [_inside(bins) for bins in (smearing.psf, smearing.ang_err)]
    energies = [smearing.log10_energy @ [1 - place, place] for place in (0.25, 0.75)]
    n = len(energies) * len(insides[0]) * len(insides[1])
    for log10_energy, psi, ang_err in itertools.product(energies, *insides):
        floored = np.maximum(ang_err, ANG_ERR_FLOOR)
        pull = np.searchsorted(_PULLS, psi / floored)
        at = cell, energy_bin(log10_energy) // _PER_BIN, ang_err_bin(floored), pull
        counts += np.bincount(np.ravel_multi_index(at, shape), smearing.fraction / n, counts.size)
    return counts.reshape(shape)


def _inside(bins: np.ndarray) -> list[np.ndarray]:
    """Values that stand for the inside of `bins`, (n, 2), as `Smearing.sample` draws it: more for wider bins."""
    low, high = bins.T
    ratio = np.divide(high, low, out=np.ones(len(bins)), where=low > 0)
    widest = np.log(ratio.max(initial=1.0)) if (low > 0).all() else np.inf
    n = int(np.clip(np.ceil(widest / _FINENESS), 2, _MOST_VALUES))
    return [np.where(low > 0, low * ratio**place, high * place) for place in (np.arange(n) + 0.5) / n]


def _mixtures(counts: np.ndarray) -> np.ndarray:
    """Weights of the Gaussians, fitted to pulls (..., n_pulls), and the share beyond: (..., n_widths + 1)."""
    counts = counts + _PRIOR * counts.sum(axis=1, keepdims=True)
    flat = np.ascontiguousarray(counts.reshape(-1, counts.shape[-1]))
    total = flat.sum(axis=1)
    beyond = np.divide(flat[:, -1], total, out=np.ones(len(flat)), where=total > 0)
    edges = np.exp(-0.5 * np.concatenate(([0.0], _PULLS)) ** 2 / np.square(WIDTHS)[:, None])
    in_pull = -np.diff(edges, axis=1).T / (1 - edges[:, -1])
    weights = np.empty((len(flat), len(WIDTHS)))
    _fit_mixtures(np.ascontiguousarray(flat[:, :-1]), np.ascontiguousarray(in_pull), weights)
    made = np.column_stack((weights * (1 - beyond)[:, None], beyond))
    return made.reshape(*counts.shape[:-1], len(WIDTHS) + 1)


@kernel()
def _fit_mixtures(counts, in_pull, weights):
    """Expectation maximisation of the weights of each row of `counts` (n, n_pulls), into `weights` (n, n_widths).

    `in_pull` (n_pulls, n_widths) is the share of each Gaussian in each bin of pulls. A row without events gets equal
    weights.
    """
    n_pulls, n_widths = in_pull.shape
    updated, filled = np.empty(n_widths), np.empty(n_pulls, np.int64)
    for row in range(len(counts)):
        total = counts[row].sum()
        weights[row] = 1.0 / n_widths
        if total == 0.0:
            continue
        n = 0
        for p in range(n_pulls):
            if counts[row, p] > 0.0:
                filled[n] = p
                n += 1
        for _ in range(_STEPS):
            updated[:] = 0.0
            for i in range(n):
                p = filled[i]
                density = 0.0
                for m in range(n_widths):
                    density += weights[row, m] * in_pull[p, m]
                share = counts[row, p] / (total * max(density, 1e-300))
                for m in range(n_widths):
                    updated[m] += share * in_pull[p, m]
            for m in range(n_widths):
                weights[row, m] *= updated[m]
