"""Adaptive Gauss-Kronrod quadrature of many one-dimensional integrals at once, and interpolation on its nodes.

All panels of all integrals that still need work are evaluated in one call per sweep, so that compiled integrands get
long arrays and Python functions vectorised ones. Rule and error estimate: QUADPACK's QK15 (Piessens et al. 1983).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nusky.bdm.checks import Array
from nusky.likelihood.compile import kernel

_HALF_NODES = np.array(
    [
        0.991455371120812639206854697526329,
        0.949107912342758524526189684047851,
        0.864864423359769072789712788640926,
        0.741531185599394439863864773280788,
        0.586087235467691130294144691693013,
        0.405845151377397166906606412076961,
        0.207784955007898467600689403773245,
        0.0,
    ]
)
_HALF_KRONROD = np.array(
    [
        0.022935322010529224963732008058970,
        0.063092092629978553290700663189204,
        0.104790010322250183839876322541518,
        0.140653259715525918745189590510238,
        0.169004726639267902826583426598550,
        0.190350578064785409913256402421014,
        0.204432940075298892414161999234649,
        0.209482141084727828012999174891714,
    ]
)
_HALF_GAUSS = np.array(
    [
        0,
        0.129484966168869693270611432679082,
        0,
        0.279705391489276667901467771423780,
        0,
        0.381830050505118944950369775488975,
        0,
        0.417959183673469387755102040816327,
    ]
)
NODES = np.concatenate([-_HALF_NODES, _HALF_NODES[-2::-1]])
KRONROD = np.concatenate([_HALF_KRONROD, _HALF_KRONROD[-2::-1]])
GAUSS = np.concatenate([_HALF_GAUSS, _HALF_GAUSS[-2::-1]])
ORDER = NODES.size
_MAX_TABLE = 400
_FIRST_TABLE = 4  # panels to begin with: a structure that leaves no trace on 15 nodes each stays unseen
_JUMP = 1e-12  # half width, in the logarithm, of the panel left about a jump
_EPS = 2.220446049250313e-16

# Values at the nodes -> Legendre coefficients of the interpolant, and of its integral from -1.
TO_LEGENDRE = np.linalg.inv(np.polynomial.legendre.legvander(NODES, ORDER - 1))
TO_INTEGRAL = np.stack([np.polynomial.legendre.legint(column, lbnd=-1) for column in TO_LEGENDRE.T], axis=1)


@kernel(inner=True)
def legendre_sum(coefficients, x):
    """Sum of coefficients[k] P_k(x) by Clenshaw's recurrence."""
    later, latest = 0.0, 0.0
    for k in range(coefficients.size - 1, 0, -1):
        later, latest = latest, coefficients[k] + (2 * k + 1) / (k + 1) * x * latest - (k + 1) / (k + 2) * later
    return coefficients[0] + x * latest - 0.5 * later


@kernel(inner=True)
def panel_sums(values):
    """Kronrod sum of the values at the nodes of a panel, QUADPACK's estimate of its error, and the sum of |f|."""
    kronrod, gauss, absolute = 0.0, 0.0, 0.0
    for j in range(values.size):
        kronrod += KRONROD[j] * values[j]
        gauss += GAUSS[j] * values[j]
        absolute += KRONROD[j] * abs(values[j])
    spread = 0.0
    for j in range(values.size):
        spread += KRONROD[j] * abs(values[j] - 0.5 * kronrod)
    error = abs(kronrod - gauss)
    if spread > 0 and error > 0:
        error = spread * min(1.0, (200 * error / spread) ** 1.5)
    return kronrod, max(error, 50 * _EPS * absolute), absolute


@kernel()
def _reduce(values, half, value, error, floor):
    for i in range(half.size):
        kronrod, uncertain, absolute = panel_sums(values[i])
        value[i], error[i] = half[i] * kronrod, half[i] * uncertain
        floor[i] = 50 * _EPS * half[i] * absolute


@dataclass(frozen=True)
class Integrals:
    """Values and error estimates of the integrals, (n_integrals,) each."""

    value: Array
    error: Array


def joined(parts: list[Integrals]) -> Integrals:
    """One record of several."""
    return Integrals(np.concatenate([p.value for p in parts]), np.concatenate([p.error for p in parts]))


