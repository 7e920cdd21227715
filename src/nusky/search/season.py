"""The events of one season, ready for the standard likelihood, and those of all in the order of the sky's index."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from nusky.detector.smearing import ANG_ERR_FLOOR
from nusky.errors import PhysicsError
from nusky.likelihood import cells, energy
from nusky.likelihood.events import MOST_SEASONS, records
from nusky.likelihood.spatial import DeclinationDensity, UniformDensity
from nusky.units import takes_directions

GAUSSIAN_REACH = 18.0
"""Squared pull up to which an event is near where its spread is a Gaussian of width AngErr: exp(-18) of the sum of the
squared ratios lies beyond."""
RARITY_STEP, _FIRST_RARITY = 10.0, 2.0
"""Ratio of 1/B of events to that of any event there, from one rarity to the next, and where the first begins."""


@dataclass(frozen=True)
class SeasonEvents:
    """The events of one season, ready for the likelihood.

    Attributes
    ----------
    name, response : str
    livetime_s : float
    ra, dec, ang_err : (n_events,) float64, rad
    bin : (n_events,) int64
        Of energy and AngErr; 0 for a spatial analysis.
    inverse_background : (n_events,) float64
        1/B_i: sr for a spatial analysis, sr dex with energy.
    density : DeclinationDensity or UniformDensity
        Background density in declination; uniform where the events cover only a cone.
    energy_density : BackgroundEnergyDensity or None
        Background density in energy; None for a spatial analysis.
    ang_err_share : BackgroundAngErrShare or None
        The background's distribution of AngErr.
    ang_err_floor : float, rad
        Smaller angular errors count as this one.
    reach : (n_rarities, n_bands, n_bins) float64
        Squared pull psi^2/AngErr^2 up to which an event is near (`nusky.search.reach`).
    rarity : (n_events,) int64
        By which power of `RARITY_STEP` 1/B of an event is larger than of any event there: an event that stands alone
        is no background to itself, and matters from farther away.
    mjd : (n_events,) float64 or None
        Times, d; None where no source changes with time.
    """

    name: str
    response: str
    livetime_s: float
    ra: np.ndarray
    dec: np.ndarray
    ang_err: np.ndarray
    bin: np.ndarray
    inverse_background: np.ndarray
    density: DeclinationDensity | UniformDensity
    energy_density: energy.BackgroundEnergyDensity | None
    ang_err_share: energy.BackgroundAngErrShare | None = None
    ang_err_floor: float = ANG_ERR_FLOOR
    reach: np.ndarray = field(default_factory=lambda: np.full((1, 1, 1), GAUSSIAN_REACH))
    rarity: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    mjd: np.ndarray | None = None

    @classmethod
    @takes_directions(("ra", "dec"), ang_err="rad")
    def of_data(
        cls,
        season: tuple[str, str, float],
        ra: np.ndarray,
        dec: np.ndarray,
        ang_err: np.ndarray,
        log10_energy: np.ndarray | None,
        density: UniformDensity | None = None,
        ang_err_floor: float = ANG_ERR_FLOOR,
    ) -> "SeasonEvents":
        """A season's own events: they also are the background's model, each for the others.

        `season` is name, response and livetime [s]; directions in rad; no energies makes the analysis spatial.
        `density` is that of the background where the events cover only a cone; angular errors below `ang_err_floor`
        [rad] count as that.
        """
        density = density or DeclinationDensity.from_events(dec)
        energies = shares = None
        if log10_energy is not None:
            energies = energy.BackgroundEnergyDensity.of_events(log10_energy, np.sin(dec))
            floored = np.maximum(ang_err, ang_err_floor)
            shares = energy.BackgroundAngErrShare.of_events(log10_energy, np.sin(dec), floored)
        season_of = cls(*season, *(np.empty(0),) * 5, density, energies, shares, ang_err_floor)
        made = season_of._with(ra, dec, ang_err, log10_energy, "left_out")
        ratio = made.inverse_background / season_of.with_events(ra, dec, ang_err, log10_energy).inverse_background
        rarity = np.ceil(np.log(np.maximum(ratio / _FIRST_RARITY, 1.0)) / np.log(RARITY_STEP)).astype(np.int64)
        return replace(made, rarity=rarity)

    def with_events(
        self,
        ra: np.ndarray,
        dec: np.ndarray,
        ang_err: np.ndarray,
        log10_energy: np.ndarray | None,
        *,
        joined: bool = False,
    ) -> "SeasonEvents":
        """Other events of the same season, against the same background.

        With `joined` the background in energy and AngErr is made of them too, as it would be had they been observed:
        each counts for the others. What they change for the season's own events is left out
        (docs/validation/background.md).
        """
        if not len(dec):  # as in most seasons of a trial with little signal
            return self._without_events
        return self._with(ra, dec, ang_err, log10_energy, "joined" if joined else "at")

    @cached_property
    def _without_events(self) -> "SeasonEvents":
        nothing = np.empty(0)
        return self._with(nothing, nothing, nothing, nothing, "at")

    def _with(
        self, ra: np.ndarray, dec: np.ndarray, ang_err: np.ndarray, log10_energy: np.ndarray | None, known: str
    ) -> "SeasonEvents":
        """With other events; `known` is the method of the background's densities that serves them."""
        ang_err = np.maximum(ang_err, self.ang_err_floor)
        inverse = 1 / self.density(dec)
        bins = np.zeros(len(dec), dtype=np.int64)
        if self.energy_density is not None:
            inverse /= getattr(self.energy_density, known)(log10_energy, np.sin(dec))
            inverse /= getattr(self.ang_err_share, known)(log10_energy, np.sin(dec), ang_err)
            bins = energy.joint_bin(log10_energy, ang_err)
        changed = {"bin": bins, "inverse_background": inverse, "rarity": np.zeros_like(bins), "mjd": None}
        return replace(self, ra=ra, dec=dec, ang_err=ang_err, **changed)

    @cached_property
    def band(self) -> np.ndarray:
        """Number of the band of sin(dec) of each event, (n_events,) int64."""
        return energy.sin_dec_band(np.sin(self.dec))

    @cached_property
    def near(self) -> np.ndarray:
        """Squared chord up to which a point source is near each event, (n_events,) float64."""
        level = np.minimum(self.rarity, len(self.reach) - 1)
        reach = self.reach[level, self.band if self.reach.shape[1] > 1 else 0, self.bin]
        return 4 * np.sin(np.minimum(np.sqrt(reach) * self.ang_err, np.pi) / 2) ** 2

    def __len__(self) -> int:
        return len(self.ra)


