"""Stages of the all-sky map: regions of the sky, background trials, scrambled skies, and what follows from them.

Every region and every batch is a file of its own, so a run that was killed goes on with the one it was in.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.detector.configured import spectrum_of
from nusky.errors import TableError
from nusky.likelihood.positions import CellEvents
from nusky.probability import at_floor
from nusky.search.skymap import calibration, healpix_file, hottest, spots
from nusky.search.skymap.grid import Grid, PixelMap, Scanner
from nusky.search.skymap.model import SkyModel
from nusky.search.skymap.nodes import declinations
from nusky.search.statistics.pvalues import sigma_from_p
from nusky.stages.inference import Data, load_analysis
from nusky.tables import Provenance, read_columns, trace, write_table

log = logging.getLogger(__name__)

MAP_COLUMNS = ("pixel", "test_statistic", "n_signal", "gamma", "nside_fitted")
OUTPUTS = ("fits", "spots", "contours", "zooms", "hottest", "hottest_trials")
_ZOOM_POINTS = 61
_SECONDS_BETWEEN_REPORTS = 10.0


@dataclass(frozen=True)
class Setup:
    """What all stages of the map need.

    Attributes
    ----------
    data : tables of the release
    grid : of the map; None for trials at fixed declinations, which it does not change
    gamma : the fixed index, None for a free one
    spectrum : the keys of the configuration's block
    seed : root of the random streams
    """

    data: Data
    grid: Grid | None
    gamma: float | None
    seed: int
    spectrum: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> SkyModel:
        """Read the tables and prepare the likelihood."""
        spectrum = spectrum_of(config.Spectrum.model_validate(self.spectrum))
        return SkyModel.of_analysis(load_analysis(self.data), self.gamma, spectrum)

    def trace(self, inputs: Sequence[Path], model: SkyModel, settings: Mapping[str, Any]) -> Provenance:
        """Provenance of a table made from the release and `inputs`."""
        spectrum = model.spectra[0]
        own = {
            "analysis": model.analysis.about(spectrum),
            "spectrum": spectrum.words,
            "gamma": self.gamma,
            "seed": self.seed,
        }
        own |= {} if self.grid is None else {"grid": asdict(self.grid)}
        return trace([*self.data.paths, *inputs], own | dict(settings))


def setup(files: Any, choices: Mapping[str, Any]) -> Setup:
    """The `Setup` of a job: `files` has the release's tables by name, `choices` the `grid` and the other attributes."""
    grid = Grid(**choices["grid"]) if choices["grid"] else None
    return Setup(Data.of_job(files), **{**choices, "grid": grid})


def region(setup: Setup, output: Path, *, number: int) -> None:
    """The map of one region."""
    model = setup.load()
    found = Scanner(model, setup.grid, number).map(model.data(), _progress(f"region {number}"))
    values = (found.pixel, found.ts, found.n_signal, found.gamma, found.nside_fitted)
    columns = dict(zip(MAP_COLUMNS, values, strict=True))
    write_table(output, columns, kind="skymap_region", provenance=setup.trace([], model, {"region": number}))


def calibration_trials(setup: Setup, output: Path, *, spacing_deg: float, trials: range) -> None:
    """TS of scrambled skies at fixed declinations, as far apart as `declinations` says."""
    model = setup.load()
    dec = declinations(spacing_deg)
    found = calibration.declination_trials(model, dec, setup.seed, trials)
    columns = {
        "trial": np.repeat(trials, len(dec)),
        "dec_deg": np.tile(np.degrees(dec), len(trials)),
        "test_statistic": found.ravel(),
    }
    write_table(output, columns, kind="skymap_calibration", provenance=setup.trace([], model, {}))


def skies(setup: Setup, output: Path, *, trials: range) -> None:
    """The highest spots of full scrambled skies."""
    model = setup.load()
    scanner = Scanner(model, setup.grid)
    found, begin = [], time.monotonic()
    for done, trial in enumerate(trials, start=1):
        found.append(hottest.scrambled_maxima(scanner, setup.seed, trial))
        log.info("sky %d: %d of %d, %.1f s each", trial, done, len(trials), (time.monotonic() - begin) / done)
    n_bands = len(hottest.BAND_EDGES) - 1
    columns = {"trial": np.repeat(trials, n_bands), "band": np.tile(np.arange(n_bands, dtype=np.int32), len(trials))}
    columns |= dict(zip(hottest.COLUMNS, np.concatenate(found).T, strict=True))
    write_table(output, columns, kind="skymap_skies", provenance=setup.trace([], model, {}))


