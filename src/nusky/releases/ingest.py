"""From a configured release to canonical tables: obtain the files, read and check them, write the tables."""

import hashlib
import importlib
import logging
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from nusky import __version__, config, tables
from nusky.errors import ArchiveError, ConfigurationError, DownloadError, ReleaseError, TableError
from nusky.files import read_json, sha256, write_json
from nusky.releases import icecube_14yr, registry, schemas
from nusky.releases.archive import unpack
from nusky.releases.download import fetch_release
from nusky.releases.generator_model import GENERATED
from nusky.releases.schemas import CanonicalRelease

log = logging.getLogger(__name__)


OWN_LAYOUT = "own-lists"
LAYOUTS = ("icecube-3yr", "icecube-10yr", "icecube-14yr", OWN_LAYOUT)
"""Layouts of a release's files, each read by the module of `nusky.releases` of that name."""
GENERATED_LAYOUT = "icecube-10yr"


@dataclass(frozen=True)
class Obtained:
    """The files of a release on this machine."""

    root: Path
    layout: str
    origin: str
    """Mirror, path given by the user, or 'generator'."""
    synthetic: bool


def obtain(settings: config.Release, seed: int, downloads: Path, progress: bool = True) -> Obtained:
    """Find, fetch or generate the files of a release, in the order the settings ask for.

    Parameters
    ----------
    settings : the `release` block of the configuration
    seed : root of the random streams of generated events
    downloads : folder of archives and unpacked releases
    progress : show a progress bar on a terminal

    Raises
    ------
    DownloadError
        The release is neither here nor to be had, and generated events are not allowed.
    ReleaseError
        What was found is a version of the release with known faults.
    """
    release = registry.of(settings)
    seasons = release.select(settings.seasons)
    if release.lists:
        return Obtained(Path(), OWN_LAYOUT, "configuration", synthetic=False)
    if settings.synthetic == "always":
        return _generate(settings, release, seasons, seed, downloads)
    if settings.local_path is not None:
        found = _local(Path(settings.local_path).expanduser(), release, downloads)
        return _accepted(found, settings)
    try:
        return _accepted(fetched(release, downloads, progress), settings)
    except DownloadError as error:
        if settings.synthetic != "if-unavailable":
            raise
        log.warning("%s", error)
        return _generate(settings, release, seasons, seed, downloads)


