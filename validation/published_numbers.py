"""The numbers of the published analyses and of independent calculations, against ours.

Search: the recorded outputs of the stacking analysis's authors. Boosted dark matter: 60-digit arithmetic and converged
integrals in the published conventions, and the standard values of the L_mu-L_tau model.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.coordinates import angular_separation

from nusky import bdm
from nusky.bdm import published
from nusky.bdm.models import ELEMENTARY_CHARGE, LMuTau
from nusky.conventions import PUBLISHED
from nusky.search.expected import expected_events
from nusky.search.single_sources import single_source_search
from validation import page, samples

N_EVENTS = 1_134_450  # events of the ten-year release, doi:10.7910/DVN/VKL316
MARGIN_DEG = 19.9  # the extracts around four positions end at 20 deg
CONE_DEG = 12.0
YEAR = bdm.constant.year2Seconds

Row = tuple[str, float, float]
"""What, reference value, our value."""


def expected(data: Path) -> Iterator[Row]:
    """Expected events per phi0 [eV cm^2 s] of WCDA + H.E.S.S., all ten seasons."""
    reference = pd.read_csv(data / "reference" / "published_stacking_wcda_hess.csv")
    for weighting, rows in reference.groupby("weighting", sort=False):
        found = expected_events(data / "icecube_10year_ps", weighting=weighting, gammas=-rows.gamma.to_numpy())
        for row in rows.itertuples():
            yield f"{weighting}, gamma {-row.gamma:g}", row.ns_per_phi0_eV, found[-row.gamma].per_phi0_ev


def single_sources(data: Path) -> Iterator[tuple[str, float, float, float, float]]:
    """Source, published TS and n, our TS and n: real events around the source, all ten seasons."""
    for row in pd.read_csv(data / "reference" / "published_single_source.csv").itertuples():
        cone = pd.read_parquet(data / "ten_year_cones" / f"{row.cone}.parquet")
        events = np.radians(cone[["ra_deg", "dec_deg", "ang_err_deg"]].to_numpy().T)
        ra, dec = np.radians([row.ra_deg, row.dec_deg])
        centre = np.radians([float(part) for part in row.cone.removeprefix("ra").split("_dec")])
        radius = min(np.radians(CONE_DEG), np.radians(MARGIN_DEG) - angular_separation(*centre, ra, dec))
        inside = angular_separation(*events[:2], ra, dec) <= radius
        found = single_source_search(*events[:, inside], ra, dec, PUBLISHED, n_total=N_EVENTS, n_band=row.n_band)
        yield row.name, row.ts_published, row.ns_best, found.ts_max[0], found.ns_best[0]


def boosted(data: Path) -> dict[str, list[Row]]:
    """Quantity -> rows."""
    reference = json.loads((data / "reference" / "boosted_dark_matter.json").read_text(encoding="utf-8"))
    # The check values take the couplings of the seed page literally.
    literal = LMuTau(charges=(1, 1, 1), charge=1 / ELEMENTARY_CHARGE)
    cas_a = literal.at(3.5, 8.5, bdm.equatorial_to_beta("23h23m24s", "58d49m00s")[0])
    found: dict[str, list[Row]] = {
        name: []
        for name in (
            "Flux per direction, published conventions, 60 digits [MeV^-1 cm^-2 s^-1 sr^-1]",
            "Flux, published conventions, converged integrals [MeV^-1 cm^-2 s^-1]",
            "Events per electron, published conventions, converged integrals",
            "Flux of the model from Cas A, standard conventions [MeV^-1 cm^-2 s^-1]",
            "Events of the model from Cas A, standard conventions, 350 to 385 years, 5 to 30 MeV",
            "End of the signal [s]",
        )
    }
    directions, fluxes, events, model_fluxes, model_events, ends = found.values()
    for row in reference["differential_flux"]:
        place = [row[key] for key in ("t", "Tx", "mx", "theta", "phi", "Rs", "beta")]
        if row["mp50"] is not None:
            directions.append((_where(row), row["mp50"], published.differential_flux(*place, **row["kwargs"])))
    for row in reference["flux"]:
        place = [row[key] for key in ("t", "Tx", "mx", "Rs", "beta")]
        fluxes.append((_where(row), row["truth"], published.flux(*place, **_physics(row["kwargs"]))))
    for row in reference["event"]:
        value = published.event(row["mx"], row["Rs"], row["beta"], **_physics(row["kwargs"]))
        events.append((_where(row), row["truth"], value))
    for row in reference["model_flux"]:
        value = cas_a.flux(row["t"], row["Tx"], row["mx"])
        model_fluxes.append((f"{row['t_yr']:.0f} years", row["truth_correct"], value))
    for row in reference["model_event"]:
        value = cas_a.event(row["mx"], Tx_range=(5, 30), t_range=(350 * YEAR, 385 * YEAR))
        model_events.append((f"m = {row['mx']:g} MeV", row["truth_correct"], value))
    for row in reference["times"]:
        what = f"T = {row['Tx']:g} MeV, m = {row['mx']:g} MeV"
        ends.append((what, row["t_van_closed_form"], bdm.get_tvan(row["Tx"], row["mx"], row["Rs"])))
    return found


def _where(row: dict) -> str:
    """The arguments of a check value, in words."""
    forms = {
        "t": "t = {:.4g} s",
        "Tx": "T = {:g} MeV",
        "mx": "m = {:g} MeV",
        "theta": "θ = {:.4g}",
        "phi": "φ = {:.4g}",
        "Rs": "{:g} kpc",
        "beta": "β = {:.4g}",
    }
    given = [form.format(row[key]) for key, form in forms.items() if key in row]
    return ", ".join(given + [f"{key} = {value}" for key, value in _physics(row["kwargs"]).items()])


def _physics(keywords: dict) -> dict:
    """Without the number of random points, of which the integrals here have none."""
    return {key: value for key, value in keywords.items() if key not in ("neval", "nitn")}


def difference(reference: float, ours: float) -> float:
    """Relative; absolute where the reference is zero."""
    return ours / reference - 1 if reference else ours


def table(about: str, source: str, rows: Sequence[Row]) -> page.Table:
    shown = [(what, f"{ref:.10g}", f"{ours:.10g}", f"{difference(ref, ours):+.1e}") for what, ref, ours in rows]
    largest = max(abs(difference(ref, ours)) for _, ref, ours in rows)
    text = f"{about}. Source: {source}. Largest difference: {largest:.1e}."
    return page.Table(text, ("what", "reference", "nusky", "difference"), shown)


def make() -> str:
    data = samples.data_folder()
    authors = "recorded output of the authors of the stacking analysis"
    independent = "independent calculation recorded for this purpose"
    singles = [
        (name, f"{ts:.8f}", f"{ours:.8f}", f"{ours - ts:+.1e}", f"{n:.0f}", f"{our_n:.0f}")
        for name, ts, n, ours, our_n in single_sources(data)
    ]
    largest = max(abs(float(row[3])) for row in singles)
    differing = sum(row[4] != row[5] for row in singles)
    about = (
        "Every recorded check value, the value of this version, and the relative difference. The search values are "
        "those of the `published` conventions, with their faults in statistics: they show that the analysis is "
        "reproduced, not that it is right."
    )
    return page.page(
        "published_numbers",
        "Published numbers",
        about,
        [
            table("Expected events per φ₀ [eV cm² s] of WCDA + H.E.S.S., ten years", authors, list(expected(data))),
            page.Table(
                f"Single sources, ten years of real events. Source: {authors}. Largest difference of TS (absolute): "
                f"{largest:.1e}. Sources with another n: {differing}.",
                ("source", "TS published", "TS nusky", "difference", "n published", "n nusky"),
                singles,
            ),
            *(table(about, independent, rows) for about, rows in boosted(data).items()),
            page.Table(
                "Recorded and not computed here: they need the events of all ten seasons, three of which (IC40, IC79, "
                "IC86_I) are at hand.",
                ("what", "reference", "source"),
                [
                    ("NGC 1068: TS, n_s, gamma", "19.5, 55.0, 3.09", "runs of others on the ten-year release"),
                    ("TXS 0506+056: TS, n_s, gamma", "13.4, 12.9, 2.12", "runs of others on the ten-year release"),
                    ("upper limits of the stacks", "eight values", authors),
                ],
            ),
        ],
    )


if __name__ == "__main__":
    page.main("published_numbers", make)