def results(
    setup: Setup,
    regions: Sequence[Path],
    calibrations: Sequence[Path],
    skies: Sequence[Path],
    outputs: Mapping[str, Path],
    *,
    n_spots: int,
    n_zooms: int,
    zoom_width_deg: float,
    tail_p_values: bool,
) -> None:
    """The map as FITS, hot spots, contours and zooms, and the hottest spot of each hemisphere (`OUTPUTS`).

    With `tail_p_values` spots have a p-value of the fitted tail too, with its error.
    """
    model = setup.load()
    sky = model.data()
    sky_map = _joined(setup.grid, regions)
    known = _calibration(calibrations)
    settings = {"n_spots": n_spots, "n_zooms": n_zooms, "zoom_width_deg": zoom_width_deg}
    settings |= {"calibration_trials": known.n_trials, "tail_model": known.tail_model}
    provenance = setup.trace([*regions, *calibrations, *skies], model, settings)

    def write(what: str, columns: Mapping[str, Any] | pa.Table) -> None:
        write_table(outputs[what], columns, kind=f"skymap_{what}", provenance=provenance)

    _write_fits(outputs["fits"], setup, model, sky_map, known, provenance)
    listed = _hot_spots(model, sky, sky_map, setup.grid.refine_above, known, n_spots)
    write("spots", _spot_columns(listed, known, tail_p_values))
    shown = listed.take(np.arange(min(n_zooms, len(listed))))
    write("contours", _contour_columns(spots.contours(model, sky, shown)))
    write("zooms", _zoom_columns(model, sky, shown, np.radians(zoom_width_deg) / 2))

    observed = hottest.band_maxima(model, sky, sky_map, setup.grid.refine_above)
    found = hottest.hottest_spots(observed, _skies(skies), known)
    write("hottest", pa.Table.from_pylist([_hottest_row(h, model, sky, known, tail_p_values) for h in found]))
    write(
        "hottest_trials",
        {
            "hemisphere": pa.array([h.hemisphere for h in found for _ in h.trials]),
            "trial": np.concatenate([np.arange(len(h.trials)) for h in found]),
            "tail_score": np.concatenate([h.trials for h in found]),
        },
    )