def in_blocks(compute: Callable[[slice], Integrals], n: int, size: int) -> Integrals:
    """The `n` integrals that `compute` gives of slices, `size` at a time, which bounds the memory of the work."""
    return joined([compute(slice(i, i + size)) for i in range(0, n, size)])


def integrate(
    evaluate: Callable[[np.ndarray, Array], Array | tuple[Array, Array]],
    owner: np.ndarray,
    n_integrals: int,
    rtol: float,
    low: Array | None = None,
    high: Array | None = None,
    max_panels: int = 400,
) -> Integrals:
    """Integrate over segments, each belonging to one of `n_integrals` integrals.

    Parameters
    ----------
    evaluate : (segment (m,), x (m, 15)) -> (m, 15), or a pair of such arrays
        The integrand at nodes x of panels of the given segments; of a pair, the second is the integrand's own error.
    owner : (n_segments,) int
        The integral a segment belongs to.
    rtol : float
        An integral is done when its estimated error is below rtol times its value.
    low, high : (n_segments,), optional
        Ends of the segments; 0 and 1 by default.
    max_panels : int
        An integral with so many panels is left as it is, with its error estimate; noise in the integrand ends here.
    """
    segment = np.arange(owner.size)
    a = np.zeros(owner.size) if low is None else np.array(low, dtype=np.float64)
    b = np.ones(owner.size) if high is None else np.array(high, dtype=np.float64)
    done_value, done_error = np.zeros(n_integrals), np.zeros(n_integrals)
    kept: tuple[Array, ...] = tuple(np.empty(0) for _ in range(6))
    while True:
        half = (b - a) / 2
        result = evaluate(segment, (a + b)[:, None] / 2 + half[:, None] * NODES)
        values, own_error = result if isinstance(result, tuple) else (result, None)
        value, error, floor = np.empty(half.size), np.empty(half.size), np.empty(half.size)
        _reduce(np.ascontiguousarray(values, dtype=np.float64), half, value, error, floor)
        if own_error is not None:
            inherited = half * (own_error @ KRONROD)
            error, floor = error + inherited, floor + inherited
        segment = np.concatenate([kept[0].astype(np.int64), segment])
        a, b = np.concatenate([kept[1], a]), np.concatenate([kept[2], b])
        value, error = np.concatenate([kept[3], value]), np.concatenate([kept[4], error])
        floor = np.concatenate([kept[5], floor])
        whose = owner[segment]
        total = done_value + np.bincount(whose, value, n_integrals)
        remaining = done_error + np.bincount(whose, error, n_integrals)
        count = np.maximum(np.bincount(whose, minlength=n_integrals), 1)
        goal = rtol * np.abs(total)
        resolvable = (error > 1.5 * floor) & (b - a > 1e-13)
        split = (remaining > goal)[whose] & (error > (goal / count)[whose]) & resolvable & (count < max_panels)[whose]
        if not split.any():
            return Integrals(total, remaining)
        open_ = np.zeros(n_integrals, dtype=bool)
        open_[whose[split]] = True
        finished = ~open_[whose]
        done_value += np.bincount(whose[finished], value[finished], n_integrals)
        done_error += np.bincount(whose[finished], error[finished], n_integrals)
        keep = ~finished & ~split
        kept = (segment[keep], a[keep], b[keep], value[keep], error[keep], floor[keep])
        middle = (a[split] + b[split]) / 2
        segment = np.concatenate([segment[split], segment[split]])
        a, b = np.concatenate([a[split], middle]), np.concatenate([middle, b[split]])


