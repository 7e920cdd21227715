"""Densities of the reconstructed energy, per dex of E: of signal from the detector response, of background from data.

That of signal is constant inside common bins of log10(E/GeV), that of background is smooth. Both are linear in sin(dec)
between the centres of declination bins and constant beyond the outermost. So each integrates to 1 at every declination,
and nothing jumps where a source or an event crosses the edge of a declination bin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky.detector.effective_area import EffectiveArea, checked_declinations
from nusky.detector.smearing import Smearing, bin_number
from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError
from nusky.likelihood.compile import kernel

LOG10_ENERGY_EDGES = np.linspace(0.5, 9.0, 86)
"""Common bins of log10(E/GeV), 0.1 wide: the public events and smearing tables lie between 0.78 and 8.75."""
ANG_ERR_EDGES = np.radians(np.geomspace(0.2, 10.0, 13))
"""Bins of AngErr, rad, where its distribution is part of the densities; the outermost also hold what lies beyond."""
SIN_DEC_EDGES = np.linspace(-1.0, 1.0, 41)
"""Bands of sin(dec), equal ones: of the background's distribution of AngErr, of reaches and of far pairs."""
SIN_DEC_MIDDLES = (SIN_DEC_EDGES[1:] + SIN_DEC_EDGES[:-1]) / 2
KERNELS = (0.03, 0.02, 0.4)
"""Widths of the kernels of the background's energy density in log10(E) and sin(dec) where the density is typical, and
how fast they widen elsewhere."""
_N_BANDS = 200
_BANDS = -1 + (np.arange(_N_BANDS) + 0.5) * 2 / _N_BANDS
_STEP = 0.01
"""Steps of the table in log10(E); the releases give it to 0.01."""
_MEDIAN_REACH = 2
"""Bands on either side that a running median takes in."""
_TINY = 1e-9
_ALONE = 0.05
"""Events around a declination, in those that one event is there, below which it is alone."""
_WIDTH_STEP = 1.25
"""Ratio of the widths that kernels are made of; others are mixtures of two."""
_FEW = 0.01
_USUAL_EVENTS = 30_000
"""With fewer events kernels widen as their number to the power -1/6 (two dimensions)."""
_NEAR, _WIDE = (0, 1, 0), (3, 3, 0)
"""Half-widths, in bins of declination, energy and AngErr, of the windows that AngErr's distribution is counted in."""
_BACK_OFF = 30.0
"""Weight, in events, of the distribution in the wide window."""
_PRIOR = 3.0
"""Weight in it of the distribution over all energies."""
_LEAST = 0.03
"""Events that every bin of AngErr gets on top. With more, signal where the background has no events counts for less
than it should, and fits find too little of it."""
_SAME_EDGE = np.radians(0.01)
"""Effective areas give their declination edges to 0.01 deg: edges closer than that are the same."""
_SAME_ENERGY = 1e-6
_ALL_ENERGIES = LOG10_ENERGY_EDGES[-1] - LOG10_ENERGY_EDGES[0]
_SQRT_2PI = np.sqrt(2 * np.pi)
_AT, _LEFT_OUT, _JOINED = range(3)
"""Events that the background's distribution of AngErr is asked for: any, those it is made of, those that join them."""


def energy_bin(log10_energy: np.ndarray) -> np.ndarray:
    """Number of the bin of each log10(E/GeV); energies beyond the edges belong to the outermost bins."""
    return bin_number(LOG10_ENERGY_EDGES, log10_energy)


