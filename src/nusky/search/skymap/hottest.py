"""The hottest spot of each hemisphere, corrected for the whole scan by full scrambled skies.

Every sky, the data's and the scrambled ones, is treated alike: mapped, its highest local maxima in each band of
declination refined, the best of each band kept. The hottest spot of a hemisphere is the band's best with the largest
score, -log10 p of the fitted tails, and its post-trial p-value the share of skies with a hottest spot of at least its
score. So it is right whatever the calibration, the grid or the tails; they decide how powerful it is.
"""

from dataclasses import dataclass

import numpy as np

from nusky.likelihood.positions import CellEvents
from nusky.search.skymap.calibration import Calibration
from nusky.search.skymap.grid import PixelMap, Scanner
from nusky.search.skymap.model import SkyModel
from nusky.search.skymap.nodes import MAX_DEC
from nusky.search.skymap.spots import local_maxima, refine
from nusky.search.statistics.posttrial import PostTrialPValue, post_trial_p_value

HORIZON = np.radians(-5.0)
"""Declination that separates the southern sky, with its muon bundles, from the northern."""
BAND_EDGES = np.concatenate([np.linspace(-MAX_DEC, HORIZON, 17), np.linspace(HORIZON, MAX_DEC, 19)[1:]])
"""Edges of the bands of declination [rad], 4.8 deg wide."""
HEMISPHERES = ("south", "north")
_REFINED_PER_BAND = 3
COLUMNS = ("test_statistic", "n_signal", "gamma", "ra_deg", "dec_deg")


def band_maxima(model: SkyModel, sky: CellEvents, sky_map: PixelMap, least: float) -> np.ndarray:
    """The highest spot of every band of one sky: (n_bands, 5), TS, n_s, gamma, ra and dec [deg]; NaN without a spot.

    Spots begin at pixels of the whole sky's map with TS of at least `least`.
    """
    rows = local_maxima(sky_map, least)
    band = band_of(sky_map.directions()[1][rows])
    order = np.lexsort((-sky_map.ts[rows], band))
    rows, band = rows[order], band[order]
    first = np.searchsorted(band, np.arange(len(BAND_EDGES) - 1))
    keep = np.arange(len(rows)) - first[band] < _REFINED_PER_BAND
    spots, band = refine(model, sky, sky_map, rows[keep]), band[keep]
    found = np.full((len(BAND_EDGES) - 1, len(COLUMNS)), np.nan)
    for number in np.unique(band):
        own = np.flatnonzero(band == number)
        i = own[np.argmax(spots.ts[own])]
        found[number] = spots.ts[i], spots.n_signal[i], spots.gamma[i], *np.degrees([spots.ra[i], spots.dec[i]])
    return found


def scrambled_maxima(scanner: Scanner, seed: int, trial: int) -> np.ndarray:
    """`band_maxima` of the scrambled sky number `trial`."""
    sky = scanner.model.scrambled(seed, trial)
    return band_maxima(scanner.model, sky, scanner.map(sky), scanner.grid.refine_above)


def band_of(dec: np.ndarray) -> np.ndarray:
    """Number of the band of each declination [rad]."""
    return np.clip(np.searchsorted(BAND_EDGES, dec, side="right") - 1, 0, len(BAND_EDGES) - 2)


@dataclass(frozen=True)
class Hottest:
    """The hottest spot of a hemisphere.

    Attributes
    ----------
    hemisphere : 'south' or 'north'
    spot : (5,) float64
        Its row of `band_maxima`; NaN if there is no spot at all.
    score : its `Calibration.tail_score`, 0 without a spot
    post_trial : PostTrialPValue
    trials : (n_skies,) float64
        The largest score of every scrambled sky.
    """

    hemisphere: str
    spot: np.ndarray
    score: float
    post_trial: PostTrialPValue
    trials: np.ndarray


def hottest_spots(observed: np.ndarray, skies: np.ndarray, calibration: Calibration) -> list[Hottest]:
    """The hottest spot of both hemispheres.

    Parameters
    ----------
    observed : (n_bands, 5) float64
        `band_maxima` of the data.
    skies : (n_skies, n_bands, 5) float64
        `band_maxima` of scrambled skies.
    """
    southern = BAND_EDGES[:-1] < HORIZON - 1e-9
    found = []
    for hemisphere, bands in zip(HEMISPHERES, (southern, ~southern), strict=True):
        every = np.concatenate([observed[None, bands], skies[:, bands]])
        flat = every.reshape(-1, every.shape[2])
        score = calibration.tail_score(flat[:, 0], np.radians(np.nan_to_num(flat[:, 4])))
        score = np.nan_to_num(score).reshape(every.shape[:2])
        top = score.max(axis=1)
        post = post_trial_p_value(top[:1], top[1:, None])
        best = observed[bands][np.argmax(score[0])]
        found.append(Hottest(hemisphere, best, float(top[0]), post, top[1:]))
    return found
