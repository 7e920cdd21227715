"""The seeded generator of releases: the ten-year layout filled with events that look like IceCube's but are not.

It stands in for a release that cannot be had, in tests, demonstrations and benchmarks. `generate_release` writes the
files; `generate_events` gives the events of one season as arrays. Everything is drawn from PCG64 streams keyed by
seed, season and purpose, so a season's background does not depend on which other seasons are generated. What the
generated detector looks like is in `nusky.releases.generator_model`.
"""

import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nusky import __version__
from nusky.config import InjectedSource
from nusky.errors import ConfigurationError, ReleaseError
from nusky.files import atomic_folder, write_json
from nusky.releases.generator_model import (
    ANG_ERR_FLOOR_DEG,
    GENERATED,
    EffectiveArea,
    Smearing,
    effective_area,
    event_model,
    parameters,
    smearing,
)
from nusky.releases.registry import ICECUBE_10YR, Release, Season
from nusky.sphere import displaced

RUN_S = 8 * 3600.0
"""Usual length of a run of the detector."""
_DAY_S = 86400.0

_EVENT_COLUMNS = (  # column, width, decimals
    ("mjd", 17, 8),
    ("log10_energy_gev", 14, 2),
    ("ang_err_deg", 14, 2),
    ("ra_deg", 14, 3),
    ("dec_deg", 14, 3),
    ("azimuth_deg", 14, 3),
    ("zenith_deg", 14, 3),
)
_EVENT_HEADER = "#     MJD[days]  log10(E/GeV)   AngErr[deg]       RA[deg]      Dec[deg]  Azimuth[deg]   Zenith[deg]"
_UPTIME_HEADER = "#  MJD_start[days]  MJD_stop[days]"
_AREA_HEADER = "#  log10(E_nu/GeV)_min  log10(E_nu/GeV)_max  Dec_nu_min[deg]  Dec_nu_max[deg]   A_Eff[cm^2]"
_SMEARING_HEADER = (
    "#  log10(E_nu/GeV)_min  log10(E_nu/GeV)_max  Dec_nu_min[deg]  Dec_nu_max[deg]  log10(E/GeV)_min log10(E/GeV)_max "
    "PSF_min[deg] PSF_max[deg] AngErr_min[deg] AngErr_max[deg] Fractional_Counts"
)