def signal_share(
    area: EffectiveArea, smearing: Smearing, matrix: np.ndarray, dec: np.ndarray, spectra: Sequence[Spectrum]
) -> np.ndarray:
    """What is reconstructed of the detected neutrinos of every spectrum: their share in each bin.

    In a bin of declination it is the sum over the true energy of the integral of A_eff(E_nu) f(E_nu) dE_nu times the
    smearing, normalised; the bins of the effective area and the cells of the smearing are split at each other's
    edges, and the outermost cells serve the energies beyond them.

    Parameters
    ----------
    matrix : (n_dec_cells, n_enu, n_bins) float64
        Probability of the bins for a neutrino of each cell of the smearing.
    dec : (n_dec,) float64, rad
    spectra : (n_spectra,)

    Returns
    -------
    (n_dec, n_spectra, n_bins) of the precision of `matrix`

    Raises
    ------
    PhysicsError
        A declination lies outside the sphere, or no neutrino of that range can be seen from anywhere.
    """
    dec = checked_declinations(dec)
    dec_edges = _dec_edges(area, smearing)
    middle = np.arcsin(_centres(np.sin(dec_edges)))
    accepted = _accepted(area, smearing, middle, spectra)
    totals = accepted.sum(axis=2)
    visible = totals > 0
    if not visible.any(axis=0).all():
        raise PhysicsError(
            f"{smearing.response} has no effective area in the whole energy range of the flux. Widen the range."
        )
    lower, weight = _between(_centres(np.sin(dec_edges)), np.sin(dec))
    upper = np.minimum(lower + 1, len(middle) - 1)
    needed, place = np.unique(np.concatenate((lower, upper)), return_inverse=True)
    # Where nothing can be seen the density is never used; the neighbour's keeps the interpolation defined.
    distance = np.abs(middle[needed, None] - middle)
    nearest = np.where(visible.T[:, None], distance, np.inf).argmin(axis=2).T
    detected = accepted[nearest, np.arange(len(spectra))]
    detected /= totals[nearest, np.arange(len(spectra))][..., None]
    cells = smearing.dec_cell(middle)[nearest]
    shares, detected = np.empty((*cells.shape, matrix.shape[2]), matrix.dtype), detected.astype(matrix.dtype)
    for own, of_spectra, made in zip(detected, cells, shares, strict=True):
        for cell in np.unique(of_spectra):
            chosen = of_spectra == cell
            made[chosen] = own[chosen] @ matrix[cell]
    weight = weight[:, None, None].astype(matrix.dtype)
    return shares[place[: len(dec)]] * (1 - weight) + shares[place[len(dec) :]] * weight


def signal_nodes(area: EffectiveArea, smearing: Smearing) -> np.ndarray:
    """sin(dec) between which `signal_share` is linear, (n_nodes,)."""
    return _centres(np.sin(_dec_edges(area, smearing)))


def _dec_edges(area: EffectiveArea, smearing: Smearing) -> np.ndarray:
    return _merged(np.concatenate([area.dec, smearing.dec]), _SAME_EDGE)