class Interpolant:
    """A function of one positive variable, tabulated on panels in its logarithm, halved until it is smooth there.

    `function` gives values, or `Integrals` with their errors. A jump is closed in on to a relative width of 1e-12;
    what is not resolved after `_MAX_TABLE` panels stays as it is, with its error: see `relative_error` and `lost`.
    """

    def __init__(self, function: Callable[[Array], Array | Integrals], low: float, high: float, rtol: float) -> None:
        edges = np.linspace(np.log(low), np.log(high), _FIRST_TABLE + 1)
        todo_a, todo_b = edges[:-1], edges[1:]
        self._first = (edges[1] - edges[0]) / 2
        found, coefficients, largest, relative, highest = [], [], [], [], []
        scale = 0.0
        while todo_a.size:
            half = (todo_b - todo_a) / 2
            x = (todo_a + todo_b)[:, None] / 2 + half[:, None] * NODES
            result = function(np.exp(x))
            values, errors = (result.value, result.error) if isinstance(result, Integrals) else (result, 0.0 * result)
            legendre = values @ TO_LEGENDRE.T
            size = np.abs(values).max(axis=1)
            scale = max(scale, size.max())
            tail = np.abs(legendre[:, -3:]).max(axis=1)
            resolved = tail <= rtol * np.maximum(size, 1e-6 * scale)
            good = resolved | (half < _JUMP) | (len(coefficients) + half.size > _MAX_TABLE)
            own = np.where(values != 0, errors / np.where(values != 0, np.abs(values), 1.0), 0.0).max(axis=1)
            own = own + np.where(resolved, 0.0, tail / np.maximum(size, 1e-300))
            found += zip(todo_a[good], todo_b[good], strict=True)
            coefficients += list(legendre[good])
            largest += list(size[good])
            relative += list(own[good])
            highest += list(np.exp(x[np.arange(half.size), np.abs(values).argmax(axis=1)])[good])
            middle = (todo_a + todo_b)[~good] / 2
            todo_a, todo_b = np.concatenate([todo_a[~good], middle]), np.concatenate([middle, todo_b[~good]])
        order = np.argsort([edge[0] for edge in found])
        self._low, self._high = low, high
        self._edges, self._coefficients = np.array(found)[order], np.array(coefficients)[order]
        self._largest, self._relative = np.array(largest)[order], np.array(relative)[order]
        self._highest = np.array(highest)[order]

    def _half(self) -> Array:
        return np.diff(self._edges, axis=1)[:, 0] / 2

    def smooth_ranges(self) -> list[tuple[float, float]]:
        """The table's range without its jumps, as intervals between them."""
        narrow = self._edges[self._half() < _JUMP]
        starts, ends = [self._low, *np.exp(narrow[:, 1])], [*np.exp(narrow[:, 0]), self._high]
        return [(a, b) for a, b in zip(starts, ends, strict=True) if b / a > 1 + 4 * _JUMP]

    def lost(self) -> float:
        """Share of the integral over the logarithm that lies in the panels left about jumps, at most."""
        width, narrow = 2 * self._half(), self._half() < _JUMP
        inside = float((width * self._largest)[narrow].sum())
        total = float((width * self._coefficients[:, 0])[~narrow].sum())
        return inside / (inside + total) if inside else 0.0

    def narrow_places(self, most: int) -> Array:
        """Where the panels had to be much smaller than at first: places of narrow structures, at most so many."""
        half = self._half()
        narrow = half < self._first / 20
        ends = np.flatnonzero(np.diff(np.concatenate([[False], narrow, [False]]).astype(int)))
        runs = [np.arange(a, b) for a, b in ends.reshape(-1, 2)]
        best = sorted((half[run].min(), self._peak(run)) for run in runs)
        return np.sort(np.array([place for _, place in best[:most]], dtype=np.float64))

    def _peak(self, run: np.ndarray) -> float:
        """The highest node of the smallest panels of a run, or the middle of the jump that they close in on."""
        half = self._half()[run]
        if half.min() < _JUMP:
            return float(np.exp(self._edges[run[half.argmin()]].mean()))
        deep = run[half < 5 * half.min()]
        return float(self._highest[deep[self._largest[deep].argmax()]])

    def relative_error(self, x: Array) -> Array:
        """Relative error, no unit, shape of x, of the table about x: values and unresolved parts."""
        panel = np.searchsorted(self._edges[:, 0], np.log(x), side="right") - 1
        return self._relative[np.clip(panel, 0, len(self._relative) - 1)]

    def __call__(self, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        out = np.empty(x.size)
        _interpolate(np.log(x).reshape(-1), self._edges, self._coefficients, out)
        return out.reshape(x.shape)


@kernel()
def _interpolate(x, edges, coefficients, out):
    for i in range(x.size):
        panel = min(max(np.searchsorted(edges[:, 0], x[i], side="right") - 1, 0), edges.shape[0] - 1)
        low, high = edges[panel, 0], edges[panel, 1]
        out[i] = legendre_sum(coefficients[panel], min(max((2 * x[i] - low - high) / (high - low), -1.0), 1.0))
