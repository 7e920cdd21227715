"""What `published` and `standard` say of the same stacks of the three-year release, and what each difference does.

The scans are those of the workflow, with the catalogues, weightings, indices and fluxes of `config/demo.yaml`.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.catalogues.weights import model_weights
from nusky.conventions import PUBLISHED, STANDARD, Conventions
from nusky.detector import effective_area
from nusky.detector.acceptance import Exposure, acceptance_integrals, expected_signal
from nusky.detector.spectrum import PowerLaw
from nusky.likelihood.background import band_density
from nusky.likelihood.separation import NearPairs, near_pairs
from nusky.releases import icecube_3yr, ingest
from nusky.releases.registry import ICECUBE_3YR
from nusky.releases.schemas import CanonicalRelease
from nusky.search.stacking import SeasonPairs, StackingResult, scan, stack_moments
from validation import page

TITLES = {"wcda-hess": "WCDA + H.E.S.S.", "km2a-hess": "KM2A + H.E.S.S."}
SHOWN = [("uniform", 2.0), ("uniform", 2.53), ("flux", 2.0), ("flux", 2.53)]
"""Of the first catalogue, with one difference at a time."""
FIELDS = {
    "whole energy table": {"log10_energy_limits_gev": None},
    "interpolated effective area": {"area_steps": False},
    "acceptance once": {"acceptance_weights_twice": False},
    "own sample per season": {"pooled_seasons": False},
    "clipped poles": {"clipped_poles": True},
    "limit from the maximum": {"limit_from": "maximum"},
}
"""Fields of `PUBLISHED` to replace. A season with a sample of its own has its own background, too."""
WEIGHTS = ("sources of two lists once", "no stand-in fluxes", "weights of standard")


@dataclass(frozen=True)
class Stacks:
    """The stacks of one catalogue in the events of a release."""

    release: CanonicalRelease
    name: str

    @cached_property
    def block(self) -> config.Catalogue:
        """The ready-made catalogue."""
        return config.Catalogue.model_validate(config.PRESETS[self.name])

    @cached_property
    def sources(self) -> pa.Table:
        """Its sources."""
        return build_catalogue(self.block, self.name)[0]

    @cached_property
    def events(self) -> list[np.ndarray]:
        """RA, Dec and AngErr of every season, (3, n_events), rad."""
        columns = ("ra_deg", "dec_deg", "ang_err_deg")
        return [np.radians([table[name].to_numpy() for name in columns]) for table in self.release.events.values()]

    @cached_property
    def pairs(self) -> list[NearPairs]:
        """Near pairs of every season."""
        position = np.radians([self.sources[name].to_numpy() for name in ("ra_deg", "dec_deg")])
        return [near_pairs(*season, *position) for season in self.events]

    @cached_property
    def exposure(self) -> Exposure:
        """Responses and times of the seasons."""
        seasons = self.release.seasons
        livetime, span = (seasons[name].to_numpy() for name in ("livetime_s", "span_s"))
        return Exposure(tuple(seasons["response"].to_pylist()), livetime, span)

    def weights(self, weighting: str, how: str) -> np.ndarray:
        """The weights of `published` or `standard`, or those of `published` changed as one of `WEIGHTS` says."""
        block, kept = self.block.weightings[weighting], np.ones(self.sources.num_rows, dtype=bool)
        if how in ("standard", WEIGHTS[2]):
            return model_weights(self.sources, block, "standard")[0]
        if how == WEIGHTS[0]:
            kept = self.sources["duplicate_of"].to_numpy() < 0
        if how == WEIGHTS[1] and block.column is not None:
            kept = ~np.isnan(self.sources[block.column].to_numpy())
        found = np.zeros(len(kept))
        found[kept] = model_weights(self.sources.filter(pa.array(kept)), block, "published")[0]
        return found

    def scans(self, rules: Conventions, weighting: str, how: str, gammas: Sequence[float]) -> list[StackingResult]:
        """The flux scan for each index."""
        weights, grid = self.weights(weighting, how), config.Scan()
        limits = rules.log10_energy_limits_gev
        spectra = [PowerLaw(gamma) if limits is None else PowerLaw(gamma).within(limits) for gamma in gammas]
        areas = effective_area.from_table(self.release.effective_area)
        dec = np.radians(self.sources["dec_deg"].to_numpy())
        integrals = acceptance_integrals(areas, self.exposure.responses, dec, spectra, rules)
        expected = [expected_signal(integrals[:, g], self.exposure, weights, rules) for g in range(len(gammas))]
        everywhere = np.concatenate([season[1] for season in self.events])
        seasons = []
        for season, pairs in zip(self.events, self.pairs, strict=True):
            sample = everywhere if rules.pooled_seasons else season[1]
            background = band_density(season[1], sample, clipped=rules.clipped_poles)
            seasons.append(SeasonPairs(pairs.event, pairs.source, pairs.density, background))
        moments = stack_moments(seasons, np.stack([each.source_weights for each in expected]))
        phi0 = np.geomspace(grid.phi0_min_per_ev, grid.phi0_max_per_ev, grid.n_steps)
        return [
            scan([season[g] for season in moments], expected[g], PowerLaw(gamma), phi0, rules)
            for g, gamma in enumerate(gammas)
        ]


def released(downloads: Path) -> CanonicalRelease:
    """The three-year release, fetched into `downloads` unless it is there."""
    root = ingest.fetched(ICECUBE_3YR, downloads, progress=False).root
    return icecube_3yr.read(root, ICECUBE_3YR, ICECUBE_3YR.seasons, check_counts=True)


def side_by_side(every: Mapping[str, Stacks]) -> tuple[list[list[object]], str]:
    """Rows of all stacks and indices in both sets, and how many sources have a weight."""
    rows, counted = [], []
    for name, stacks in every.items():
        for weighting in stacks.block.weightings:
            gammas = stacks.block.gammas
            both = [stacks.scans(rules, weighting, rules.name, gammas) for rules in (PUBLISHED, STANDARD)]
            counts = [np.count_nonzero(stacks.weights(weighting, rules.name)) for rules in (PUBLISHED, STANDARD)]
            counted.append(f"{TITLES[name]}, {weighting}: {counts[0]} and {counts[1]}")
            for gamma, *pair in zip(gammas, *both, strict=True):
                cells = [f"{each.expected.per_phi0_ev / 1e28:.4g}" for each in pair]
                cells += [f"{each.ts_max:.2f}" for each in pair]
                cells += [f"{each.ul95_e2dnde(1e5) / 1e-9:.3g}" for each in pair]
                rows.append([TITLES[name], weighting, gamma, *cells])
    return rows, "; ".join(counted)


def alone(stacks: Stacks) -> list[list[object]]:
    """Expected events and limit with one difference, divided by those of `published`, for `SHOWN`."""

    def numbers(rules: Conventions, how: str) -> np.ndarray:
        found = [stacks.scans(rules, weighting, how, [gamma])[0] for weighting, gamma in SHOWN]
        return np.array([[each.expected.per_phi0_ev, each.ul95_e2dnde(1e5)] for each in found]).T

    changed = {name: (replace(PUBLISHED, **fields), "published") for name, fields in FIELDS.items()}
    changed |= {name: (PUBLISHED, name) for name in WEIGHTS} | {"all of them": (STANDARD, "standard")}
    first = numbers(PUBLISHED, "published")
    rows = []
    for name, what in changed.items():
        events, limit = numbers(*what) / first
        rows.append([name, *(f"{x:.3f}" for x in events), *(f"{x:.3f}" for x in limit)])
    return rows


def make(downloads: Path | None = None, names: Sequence[str] = tuple(TITLES)) -> str:
    """The page, from the release in `downloads`."""
    with tempfile.TemporaryDirectory() as scratch:
        release = released(downloads or Path(scratch))
        every = {name: Stacks(release, name) for name in names}
        rows, counted = side_by_side(every)
        n_events = sum(table.num_rows for table in release.events.values())
        days = np.sum(release.seasons["livetime_s"].to_numpy()) / 86400
        changes = alone(every[names[0]])
    about = (
        f"Three-year release, {n_events} events, {days:.1f} days. The flux scans of the demo in both sets of "
        "[conventions](../conventions.md). n_s/φ₀ in 10²⁸ events per eV⁻¹ cm⁻² s⁻¹; limits on E² dN/dE at 100 TeV in "
        "10⁻⁹ GeV cm⁻² s⁻¹, one flavour. The release has no uptimes, so that span and livetime are the same number."
    )
    names_of = ("n_s/φ₀", "TS_max", "limit")
    header = ["catalogue", "weights", "γ"]
    header += [f"{what} {rules.name}" for what in names_of for rules in (PUBLISHED, STANDARD)]
    tables = [
        page.Table(f"Sources with a weight, published and standard: {counted}.", header, rows),
        page.Table(
            f"{TITLES[names[0]]}: one difference at a time, the others as in `published`, divided by `published`. The "
            "weights of `standard` leave out sources without a flux and those of an earlier list, and compare the "
            "fluxes of both lists as photons above 1 TeV.",
            ["difference", *(f"{what}: {w}, {g}" for what in ("n_s/φ₀", "limit") for w, g in SHOWN)],
            changes,
        ),
    ]
    return page.page("differences", "Both conventions side by side", about, tables)


if __name__ == "__main__":
    page.main("differences", make)