@dataclass(frozen=True)
class BackgroundEnergyDensity:
    """P(log10 E | sin dec) of background: a kernel density of a season's own events, tabulated once.

    The kernels are Gaussians in sin(dec) and in x, log10(E/GeV) minus the median at that declination: what follows the
    median from declination to declination is not smeared by it. Where events are few the kernels are wider, by the
    inverse of a first density to the power `KERNELS[2]` (Abramson 1982). One more event, anywhere in
    `LOG10_ENERGY_EDGES`, keeps the density positive. The widths maximise the likelihood of events held out
    (docs/validation/background.md).

    Attributes
    ----------
    median : (n_bands,) float64, log10(E/GeV)
        At the middle of equal bands of sin(dec); linear between them, as the table is.
    x : (n_x,) float64
        Equidistant.
    table : (n_bands, n_x) float64, per dex
    floor : float
        Share of the one more event.
    events : (n_bands,) float64
        Number of events behind each row of the table.
    first : (n_bands, n_x) float32
        The first density, over its geometric mean at the events.
    kernels : (4,) float64
        Widths in bands and steps of the table where `first` is 1, the power, and the integral of what one event adds
        to `first`.
    is_own : (n_bands,) bool
        False where a row is that of the nearest declination with events.
    """

    median: np.ndarray
    x: np.ndarray
    table: np.ndarray
    floor: float
    events: np.ndarray
    first: np.ndarray
    kernels: np.ndarray
    is_own: np.ndarray

    @classmethod
    def of_events(
        cls, log10_energy: np.ndarray, sin_dec: np.ndarray, kernels: tuple[float, float, float] = KERNELS
    ) -> "BackgroundEnergyDensity":
        """The density that `log10_energy` and `sin_dec` of events, (n_events,) float64, come from.

        Raises
        ------
        PhysicsError
            There are no events.
        """

        from scipy.fft import next_fast_len

        if not len(log10_energy):
            raise PhysicsError(
                "no events: the background's energy density cannot be estimated. Check the season's events."
            )
        band = _band(sin_dec)
        median = _running_median(log10_energy, band)
        x = log10_energy - np.interp(sin_dec, _BANDS, median)
        first = np.floor(x.min()) - 1
        n_x = next_fast_len(round((np.ceil(x.max()) + 1 - first) / _STEP), real=True)
        grid = first + _STEP * np.arange(n_x)
        # Shared between the two nearest nodes: rounded energies would lie on the edges of cells.
        column, weight = _between(grid, x)
        counts = sum(
            np.bincount(band * n_x + column + step, share, minlength=_N_BANDS * n_x)
            for step, share in enumerate((1 - weight, weight))
        ).reshape(_N_BANDS, n_x)
        wider = max(1.0, (_USUAL_EVENTS / len(x)) ** (1 / 6))
        in_cells = wider * kernels[1] * _N_BANDS / 2, wider * kernels[0] / _STEP, kernels[2]
        smooth, first_density, of_one = _adaptive(counts, in_cells)
        events = smooth.sum(axis=1)
        # Where hardly any events are, tails of few kernels would decide: the nearest declination with events stands in.
        enough = np.flatnonzero(events > _FEW * events.max())
        nearest = enough[np.argmin(np.abs(np.arange(_N_BANDS)[:, None] - enough), axis=1)]
        table = smooth[nearest] / (events[nearest, None] * _STEP)
        floor = 1 / (len(log10_energy) + 1)
        made = np.array([*in_cells, of_one])
        is_own = nearest == np.arange(_N_BANDS)
        return cls(median[nearest], grid, table, floor, events[nearest], first_density[nearest], made, is_own)

    def at(self, log10_energy: np.ndarray, sin_dec: np.ndarray) -> np.ndarray:
        """The density at any events, (n_events,) float64, per dex of E."""
        return self._with_floor(self._read(self.table, log10_energy, sin_dec))

    def left_out(self, log10_energy: np.ndarray, sin_dec: np.ndarray) -> np.ndarray:
        """The density at the events that it is made of, each left out of it: what the others tell of an event.

        An event that counts for the background at itself looks less like signal than another one at the same place
        would, and fits find too little signal.
        """
        in_sin_dec, in_energy, adaptivity, _ = self.kernels
        first = self._read(self.first, log10_energy, sin_dec)
        level = -adaptivity * np.log(np.maximum(first, _TINY)) / np.log(_WIDTH_STEP)
        # What an event adds to the table at itself: it stands at the centre of its band, and at two nodes in energy.
        band = _band(sin_dec)
        apart = np.abs(sin_dec - _BANDS[band]) * _N_BANDS / 2
        _, inside = _between(self.x, log10_energy - self._median(sin_dec))
        split = 2 * inside * (1 - inside)
        kernel, of_band = np.zeros(len(level)), np.zeros(len(level))
        for step in (0, 1):
            number = np.floor(level) + step
            share, wider = 1 - np.abs(level - number), _WIDTH_STEP**number
            in_band = (1 - apart) * _gaussians(0.0, in_sin_dec * wider) + apart * _gaussians(1.0, in_sin_dec * wider)
            for mirrored in (2 * band + 1, 2 * (_N_BANDS - band) - 1):
                in_band += _gaussians(np.square(mirrored), in_sin_dec * wider)
            along = (1 - split) * _gaussians(0.0, in_energy * wider) + split * _gaussians(1.0, in_energy * wider)
            of_band += share * in_band
            kernel += share * in_band * along
        # Where the nearest declination with events stands in, the event is no part of it.
        counted = self.is_own[band]
        events = self._events(sin_dec)
        table = self._read(self.table, log10_energy, sin_dec)
        left = (table * events - counted * kernel / _STEP) / np.maximum(events - counted * of_band, _TINY)
        some = events - counted * of_band > _ALONE * of_band
        return self._with_floor(np.where(some, np.maximum(left, 0.0), 0.0))

    def joined(self, log10_energy: np.ndarray, sin_dec: np.ndarray) -> np.ndarray:
        """The density at events that join those that it is made of: all of these tell of each event, and the others.

        The running median and the widths of the season's own kernels stay.
        """
        tables = self.table, self.first, self.median, self.events
        return _joined(*tables, self.x[0], self.kernels, self.floor, log10_energy, sin_dec)

    def _with_floor(self, density: np.ndarray) -> np.ndarray:
        return (1 - self.floor) * density + self.floor / _ALL_ENERGIES

    def _median(self, sin_dec: np.ndarray) -> np.ndarray:
        return np.interp(sin_dec, _BANDS, self.median)

    def _events(self, sin_dec: np.ndarray) -> np.ndarray:
        return np.interp(sin_dec, _BANDS, self.events)

    def _read(self, table: np.ndarray, log10_energy: np.ndarray, sin_dec: np.ndarray) -> np.ndarray:
        return _at_events(table, self.median, self.x[0], log10_energy, sin_dec)