def adapter_of(layout: str) -> ModuleType:
    """What reads a layout of `LAYOUTS`; imported only now, as one of them needs far more than the others."""
    return importlib.import_module(f"nusky.releases.{layout.replace('-', '_')}")


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a release, as `nusky.stages.releases.fetch` writes it.

    Raises
    ------
    TableError
        The file is missing or damaged; the message names the key.
    """
    allowed = {
        "release": lambda value: isinstance(value, str) and (value in registry.RELEASES or "events" in manifest),
        "layout": lambda value: isinstance(value, str) and value in LAYOUTS,
        "root": lambda value: isinstance(value, str) and "\0" not in value,
        "synthetic": lambda value: isinstance(value, bool),
        "files": lambda value: isinstance(value, dict) and all(isinstance(digest, str) for digest in value.values()),
    }
    manifest = read_json(path, keys=allowed)
    for key, holds in allowed.items():
        if not holds(manifest[key]):
            shown = repr(manifest[key])[:100]
            raise TableError(f"{path}: the key '{key}' cannot be {shown}. Delete the file and fetch the release again.")
    release_of(manifest, path)
    return manifest


def release_of(manifest: Mapping[str, Any], path: Path | str = "manifest") -> registry.Release:
    """The release that a manifest is about; TableError, naming the file `path`, if there is none."""
    settings = {"name": manifest["release"], "events": manifest.get("events")}
    try:
        return registry.of(config.validated(config.Release, settings, str(path)))
    except ConfigurationError as error:
        raise TableError(f"{error}\nDelete the file and fetch the release again.") from None


def read(manifest: Mapping[str, Any], seasons: Sequence[registry.Season], check_counts: bool) -> CanonicalRelease:
    """Read the files a manifest lists, having checked that they are still the files it was written for.

    Counts and published digests are checked for real releases if `check_counts`.
    """
    release, root = release_of(manifest), Path(manifest["root"])
    adapter = adapter_of(manifest["layout"])
    for name in adapter.required_files(root, release, seasons):
        if name not in manifest["files"]:
            raise ReleaseError(f"{root / name}: not in the manifest of the release. Fetch the release again.")
        if not (root / name).is_file() or sha256(root / name) != manifest["files"][name]:
            raise ReleaseError(f"{root / name}: missing or changed since the release was fetched. Fetch it again.")
    check_counts = check_counts and not manifest["synthetic"]
    if not manifest["synthetic"]:
        for problem in differing_reports(release, manifest["files"]):
            log.warning("%s", problem)
    canonical = adapter.read(root, release, seasons, check_counts)
    if check_counts:
        _check_published_digests(root, release, adapter.required_files(root, release, seasons))
    return canonical


def write(
    canonical: CanonicalRelease, events: Mapping[str, Path], others: Mapping[str, Path], provenance: tables.Provenance
) -> None:
    """Write the canonical tables: all of them, or none under its final name.

    Parameters
    ----------
    canonical : the release
    events : season -> path
    others : 'seasons', 'uptimes', 'effective_area', 'smearing', 'angular_resolution' -> path
    provenance : of every table

    Raises
    ------
    StorageError
        The disk is full.
    """
    jobs: list[tuple[Path, str, pa.Table]] = [(events[s], "events", table) for s, table in canonical.events.items()]
    jobs += [(path, kind, getattr(canonical, kind)) for kind, path in others.items()]
    written: list[Path] = []
    try:
        for path, kind, table in jobs:
            tables.write_table(path, table, kind=kind, provenance=provenance)
            written.append(Path(path))
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def fetched(release: registry.Release, downloads: Path, progress: bool = True) -> Obtained:
    """The published files of a release below `downloads`, fetched and unpacked unless they are there.

    Raises
    ------
    DownloadError
        The archive is not to be had.
    ArchiveError
        It is damaged.
    """
    folder, record = downloads / release.name, downloads / f"{release.name}.json"
    if folder.exists():
        log.info("%s: already unpacked in %s", release.name, folder)
        _check_unpacked(release, downloads)
    else:
        archive, mirror = fetch_release(release, downloads / "archives", progress)
        write_json(record, {"origin": mirror.url, "archive": archive.name, "archive_sha256": sha256(archive)})
        _make(folder, lambda: unpack(archive, folder))
    origin = read_json(record, keys=("origin",))["origin"] if record.exists() else str(folder)
    return _found(folder, release, origin)


def _local(path: Path, release: registry.Release, downloads: Path) -> Obtained:
    if not path.exists():
        raise ReleaseError(
            f"{path}: no such file or folder. Correct `release.local_path`, or leave it out to download."
        )
    folder = path
    if path.is_file():
        _refuse_what_is_no_zip(path)
        digest = sha256(path)
        folder = downloads / f"{release.name}-local-{digest[:12]}"
        _make(folder, lambda: unpack(path, folder, again="Copy or fetch it again."))
        _refuse_changed(folder, path, digest)
    return _found(folder, release, str(path))


def given_files(settings: config.Release) -> list[Path]:
    """The files of the user's own that a release is read from: lists, an archive, or what seasons need of a folder."""
    if settings.events is not None:
        release = registry.of(settings)
        needed = adapter_of(OWN_LAYOUT).required_files(Path(), release, release.select(settings.seasons))
        return [Path(name) for name in needed]
    if settings.local_path is None or settings.synthetic == "always":
        return []
    path = Path(settings.local_path).expanduser()
    if not path.is_dir():
        return [path]
    release = registry.find(settings.name)
    layout = adapter_of(_layout(path, release))
    try:
        root = layout.find_root(path)
    except ReleaseError:  # said with its reason when the release is read
        return []
    return [root / name for name in layout.required_files(root, release, release.select(settings.seasons))]


def known_runs(settings: config.Release, seed: int, folder: Path, downloads: Path) -> pa.Table:
    """The good runs of the chosen seasons as a table "uptimes", as far as they are known before the run.

    Of files that are there, relative to `folder` and below `downloads`; nothing is fetched or unpacked. A season
    whose good runs are not known, or not stated, has no row.
    """
    release, nothing = registry.of(settings), schemas.KINDS["uptimes"].empty()
    seasons = release.select(settings.seasons)
    if release.lists:
        there = [
            s for s in seasons if not isinstance(name := release.list_of(s).uptimes, str) or (folder / name).is_file()
        ]
        return adapter_of(OWN_LAYOUT).read_runs(folder, release, there) if there else nothing
    if settings.synthetic == "always":
        from nusky.releases.generator import generate_uptimes, season_stream

        if any(season.template is None for season in seasons):
            return nothing
        drawn = [(s, *generate_uptimes(s, season_stream(seed, s))) for s in seasons]
        return pa.concat_tables(
            schemas.table("uptimes", {"season": s.name, "start_mjd": start, "stop_mjd": stop}, s.name)
            for s, start, stop in drawn
        )
    given = settings.local_path
    path = downloads / release.name if given is None else folder / Path(given).expanduser()
    if not path.is_dir():
        return nothing
    adapter = adapter_of(_layout(path, release))
    return adapter.read_times(adapter.find_root(path), release, seasons, False).uptimes


