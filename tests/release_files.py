"""Small releases written by hand for the tests: the layouts' text, independent of nusky's own code."""

from dataclasses import replace
from pathlib import Path

from nusky.releases.registry import ICECUBE_10YR, Season

EVENT_HEADER = "#     MJD[days]  log10(E/GeV)   AngErr[deg]       RA[deg]      Dec[deg]  Azimuth[deg]   Zenith[deg]\n"
UPTIME_HEADER = "#  MJD_start[days]  MJD_stop[days]\n"
AREA_HEADER = "#  log10(E_nu/GeV)_min  log10(E_nu/GeV)_max  Dec_nu_min[deg]  Dec_nu_max[deg]   A_Eff[cm^2]\n"
SMEARING_HEADER = (
    "#  log10(E_nu/GeV)_min  log10(E_nu/GeV)_max  Dec_nu_min[deg]  Dec_nu_max[deg]  log10(E/GeV)_min log10(E/GeV)_max "
    "PSF_min[deg] PSF_max[deg] AngErr_min[deg] AngErr_max[deg] Fractional_Counts\n"
)
EVENTS = (  # the first three events of the real IC40 season
    "   54562.37911273          3.31          0.48       203.024        16.760       218.374       106.712\n"
    "   54562.38662244          5.17          0.62        75.024       -13.371       349.100        76.646\n"
    "   54562.39000000          4.20          0.20       359.999       -89.044         0.003         1.009\n"
)
UPTIMES = "   54562.00000000   54562.25000000\n   54562.30000000   54563.30000000\n"  # 1.25 d of good runs in 1.3 d
AREAS = (
    " 2.00 2.20 -90.00   0.00    0.00\n 2.20 2.40 -90.00   0.00 1500.00\n"
    " 2.00 2.20   0.00  90.00   12.50\n 2.20 2.40   0.00  90.00 2500.00\n"
)
SMEARING = (
    " 2.0 2.5 -90.0 -10.0 3.0 3.5 0.1 0.4 0.2 0.2 0.75\n"
    " 2.0 2.5 -10.0  90.0 0.0 0.0 0.0 0.0 0.0 0.0 0.00\n"
    " 2.0 2.5 -90.0 -10.0 3.5 4.0 0.1 0.4 0.2 0.5 0.25\n"
)


def season(name: str = "IC40", **changes: object) -> Season:
    """A season of the ten-year release with three events and the livetime of UPTIMES."""
    small = {"n_events": 3, "livetime_s": 1.25 * 86400, "span_s": 1.3 * 86400}
    return replace(ICECUBE_10YR.season(name), **(small | changes))


def write_ten_year(
    root: Path,
    names: tuple[str, ...] = ("IC40",),
    events: str = EVENTS,
    header: str = EVENT_HEADER,
    areas: str = AREAS,
    responses: tuple[str, ...] = (),
) -> Path:
    """A release in the ten-year layout under `root`: three events per season."""
    for part in ("events", "uptime", "irfs"):
        (root / part).mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / "events" / f"{name}_exp.csv").write_text(header + events)
        (root / "uptime" / f"{name}_exp.csv").write_text(UPTIME_HEADER + UPTIMES)
    for response in responses or {season(name).response for name in names}:
        (root / "irfs" / f"{response}_effectiveArea.csv").write_text(AREA_HEADER + areas)
        (root / "irfs" / f"{response}_smearing.csv").write_text(SMEARING_HEADER + SMEARING)
    return root