def _gaussians(square: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    return np.exp(-0.5 * square / np.square(width)) / (_SQRT_2PI * width)


_gaussian = kernel(inner=True)(_gaussians)


@kernel(inner=True)
def _node(first, step, last, value):
    """Number of the node below a value and weight of the next one, of equidistant nodes; constant beyond the ends."""
    place = (value - first) / step
    place = min(place, float(last)) if place > 0 else 0.0  # what is no number stays in the table, too
    lower = int(place)
    return lower, min(lower + 1, last), place - lower


@kernel(inner=True)
def _at_node(table, x_first, lower, upper, weight, x):
    """`table` (n_bands, n_x) between two bands, at log10(E/GeV) `x` from the median; 0 beyond its ends."""
    last = table.shape[1] - 1
    if not x_first <= x <= x_first + _STEP * last:
        return 0.0
    column, following, inside = _node(x_first, _STEP, last, x)
    below = table[lower, column] * (1 - inside) + table[lower, following] * inside
    above = table[upper, column] * (1 - inside) + table[upper, following] * inside
    return below * (1 - weight) + above * weight


@kernel(inner=True)
def _place(median, log10_energy, sin_dec):
    """The two bands that an event lies between, the weight of the upper, and its log10(E/GeV) from the median."""
    lower, upper, weight = _node(_BANDS[0], 2 / _N_BANDS, _N_BANDS - 1, sin_dec)
    return lower, upper, weight, log10_energy - (median[lower] * (1 - weight) + median[upper] * weight)


@kernel()
def _at_events(table, median, x_first, log10_energy, sin_dec):
    """`table` (n_bands, n_x) at events, (n_events,) float64."""
    found = np.empty(len(sin_dec))
    for i in range(len(found)):
        lower, upper, weight, x = _place(median, log10_energy[i], sin_dec[i])
        found[i] = _at_node(table, x_first, lower, upper, weight, x)
    return found


@kernel()
def _joined(table, first, median, events, x_first, kernels, floor, log10_energy, sin_dec):
    """`BackgroundEnergyDensity.joined`, of its attributes."""
    in_sin_dec, in_energy, adaptivity, of_one = kernels
    n = len(sin_dec)
    x, density, counted, wider = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        lower, upper, weight, x[i] = _place(median, log10_energy[i], sin_dec[i])
        counted[i] = events[lower] * (1 - weight) + events[upper] * weight
        density[i] = _at_node(table, x_first, lower, upper, weight, x[i])
        wider[i] = _at_node(first, x_first, lower, upper, weight, x[i])
    across, along = (_N_BANDS / 2) ** 2, 1 / _STEP**2
    # An event is part of the first density, which decides the width of its kernel.
    for i in range(n):
        known = 0.0
        for j in range(n):
            known += _gaussian((sin_dec[i] - sin_dec[j]) ** 2 * across, in_sin_dec) * _gaussian(
                (x[i] - x[j]) ** 2 * along, in_energy
            )
        wider[i] = (wider[i] + of_one * known) ** -adaptivity
    for i in range(n):
        joined, of_band = 0.0, 0.0
        for j in range(n):
            if j != i:
                in_band = _gaussian((sin_dec[i] - sin_dec[j]) ** 2 * across, in_sin_dec * wider[j])
                joined += in_band * _gaussian((x[i] - x[j]) ** 2 * along, in_energy * wider[j])
                of_band += in_band
        own = (1 - floor) * density[i] + floor / _ALL_ENERGIES
        density[i] = (own * counted[i] + joined / _STEP) / (counted[i] + of_band)
    return density


def _band(sin_dec: np.ndarray) -> np.ndarray:
    return np.clip(((sin_dec + 1) / 2 * _N_BANDS).astype(np.int64), 0, _N_BANDS - 1)


def _running_median(log10_energy: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Median log10(E/GeV) around every band of sin(dec), (n_bands,); that of the nearest where no events are."""
    order = np.lexsort((log10_energy, band))
    start = np.searchsorted(band[order], np.arange(_N_BANDS + 1))
    first = np.maximum(np.arange(_N_BANDS) - _MEDIAN_REACH, 0)
    stop = np.minimum(np.arange(_N_BANDS) + _MEDIAN_REACH + 1, _N_BANDS)
    occupied = np.flatnonzero(start[stop] > start[first])
    medians = [np.median(log10_energy[order[start[first[b]] : start[stop[b]]]]) for b in occupied]
    return np.interp(np.arange(_N_BANDS), occupied, medians)


def _adaptive(counts: np.ndarray, kernels: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray, float]:
    """Counts in cells of sin(dec) and x, each spread by its own Gaussian: (n_bands, n_x), with the same sum.

    `kernels` are the widths in cells where the first density is its geometric mean at the events, and the power.
    Returned with the first density over that mean, (n_bands, n_x) float32, and the integral of one event's part in it.

    Cells are shared among a few widths, in steps, and each width is one product of cosine transforms, which mirror at
    the ends of sin(dec).
    """
    from scipy.fft import dctn, idctn

    *cells, adaptivity = kernels
    frequencies = [np.pi * np.arange(n) / n for n in counts.shape]
    exponent = sum(
        np.expand_dims((width * k) ** 2 / 2, 1 - axis)
        for axis, (width, k) in enumerate(zip(cells, frequencies, strict=True))
    )
    occupied = np.nonzero(counts)
    number = counts[occupied]
    first = np.maximum(idctn(dctn(counts) * np.exp(-exponent)), number.min() * 1e-9)
    pilot = np.log(first[occupied])
    mean = np.average(pilot, weights=number)
    place = -adaptivity * (pilot - mean) / np.log(_WIDTH_STEP)
    lower = np.floor(place).astype(np.int64)
    spread = np.zeros_like(counts)
    for level in range(lower.min(), lower.max() + 2):
        share = np.clip(1 - np.abs(place - level), 0, None)
        part = np.zeros_like(counts)
        part[occupied] = number * share
        spread += dctn(part) * np.exp(-exponent * _WIDTH_STEP ** (2 * level))
    return np.maximum(idctn(spread), 0.0), (first * np.exp(-mean)).astype(np.float32), np.exp(-mean)


@dataclass(frozen=True)
class BackgroundAngErrShare:
    """P(AngErr | log10 E, sin dec) of background, from the data of a season: shares of the bins of AngErr.

    Counts in the bins of declination, energy and AngErr, with those of the neighbours in energy: at the horizon AngErr
    changes within a band or two. Where these are few, the distribution in a wider window fills in with the weight of
    `_BACK_OFF` events, in it the one over all energies with `_PRIOR`, and every bin gets `_LEAST` events on top.
    Windows and weights are those that describe events held out best.

    Attributes
    ----------
    near, wide : (n_bands, n_energies, n_ang_err) float64
        Events in the windows.
    over_energy : (n_bands, 1, n_ang_err) float64
        The distribution over all energies; sums to 1.
    """

    near: np.ndarray
    wide: np.ndarray
    over_energy: np.ndarray

    @classmethod
    def of_events(cls, log10_energy: np.ndarray, sin_dec: np.ndarray, ang_err: np.ndarray) -> "BackgroundAngErrShare":
        """The shares that log10(E/GeV), sin(dec) and AngErr [rad] of events, (n_events,) each, have."""
        shape = (len(SIN_DEC_EDGES) - 1, len(LOG10_ENERGY_EDGES) - 1, len(ANG_ERR_EDGES) - 1)
        place = sin_dec_band(sin_dec), energy_bin(log10_energy), ang_err_bin(ang_err)
        counts = np.bincount(np.ravel_multi_index(place, shape), minlength=np.prod(shape)).reshape(shape).astype(float)
        wide = _in_windows(counts, _WIDE)
        over_energy = wide.sum(axis=1, keepdims=True) + 1e-9
        return cls(_in_windows(counts, _NEAR), wide, over_energy / over_energy.sum(axis=2, keepdims=True))

    @cached_property
    def table(self) -> np.ndarray:
        """The shares, (n_bands, n_energies, n_ang_err) float64; they sum to 1 over AngErr."""
        of_near, of_wide = self._sums
        return _share(self.near, of_near[..., None], self.wide, of_wide[..., None], self.over_energy)

    @cached_property
    def _sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Events in the windows whatever their AngErr, (n_bands, n_energies) each."""
        return self.near.sum(axis=2), self.wide.sum(axis=2)

    def at(self, log10_energy: np.ndarray, sin_dec: np.ndarray, ang_err: np.ndarray) -> np.ndarray:
        """The share of the bin of AngErr of any events, (n_events,) float64."""
        return self._of(_AT, log10_energy, sin_dec, ang_err)

    def left_out(self, log10_energy: np.ndarray, sin_dec: np.ndarray, ang_err: np.ndarray) -> np.ndarray:
        """The share at the events that it is made of, each left out of it but for the distribution over all energies;
        (n_events,) float64."""
        return self._of(_LEFT_OUT, log10_energy, sin_dec, ang_err)

    def joined(self, log10_energy: np.ndarray, sin_dec: np.ndarray, ang_err: np.ndarray) -> np.ndarray:
        """The share at events that join those that it is made of: all of these and the others count for each, but for
        the distribution over all energies; (n_events,) float64."""
        return self._of(_JOINED, log10_energy, sin_dec, ang_err)

    def _of(self, kind: int, log10_energy: np.ndarray, sin_dec: np.ndarray, ang_err: np.ndarray) -> np.ndarray:
        of_near, of_wide = self._sums
        tables = self.near, of_near, self.wide, of_wide, self.over_energy
        return _shares(kind, *tables, log10_energy, sin_dec, ang_err)


def _share(
    near: np.ndarray, of_near: np.ndarray, wide: np.ndarray, of_wide: np.ndarray, over_energy: np.ndarray
) -> np.ndarray:
    broad = (wide + _PRIOR * over_energy) / (of_wide + _PRIOR)
    return (near + _BACK_OFF * broad + _LEAST) / (of_near + _BACK_OFF + _LEAST * (len(ANG_ERR_EDGES) - 1))


_share_of_one = kernel(inner=True)(_share)


@kernel(inner=True)
def _bin(edges, value):
    """`nusky.detector.smearing.bin_number` of one value."""
    return min(max(np.searchsorted(edges, value, side="right") - 1, 0), len(edges) - 2)


@kernel()
def _shares(kind, near, all_near, wide, all_wide, over_energy, log10_energy, sin_dec, ang_err):
    """The share of the bin of AngErr at events, (n_events,) float64, between the bands that each lies between.

    By `kind` the windows count what they hold, or without the event itself, or with all others of these events.
    """
    n = len(sin_dec)
    found, cell, bins, own = np.zeros(n), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        cell[i] = _bin(LOG10_ENERGY_EDGES, log10_energy[i])
        bins[i] = _bin(ANG_ERR_EDGES, ang_err[i])
        own[i] = _bin(SIN_DEC_EDGES, sin_dec[i])
    last = len(SIN_DEC_MIDDLES) - 1
    one = -1.0 if kind == _LEFT_OUT else 1.0
    for i in range(n):
        lower, upper, weight = _node(SIN_DEC_MIDDLES[0], SIN_DEC_EDGES[1] - SIN_DEC_EDGES[0], last, sin_dec[i])
        begin, stop = 0, 0
        if kind == _LEFT_OUT:
            begin, stop = i, i + 1
        elif kind == _JOINED:
            stop = n
        for band, part in ((lower, 1 - weight), (upper, weight)):
            in_near, of_near = near[band, cell[i], bins[i]], all_near[band, cell[i]]
            in_wide, of_wide = wide[band, cell[i], bins[i]], all_wide[band, cell[i]]
            for j in range(begin, stop):
                if kind == _JOINED and j == i:
                    continue
                across, apart, alike = abs(band - own[j]), abs(cell[i] - cell[j]), bins[i] == bins[j]
                if across <= _NEAR[0] and apart <= _NEAR[1]:
                    of_near += one
                    in_near += one * alike
                if across <= _WIDE[0] and apart <= _WIDE[1]:
                    of_wide += one
                    in_wide += one * alike
            found[i] += part * _share_of_one(in_near, of_near, in_wide, of_wide, over_energy[band, 0, bins[i]])
    return found


@kernel()
def joint_bin(log10_energy, ang_err):
    """Number of the bin of energy and AngErr [rad] of events, AngErr running fastest, (n_events,) int64."""
    found = np.empty(len(ang_err), np.int64)
    for i in range(len(ang_err)):
        cell = _bin(LOG10_ENERGY_EDGES, log10_energy[i])
        found[i] = cell * (len(ANG_ERR_EDGES) - 1) + _bin(ANG_ERR_EDGES, ang_err[i])
    return found


def _in_windows(counts: np.ndarray, reach: tuple[int, int, int]) -> np.ndarray:
    """Sums of `counts` over the bins within `reach` of each, along every axis."""
    for axis, own in enumerate(reach):
        padding = [(own, own) if axis == other else (0, 0) for other in range(counts.ndim)]
        counts = np.lib.stride_tricks.sliding_window_view(np.pad(counts, padding), 2 * own + 1, axis).sum(axis=-1)
    return counts


def sin_dec_band(sin_dec: np.ndarray) -> np.ndarray:
    """Number of the band of each sin(dec), (n_events,) int64."""
    return bin_number(SIN_DEC_EDGES, sin_dec)


def ang_err_bin(ang_err: np.ndarray) -> np.ndarray:
    """Number of the bin of each AngErr [rad]; what lies beyond the edges belongs to the outermost bins."""
    return bin_number(ANG_ERR_EDGES, ang_err)


def _accepted(area: EffectiveArea, smearing: Smearing, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
    """Integral of A_eff f dE over each smearing cell: (n_dec, n_spectra, n_enu)."""
    low, high = area.log10_energy[[0, -1]]
    inner = smearing.log10_enu[1:-1]
    edges = _merged(np.concatenate([area.log10_energy, inner[(inner > low) & (inner < high)]]), _SAME_ENERGY)
    middle = (edges[1:] + edges[:-1]) / 2
    row = np.clip(np.searchsorted(area.log10_energy, middle) - 1, 0, len(area.area) - 1)
    per_part = np.stack([spectrum.integrals(edges) for spectrum in spectra])
    cell = np.eye(len(smearing.log10_enu) - 1)[smearing.enu_cell(middle)]
    return (area.at(dec)[row].T[:, None, :] * per_part) @ cell


def _merged(edges: np.ndarray, tolerance: float) -> np.ndarray:
    """Sorted `edges`, those closer than `tolerance` to the one before left out; the ends are kept."""
    edges = np.unique(edges)
    inner = edges[1:-1]
    inner = inner[(np.diff(edges)[:-1] > tolerance) & (edges[-1] - inner > tolerance)]
    return np.concatenate([edges[:1], inner, edges[-1:]])


def _centres(edges: np.ndarray) -> np.ndarray:
    return (edges[1:] + edges[:-1]) / 2


def _between(nodes: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the node below each value and the weight of the next one: linear, constant beyond the ends."""
    place = np.interp(values, nodes, np.arange(len(nodes)))
    lower = place.astype(np.int64)
    return lower, place - lower
