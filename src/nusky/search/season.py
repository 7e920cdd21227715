"""The events of one season, ready for the standard likelihood, and those of all in the order of the sky's index."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nusky.detector.point_spread import PointSpread
from nusky.detector.smearing import ANG_ERR_FLOOR
from nusky.errors import PhysicsError
from nusky.likelihood import cells, energy
from nusky.likelihood.events import records
from nusky.likelihood.spatial import DeclinationDensity, UniformDensity
from nusky.likelihood.terms import reach


@dataclass(frozen=True)
class SeasonEvents:
    """The events of one season, ready for the likelihood.

    Attributes
    ----------
    name, response : str
    livetime_s : float
    ra, dec, ang_err : (n_events,) float64, rad
    width : (n_events,) float64, rad
        Gaussian width of the core of the spatial signal density.
    tail_ratio, tail_share : (n_events,) float64
        Squared width of its tail over that of the core, and the share of the signal in the tail.
    energy_bin : (n_events,) int64
    inverse_background : (n_events,) float64
        1/B_i: sr for a spatial analysis, sr dex with energy.
    density : DeclinationDensity or UniformDensity
        Background density in declination; uniform where the events cover only a cone.
    energy_density : (n_bands, n_bins) float64, per dex, or None
        Background density in energy (`nusky.likelihood.energy`); None for a spatial analysis.
    ang_err_floor : float, rad
        Smaller angular errors count as this one.
    mjd : (n_events,) float64 or None
        Times, d; None where no source changes with time.
    point_spread : PointSpread or None
        The spread of signal in units of AngErr; None takes it for a Gaussian of width AngErr.
    ang_err_share : (n_bands, n_bins, n_ang_err) float64 or None
        With `point_spread`, the background's distribution of AngErr; `energy_bin` then counts bins of both.
    """

    name: str
    response: str
    livetime_s: float
    ra: np.ndarray
    dec: np.ndarray
    ang_err: np.ndarray
    width: np.ndarray
    tail_ratio: np.ndarray
    tail_share: np.ndarray
    energy_bin: np.ndarray
    inverse_background: np.ndarray
    density: DeclinationDensity | UniformDensity
    energy_density: np.ndarray | None
    point_spread: PointSpread | None = None
    ang_err_share: np.ndarray | None = None
    ang_err_floor: float = ANG_ERR_FLOOR
    mjd: np.ndarray | None = None

    @classmethod
    def of_data(
        cls,
        season: tuple[str, str, float],
        ra: np.ndarray,
        dec: np.ndarray,
        ang_err: np.ndarray,
        log10_energy: np.ndarray | None,
        point_spread: PointSpread | None = None,
        density: UniformDensity | None = None,
        ang_err_floor: float = ANG_ERR_FLOOR,
    ) -> "SeasonEvents":
        """A season's own events: they also are the background's model.

        `season` is name, response and livetime [s]; directions in rad; no energies makes the analysis spatial. With a
        `point_spread`, which needs energies, the distribution of AngErr is part of the likelihood. `density` is that of
        the background where the events cover only a cone; angular errors below `ang_err_floor` [rad] count as that.
        """
        if point_spread is not None and log10_energy is None:
            raise PhysicsError("a point spread by energy needs the energies of the events.")
        density = density or DeclinationDensity.from_events(dec)
        energies = None if log10_energy is None else energy.background_energy_density(log10_energy, np.sin(dec))
        empty = (*(np.empty(0),) * 6, np.empty(0, np.int64), np.empty(0))
        shares = None
        if point_spread is not None:
            floored = np.maximum(ang_err, ang_err_floor)
            shares = energy.background_ang_err_share(log10_energy, np.sin(dec), floored)
        season_of = cls(*season, *empty, density, energies, point_spread, shares, ang_err_floor)
        return season_of.with_events(ra, dec, ang_err, log10_energy)

    def with_events(
        self, ra: np.ndarray, dec: np.ndarray, ang_err: np.ndarray, log10_energy: np.ndarray | None
    ) -> "SeasonEvents":
        """Other events of the same season, against the same background."""
        ang_err = np.maximum(ang_err, self.ang_err_floor)
        inverse = 1 / self.density(dec)
        bins = np.zeros(len(dec), dtype=np.int64)
        core, tail, share = np.ones(len(dec)), np.ones(len(dec)), np.zeros(len(dec))
        if self.energy_density is not None:
            inverse /= energy.background_energy_density_at(self.energy_density, log10_energy, np.sin(dec))
            bins = energy.energy_bin(log10_energy)
        if self.point_spread is not None:
            inverse /= energy.background_ang_err_share_at(self.ang_err_share, log10_energy, np.sin(dec), ang_err)
            bins = bins * self.ang_err_share.shape[2] + energy.ang_err_bin(ang_err)
            core, tail, share = self.point_spread.at(dec, log10_energy)
        return replace(
            self,
            ra=ra,
            dec=dec,
            ang_err=ang_err,
            width=core * ang_err,
            tail_ratio=(tail / core) ** 2,
            tail_share=share,
            energy_bin=bins,
            inverse_background=inverse,
            mjd=None,
        )

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
    groups : (n_groups, 3) int64
        As `nusky.likelihood.cells.draw` takes them, of all rows.
    """

    records: np.ndarray
    order: np.ndarray
    groups: np.ndarray

    @classmethod
    def of_seasons(cls, seasons: Sequence[SeasonEvents], response: np.ndarray) -> "IndexedEvents":
        """The events of all seasons, whose responses have the numbers `response` (n_seasons,)."""
        names = ("dec", "width", "tail_ratio", "tail_share", "inverse_background", "energy_bin")
        dec, width, tail_ratio, tail_share, background, energy_bin = (
            np.concatenate([getattr(season, name) for season in seasons]) for name in names
        )
        season = np.repeat(np.arange(len(seasons)), [len(season) for season in seasons])
        widest = width * np.sqrt(np.maximum(tail_ratio, 1.0))
        reach_class, row = cells.place(np.sin(dec), widest)
        order = cells.in_order(reach_class, row)
        columns = {
            "sin_dec": np.sin(dec),
            "cos_dec": np.cos(dec),
            "variance": width**2,
            "tail_ratio": tail_ratio,
            "tail_share": tail_share,
            "inverse_background": background,
            "reach": reach(widest**2),
            "row": cells.FIRST_CELL[reach_class] + row * cells.N_RA[reach_class],
            "n_ra": cells.N_RA[reach_class],
            "energy_bin": energy_bin,
            "response": response[season],
            "season": season,
        }
        numbered = (cells.FIRST_ROW[reach_class] + row)[order]
        first = np.flatnonzero(np.diff(numbered, prepend=-1))
        made = records({name: column[order] for name, column in columns.items()})
        return cls(made, order, np.column_stack((first, np.append(first, len(order))[1:], numbered[first])))