def generate_release(
    root: Path,
    release: Release,
    seasons: Sequence[Season],
    seed: int,
    event_fraction: float = 1.0,
    sources: Sequence[InjectedSource] = (),
) -> None:
    """Write generated `seasons` of a `release` under `root`, in the layout of the ten-year release.

    Each season holds exactly ``round(season.n_events * event_fraction)`` events: injected ones replace background.
    A source's `n_signal` is the number expected over all `seasons` together (not scaled by `event_fraction`); the
    seasons share it in proportion to livetime times the integral of effective area times E^-gamma, and each draws a
    Poisson number. `GENERATED.json` says what made the files. `root` appears complete or not at all.

    Raises
    ------
    ReleaseError
        `root` exists already and is not an empty folder.
    ConfigurationError
        A source cannot be seen by any season, or brings more events than a season holds.
    """
    root = Path(root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ReleaseError(f"{root}: exists already. Delete it, or generate the release somewhere else.")
    shares = [season_shares(source, seasons) for source in sources]
    with atomic_folder(root) as temporary:
        for folder in ("events", "uptime", "irfs"):
            (temporary / folder).mkdir()
        for k, season in enumerate(seasons):
            stream = season_stream(seed, season)
            own = [
                source.model_copy(update={"n_signal": source.n_signal * share[k]})
                for source, share in zip(sources, shares, strict=True)
            ]
            events = generate_events(season, stream, round(season.n_events * event_fraction), own)
            columns = [(events[name], width, decimals) for name, width, decimals in _EVENT_COLUMNS]
            _write_columns(temporary / "events" / f"{season.name}_exp.csv", _EVENT_HEADER, columns)
            start, stop = generate_uptimes(season, stream)
            runs = [(start, 17, 8), (stop, 17, 8)]
            _write_columns(temporary / "uptime" / f"{season.name}_exp.csv", _UPTIME_HEADER, runs)
        for response, key in {season.response: _response(season) for season in seasons}.items():
            _write_effective_area(temporary / "irfs" / f"{response}_effectiveArea.csv", effective_area(key))
            _write_smearing(temporary / "irfs" / f"{response}_smearing.csv", smearing(key))
        settings = {
            "seasons": [season.name for season in seasons],
            "event_fraction": event_fraction,
            "sources": [source.model_dump() for source in sources],
        }
        made = {"synthetic": True, "release": release.name, "seed": seed, "settings": settings}
        write_json(temporary / GENERATED, made | {"nusky_version": __version__})


def is_generated(root: Path) -> bool:
    """Whether the release in `root`, of the ten-year layout, was made by the generator.

    `GENERATED.json` in the folder or beside it says so. Where it was lost, the effective areas do: those of the
    generator are a model that no detector has.
    """
    root = Path(root)
    if any((folder / GENERATED).is_file() for folder in (root, root.parent, root / "events", root / "irfs")):
        return True
    given = [path.read_bytes().split() for path in (root / "irfs").glob("*_effectiveArea.csv") if path.is_file()]
    with tempfile.TemporaryDirectory() as folder:
        for response in dict.fromkeys(season.response for season in ICECUBE_10YR.seasons):
            model = Path(folder) / response
            _write_effective_area(model, effective_area(response))
            if model.read_bytes().split() in given:
                return True
    return False


def season_stream(seed: int, season: Season) -> np.random.SeedSequence:
    """The random stream of a season; `generate_events` and `generate_uptimes` derive theirs from it."""
    return np.random.SeedSequence([seed, zlib.crc32(season.name.encode())])


def generate_events(
    season: Season,
    seed_sequence: np.random.SeedSequence,
    n_events: int | None = None,
    sources: Sequence[InjectedSource] = (),
) -> dict[str, np.ndarray]:
    """Draw the events of one season, in order of time, as the columns of the canonical events table.

    Parameters
    ----------
    season
        Gives the name, the template, the runs and, where `n_events` is None, the number of events.
    seed_sequence
        The season's stream, see `season_stream`.
    n_events
        Total number of events; those of the sources replace background events.
    sources
        Point sources; here `n_signal` is the number expected in this season alone.

    Returns
    -------
    dict
        mjd, log10_energy_gev, ang_err_deg, ra_deg, dec_deg, azimuth_deg, zenith_deg, each (n_events,) float64,
        rounded to the decimals of the release's files.
    """
    n_events = season.n_events if n_events is None else n_events
    response = _response(season)
    rng = _generator(seed_sequence, "background")
    dec, log10_energy, ang_err = event_model(response).sample(rng, n_events)
    ra = rng.uniform(0.0, 2 * np.pi, n_events)
    drawn = [
        _signal(source, response, _generator(seed_sequence, f"source {number}"))
        for number, source in enumerate(sources)
    ]
    n_signal = sum(len(signal[0]) for signal in drawn)
    if n_signal > n_events:
        raise ConfigurationError(
            f"`release.generator.sources`: {n_signal} signal events were drawn for season {season.name}, which holds "
            f"only {n_events}. Lower `n_signal` or raise `event_fraction`."
        )
    kept = n_events - n_signal
    ra, dec, log10_energy, ang_err = (
        np.concatenate([background[:kept], *(signal[k] for signal in drawn)])
        for k, background in enumerate((ra, dec, log10_energy, ang_err))
    )
    rng = _generator(seed_sequence, "arrival")
    mjd = _times_in_runs(rng, *generate_uptimes(season, seed_sequence), n_events)
    dec_deg = np.degrees(dec)
    columns = {
        "mjd": mjd,
        "log10_energy_gev": log10_energy,
        "ang_err_deg": np.maximum(np.degrees(ang_err), ANG_ERR_FLOOR_DEG),
        "ra_deg": np.degrees(ra),
        "dec_deg": dec_deg,
        "azimuth_deg": rng.uniform(0.0, 360.0, n_events),
        "zenith_deg": 90.0 + dec_deg,  # at the Pole
    }
    order = np.argsort(mjd, kind="stable")
    columns = {name: np.round(columns[name][order], decimals) for name, _, decimals in _EVENT_COLUMNS}
    for name in ("ra_deg", "azimuth_deg"):  # rounding may reach 360
        columns[name] %= 360.0
    return columns


def generate_uptimes(season: Season, seed_sequence: np.random.SeedSequence) -> tuple[np.ndarray, np.ndarray]:
    """Draw the good runs of a season: start and stop, MJD, each (n_runs,), rounded to 8 decimals.

    Runs of about eight hours whose sum is the season's livetime; the gaps between them fill its span.
    """
    rng = _generator(seed_sequence, "uptimes")
    n_runs = max(2, round(season.livetime_s / RUN_S))
    runs = rng.uniform(0.7, 1.1, n_runs)
    runs *= season.livetime_s / runs.sum()
    # Most gaps are short, a few last days.
    gaps = rng.lognormal(0.0, 2.0, n_runs - 1)
    gaps *= (season.span_s - season.livetime_s) / gaps.sum()
    start = np.concatenate([[0.0], np.cumsum(runs[:-1] + gaps)])
    first = parameters()["start_mjd"][season.template]
    return np.round(first + start / _DAY_S, 8), np.round(first + (start + runs) / _DAY_S, 8)


def season_shares(source: InjectedSource, seasons: Sequence[Season]) -> np.ndarray:
    """The share of each season in a source's expected signal, (n_seasons,), sum 1."""
    dec = np.radians(source.dec_deg)
    expected = np.array(
        [s.livetime_s * effective_area(_response(s)).acceptance(dec, source.gamma).sum() for s in seasons]
    )
    if not expected.sum() > 0:
        raise ConfigurationError(
            f"`release.generator.sources`: no season can see a source at declination {source.dec_deg} degrees with "
            f"gamma {source.gamma}. Move it or choose other seasons."
        )
    return expected / expected.sum()


def _signal(source: InjectedSource, response: str, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Reconstructed ra, dec [rad], log10(E/GeV) and AngErr [rad] of a Poisson number of events of a source."""
    ra, dec = np.radians(source.ra_deg), np.radians(source.dec_deg)
    n_events = rng.poisson(source.n_signal)
    if n_events == 0:
        return (np.empty(0),) * 4
    log10_enu = effective_area(response).sample_log10_enu(rng, n_events, dec, source.gamma)
    log10_energy, distance, ang_err = smearing(response).sample(rng, log10_enu, dec)
    return *displaced(ra, dec, distance, rng.uniform(0.0, 2 * np.pi, n_events)), log10_energy, ang_err


def _response(season: Season) -> str:
    """The ten-year response whose parameters describe a season of any release."""
    return ICECUBE_10YR.season(season.template).response


def _generator(seed_sequence: np.random.SeedSequence, purpose: str) -> np.random.Generator:
    """The stream of one purpose; unlike `spawn`, asking twice gives the same stream."""
    key = (*seed_sequence.spawn_key, zlib.crc32(purpose.encode()))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed_sequence.entropy, spawn_key=key)))


def _times_in_runs(rng: np.random.Generator, start: np.ndarray, stop: np.ndarray, n_events: int) -> np.ndarray:
    """MJD of `n_events`, uniform in the good runs."""
    ends = np.cumsum(stop - start)
    elapsed = rng.uniform(0.0, ends[-1], n_events)
    run = np.searchsorted(ends[:-1], elapsed, side="right")
    return np.clip(stop[run] - (ends[run] - elapsed), start[run], stop[run])


def _write_effective_area(path: Path, area: EffectiveArea) -> None:
    """Energies run fastest, as in the release."""
    enu, dec = area.log10_enu_edges, np.degrees(area.dec_edges)
    n_enu, n_dec = area.aeff.shape
    energies = [(np.tile(enu[:-1], n_dec), 17, 2), (np.tile(enu[1:], n_dec), 14, 2)]
    declinations = [(np.repeat(edges, n_enu), 14, 2) for edges in (dec[:-1], dec[1:])]
    _write_columns(path, _AREA_HEADER, [*energies, *declinations, (area.aeff.T.ravel(), 14, 2)])


def _write_smearing(path: Path, table: Smearing) -> None:
    """One row per inner bin; the columns of edges come in pairs."""
    shape = table.fraction.shape

    def pair(edges: np.ndarray, axes: tuple[int, ...], width: int, decimals: int) -> list[tuple[np.ndarray, int, int]]:
        """Lower and upper edges, whose last axis is the last of `axes`, spread over all bins."""
        full = [size if axis in axes else 1 for axis, size in enumerate(shape)]
        return [
            (np.broadcast_to(side.reshape(full), shape).ravel(), width, decimals)
            for side in (edges[..., :-1], edges[..., 1:])
        ]

    _write_columns(
        path,
        _SMEARING_HEADER,
        [
            *pair(table.log10_enu_edges, (0,), 7, 2),
            *pair(np.degrees(table.dec_edges), (1,), 8, 2),
            *pair(table.log10_energy_edges, (0, 1, 2), 10, 5),
            *pair(np.degrees(table.psf_edges), (0, 1, 3), 13, 7),
            *pair(np.degrees(table.ang_err_edges), (0, 1, 3, 4), 13, 7),
            (table.fraction.ravel(), 14, 10),
        ],
    )


def _write_columns(path: Path, header: str, columns: Sequence[tuple[np.ndarray, int, int]]) -> None:
    """Write fixed-width columns, each given as (values, width, decimals)."""
    fields = [_fixed_width(values, width, decimals) for values, width, decimals in columns]
    ends = np.full((len(fields[0]), 1), ord("\n"), np.uint8)
    path.write_bytes(header.encode() + b"\n" + np.concatenate([*fields, ends], axis=1).tobytes())


def _fixed_width(values: np.ndarray, width: int, decimals: int) -> np.ndarray:
    """The characters of right-justified decimal numbers, (n, width) uint8: whole columns at a time, for speed."""
    whole = np.rint(np.asarray(values) * 10.0**decimals).astype(np.int64)
    negative, rest = whole < 0, np.abs(whole)
    text = np.full((len(whole), width), ord(" "), np.uint8)
    point = width - decimals - 1 if decimals else None
    if point is not None:
        text[:, point] = ord(".")
    for digit, place in enumerate(k for k in reversed(range(width)) if k != point):
        shown = (rest > 0) | (digit <= decimals)
        if not shown.any():
            break
        rest, last = np.divmod(rest, 10)
        text[shown, place] = last[shown].astype(np.uint8) + ord("0")
    first = np.argmax(text != ord(" "), axis=1)
    if np.any(rest) or np.any(first[negative] == 0):
        raise ReleaseError(f"a generated number does not fit into {width} characters with {decimals} decimals.")
    text[negative, first[negative] - 1] = ord("-")
    return text