def _progress(what: str) -> Callable[[int, int, int], None]:
    """A report to the log every few seconds and at the end of every resolution."""
    last = time.monotonic()

    def report(nside: int, done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last > _SECONDS_BETWEEN_REPORTS:
            last = time.monotonic()
            log.info("%s: nside %d, %d of %d positions (%.0f %%)", what, nside, done, total, 100 * done / total)

    return report


def _joined(grid: Grid, regions: Sequence[Path]) -> PixelMap:
    columns = [read_columns(path, kind="skymap_region", columns=MAP_COLUMNS) for path in regions]
    pixel, ts, n_signal, gamma, fitted = map(np.concatenate, zip(*columns, strict=True))
    if not np.array_equal(pixel, np.arange(12 * grid.nside**2)):
        raise TableError(
            f"{Path(regions[0]).parent}: the regions do not cover the sky at nside {grid.nside}. "
            "Delete the folder and run again."
        )
    return PixelMap(grid.nside, pixel, ts, n_signal, gamma, fitted)


def _calibration(paths: Sequence[Path]) -> calibration.Calibration:
    tables = [
        read_columns(path, kind="skymap_calibration", columns=("trial", "dec_deg", "test_statistic")) for path in paths
    ]
    trial, dec_deg, ts = map(np.concatenate, zip(*tables, strict=True))
    dec = np.unique(dec_deg)
    return calibration.Calibration.of_trials(np.radians(dec), ts[np.lexsort((dec_deg, trial))].reshape(-1, len(dec)))


def _skies(paths: Sequence[Path]) -> np.ndarray:
    n_bands = len(hottest.BAND_EDGES) - 1
    columns = [read_columns(path, kind="skymap_skies", columns=hottest.COLUMNS) for path in paths]
    return np.concatenate([np.stack(own, axis=1) for own in columns]).reshape(-1, n_bands, len(hottest.COLUMNS))


def _hot_spots(
    model: SkyModel,
    sky: CellEvents,
    sky_map: PixelMap,
    least: float,
    known: calibration.Calibration,
    n_spots: int,
) -> spots.Spots:
    """The spots with the largest scores, largest first."""
    begun = spots.local_maxima(sky_map, least)
    log.info("%d local maxima with TS of at least %g", len(begun), least)
    if not len(begun):
        return spots.Spots(*(np.empty(0) for _ in range(5)), np.empty(0, np.int64))
    found = spots.distinct(spots.refine(model, sky, sky_map, begun))
    chosen = found.take(np.argsort(-known.tail_score(found.ts, found.dec), kind="stable")[:n_spots])
    refined = spots.quoted(model, sky, chosen)
    return refined.take(np.argsort(-known.tail_score(refined.ts, refined.dec), kind="stable"))


def _spot_columns(found: spots.Spots, known: calibration.Calibration, tail_p_values: bool) -> dict[str, Any]:
    return {
        "spot": np.arange(len(found), dtype=np.int32),
        "ra_deg": np.degrees(found.ra),
        "dec_deg": np.degrees(found.dec),
        "test_statistic": found.ts,
        "n_signal": found.n_signal,
        "gamma": found.gamma,
        **_local(found.ts, found.dec, known, tail_p_values),
        "pixel": found.pixel,
    }


def _local(ts: np.ndarray, dec: np.ndarray, known: calibration.Calibration, tail_p_values: bool) -> dict[str, Any]:
    """Local p-values as columns; `beyond_trials` where p is 1/(n + 1) because no trial was as extreme."""
    p = known.p_value(ts, dec)
    columns = {
        "p_local": p,
        "significance": sigma_from_p(p),
        "beyond_trials": np.array([at_floor(value, known.n_trials) for value in p], dtype=bool),
        "n_trials": np.full(len(ts), known.n_trials),
        "tail_score": known.tail_score(ts, dec),
    }
    if tail_p_values:
        columns |= dict(zip(("p_tail", "p_tail_low", "p_tail_high"), known.tail_p_value(ts, dec), strict=True))
    return columns


def _contour_columns(found: Sequence[spots.Contour]) -> dict[str, Any]:
    """One row per vertex, in order around the spot."""
    sizes = [len(contour.ra) for contour in found]
    return {
        "spot": np.repeat(np.array([c.spot for c in found], dtype=np.int32), sizes),
        "confidence_level": np.repeat(np.array([c.confidence_level for c in found], dtype=float), sizes),
        "ra_deg": np.degrees(np.concatenate([np.empty(0), *(c.ra for c in found)])),
        "dec_deg": np.degrees(np.concatenate([np.empty(0), *(c.dec for c in found)])),
    }


def _zoom_columns(model: SkyModel, sky: CellEvents, shown: spots.Spots, half_width: float) -> dict[str, Any]:
    """One row per position; offsets are angular distances to the east and north of the spot."""
    offset, ts = spots.zoom(model, sky, shown, half_width, _ZOOM_POINTS)
    north, east = np.meshgrid(np.degrees(offset), np.degrees(offset), indexing="ij")
    return {
        "spot": np.repeat(np.arange(len(shown), dtype=np.int32), north.size),
        "east_deg": np.tile(east.ravel(), len(shown)),
        "north_deg": np.tile(north.ravel(), len(shown)),
        "test_statistic": ts.ravel(),
    }


def _write_fits(
    path: Path,
    setup: Setup,
    model: SkyModel,
    sky_map: PixelMap,
    known: calibration.Calibration,
    provenance: Provenance,
) -> None:
    dec = sky_map.directions()[1]
    minus_log10_p = -np.log10(known.p_value(sky_map.ts, dec)) + 0.0
    cards = {
        "ANALYSIS": (model.analysis.about(model.spectra[0]), ""),  # fills the card: no room for a comment
        "FIXGAMMA": ("none" if setup.gamma is None else setup.gamma, "spectral index if it is fixed"),
        "COARSE": (setup.grid.nside_coarse, "nside at which the whole sky was fitted"),
        "REFINE": (setup.grid.refine_above, "TS from which on pixels were divided"),
        "NTRIALS": (known.n_trials, "background trials at each declination"),
        "PFLOOR": (1 / (known.n_trials + 1), "smallest p-value that so many can give"),
        "TAILS": (known.tail_model, "fitted to trials for TAIL_SCORE, which ranks"),
        "SYNTHETI": (provenance.synthetic, "whether any event was generated"),
        "SEED": (setup.seed, "root of the random streams"),
    }
    healpix_file.write(path, sky_map, minus_log10_p, known.tail_score(sky_map.ts, dec), cards)


def _hottest_row(
    found: hottest.Hottest, model: SkyModel, sky: CellEvents, known: calibration.Calibration, tail_p_values: bool
) -> dict[str, Any]:
    """The spot with its fit as the list of spots quotes it; p-values are of the fit that the skies have."""
    spot = dict(zip(hottest.COLUMNS, map(float, found.spot), strict=True))
    ts, dec = np.nan_to_num(found.spot[:1]), np.radians(np.nan_to_num(found.spot[4:5]))  # without a spot TS is 0
    local = {name: values[0].item() for name, values in _local(ts, dec, known, tail_p_values).items()}
    if ts[0] > 0:
        fit = model.best(sky, np.radians(found.spot[3:4]), dec)
        spot |= {"test_statistic": fit.ts.item(), "n_signal": fit.n_signal.item(), "gamma": fit.gamma.item()}
    row, post = {"hemisphere": found.hemisphere, **spot}, found.post_trial
    return row | {
        **local,
        "p_post": post.p_value,
        "p_post_low": post.p_low,
        "p_post_high": post.p_high,
        "p_confidence_level": post.confidence_level,
        "significance_post": post.significance,
        "n_sky_trials": len(found.trials),
    }