def _layout(folder: Path, release: registry.Release) -> str:
    """What nusky generated is laid out as the ten-year release, whichever it stands for."""
    marked = (folder / GENERATED).is_file() or any(folder.glob(f"*/{GENERATED}"))
    return GENERATED_LAYOUT if marked else release.layout


def check_runs(obtained: Obtained, release: registry.Release, seasons: Sequence[registry.Season]) -> None:
    """Refuse good runs that overlap, of those `seasons` whose file is there, with a ReleaseError."""
    adapter_of(obtained.layout).check_runs(obtained.root, release, seasons)


def complete(obtained: Obtained, release: registry.Release, seasons: Sequence[registry.Season]) -> list[str]:
    """The files that `seasons` need, all of them there.

    Raises
    ------
    ReleaseError
        A file is missing: the message names all, and files that look like them under another name.
    """
    layout, root = adapter_of(obtained.layout), obtained.root
    names = layout.required_files(root, release, seasons)
    missing = [name for name in names if not (root / name).is_file()]
    if not missing:
        return names
    like = {name: found for name in missing if (found := _other_names(root / name))}
    hints = []
    if any(path.suffix == ".tab" for found in like.values() for path in found):
        hints.append("It holds .tab files, as Dataverse rewrites them: download the original format.")
    renamed = {name: found[0].name for name, found in like.items() if found[0].suffix != ".tab"}
    if renamed:
        shown = ", ".join(f"{Path(name).parent / other} for {name}" for name, other in renamed.items())
        hints.append(
            f"It holds {shown}, as a repeated download names them: rename them to the expected names, or fetch the "
            "current version."
        )
    broken = [name for name in missing if (root / name).is_symlink()]
    if broken:
        hints.append(f"Links that lead nowhere: {', '.join(broken)}.")
    if release.lists:
        raise ReleaseError(
            f"{len(missing)} file(s) of `release.events` missing: {', '.join(missing)}. Paths are relative to the "
            "folder nusky runs in; correct them."
        )
    raise ReleaseError(
        f"{root}: {len(missing)} file(s) of {release.name} missing: {', '.join(missing)}. {' '.join(hints)}"
        f"{' ' if hints else ''}The whole release is at {release.page}; every file named here is needed for the "
        "seasons asked for."
    )


def _other_names(path: Path) -> list[Path]:
    """Files beside `path` that carry its name with an ending, in other letters, or packed."""
    if not path.parent.is_dir():
        return []
    stem = re.escape(path.stem)
    form = re.compile(rf"{stem}([-_ .]?(v?\d+|\(\d+\)|copy))?({re.escape(path.suffix)}(\.gz)?|\.tab|\.txt)", re.I)
    return sorted(other for other in path.parent.iterdir() if form.fullmatch(other.name) and other != path)