@dataclass(frozen=True)
class IndexedEvents:
    """Events in the order of the sky's index.

    Attributes
    ----------
    records : (n_events,) EVENT
    order : (n_events,) int64
        Where each of them stands in the seasons, one after the other.
    row : (n_events,) int64
        Number of each event's row, counted over all classes (`nusky.likelihood.cells`).
    row_cell : (n_events,) int32; n_ra : (n_events,) int16
        First cell and number of cells of each event's row in the grid of its class.
    """

    records: np.ndarray
    order: np.ndarray
    row: np.ndarray
    row_cell: np.ndarray
    n_ra: np.ndarray

    @classmethod
    def of_seasons(cls, seasons: Sequence[SeasonEvents], response: np.ndarray) -> "IndexedEvents":
        """The events of all seasons, whose responses have the numbers `response` (n_seasons,)."""
        names = ("dec", "ang_err", "near", "inverse_background", "bin")
        filled = [season for season in seasons if len(season)] or seasons
        dec, ang_err, near, background, bins = (
            np.concatenate([getattr(season, name) for season in filled]) for name in names
        )
        if len(seasons) > MOST_SEASONS:
            raise PhysicsError(f"{len(seasons)} seasons or lists of events are more than {MOST_SEASONS}: join some.")
        season = np.repeat(np.arange(len(seasons)), [len(season) for season in seasons])
        reach_class, row = cells.place(np.sin(dec), near)
        order = cells.in_order(reach_class, row)
        columns = {
            "sin_dec": np.sin(dec),
            "cos_dec": np.cos(dec),
            "variance": ang_err**2,
            "inverse_background": background,
            "reach": near,
            "bin": bins,
            "response": response[season],
            "season": season,
        }
        numbered = (cells.FIRST_ROW[reach_class] + row)[order]
        made = records({name: column[order] for name, column in columns.items()})
        row_cell, n_ra = cells.ROW_CELL[numbered].astype(np.int32), cells.ROW_N_RA[numbered].astype(np.int16)
        return cls(made, order, numbered, row_cell, n_ra)

    @cached_property
    def groups(self) -> np.ndarray:
        """As `nusky.likelihood.cells.draw` takes them, of all rows, (n_groups, 3) int64."""
        first = np.flatnonzero(np.diff(self.row, prepend=-1))
        return np.column_stack((first, np.append(first, len(self.row))[1:], self.row[first]))