def _refuse_what_is_no_zip(path: Path) -> None:
    """A file of the user's own is never to be deleted: say what to give in its place."""
    if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
        return
    try:
        packed = tarfile.is_tarfile(path)
    except (OSError, EOFError, zlib.error):
        packed = False
    if packed or path.name.lower().endswith((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")):
        raise ReleaseError(
            f"{path}: is a tar archive; zip archives and folders are read. Unpack it (tar -xf {path.name}) and give "
            "the folder in `release.local_path`."
        )
    raise ReleaseError(
        f"{path}: is a single file and no zip archive. Give the release's zip archive, or the folder that holds all of "
        "its files, in `release.local_path`."
    )


def _found(folder: Path, release: registry.Release, origin: str) -> Obtained:
    """The release in `folder`; what nusky generated is synthetic wherever it lies."""
    from nusky.releases.generator import is_generated

    layout = _layout(folder, release)
    root = adapter_of(layout).find_root(folder)
    synthetic = is_generated(root)
    if synthetic:
        log.warning(
            "SYNTHETIC EVENTS: %s was made by nusky's generator, not by IceCube. No number computed from it is a "
            "measurement; every output says so.",
            root,
        )
    return Obtained(root, layout, origin, synthetic)


def _check_unpacked(release: registry.Release, downloads: Path) -> None:
    """Refuse unpacked files that are not those of the archive they came from; they would carry its mirror's name."""
    from nusky.releases import inventory

    found = inventory.take(release, downloads)
    if found.archive is None:
        log.warning("%s: its archive is not there, so nobody can tell whether the files are as published", found.folder)
    else:
        _refuse_changed(found.folder, found.archive, found.archive_sha256)


def _refuse_changed(folder: Path, archive: Path, archive_sha256: str | None) -> None:
    from nusky.releases import inventory  # it builds on this module

    for finding in inventory.changed(folder, archive, archive_sha256):
        reason = f"{finding.what}: {finding.message}"
        raise ReleaseError(f"{reason}. To use other files on purpose, name their folder in `release.local_path`.")


def _make(folder: Path, make: Callable[[], None]) -> None:
    """Make a folder that appears complete or not at all; of two runs at once, the second uses that of the first."""
    if not folder.exists():
        try:
            make()
        except (ArchiveError, ReleaseError):
            if not folder.exists():
                raise


def _accepted(found: Obtained, settings: config.Release) -> Obtained:
    if found.layout == "icecube-14yr":
        icecube_14yr.check_version(found.root, settings.allow_version_1)
    return found


def _generate(
    settings: config.Release, release: registry.Release, seasons: Sequence[registry.Season], seed: int, downloads: Path
) -> Obtained:
    from nusky.releases.generator import generate_release

    if any(season.template is None for season in seasons):
        raise ConfigurationError(
            f"`release.synthetic`: the generator has no model of release {release.name}. Set it to `never`, or choose "
            "icecube-10yr or icecube-3yr."
        )
    generator = settings.generator
    made_by = {"nusky": __version__, "release": release.name, "seasons": [season.name for season in seasons]}
    digest = tables.settings_digest(made_by | {"seed": seed, "generator": generator.model_dump()})
    root = downloads / f"{release.name}-synthetic-{digest[:12]}"
    log.warning(
        "SYNTHETIC EVENTS: %s is made by the generator (seed %d), not by IceCube. No number computed from it is a "
        "measurement; every output says so.",
        release.name,
        seed,
    )
    _make(root, lambda: generate_release(root, release, seasons, seed, generator.event_fraction, generator.sources))
    return Obtained(root, GENERATED_LAYOUT, "generator", synthetic=True)


def _check_published_digests(root: Path, release: registry.Release, names: Sequence[str]) -> None:
    """Compare with the MD5 the publisher gives.

    Events of the right number may be a rewritten copy (other rounding): that is reported. An effective area has no such
    second check, so a different one is refused.
    """
    for name in names:
        if not published_digest_differs(root, release, name):
            continue
        problem = (
            f"{root / name}: its content is not the one published with {release.name} "
            f"(MD5 differs from {release.md5[name]})"
        )
        if not name.startswith("irfs/"):
            log.warning("%s; the number of events is right, so it is used.", problem)
            continue
        raise ReleaseError(
            f"{problem}. Fetch the file again; if it differs on purpose, set `release.check_counts: false`."
        )


def differing_reports(release: registry.Release, digests: Mapping[str, str]) -> list[str]:
    """What to tell of files whose SHA-256 (`digests`, by path inside the release) others report differently.

    Nobody here has verified these reports, and another version of the release has other files: none is refused.
    """
    return [
        f"{name}: its SHA-256 is {digests[name]}; for {release.citation.rpartition('; ')[2]}, {reported} is reported "
        "(not verified by nusky). Make sure that it is the version that is meant."
        for name, reported in release.reported_sha256.items()
        if name in digests and digests[name] != reported
    ]


def published_digest_differs(root: Path, release: registry.Release, name: str) -> bool:
    """Whether the publisher gives an MD5 of the file `name` below `root`, and it is another one.

    Line ends and byte-order marks do not count.
    """
    if name not in release.md5:
        return False
    content = (root / name).read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    return hashlib.md5(content, usedforsecurity=False).hexdigest() != release.md5[name]
