"""Releases read once into the user's data folder, for searches from any folder.

The canonical tables of a release lie in a folder named by the digest of the files they were read from and of the code
that read them: other files or another version have another folder. It appears complete or not at all, so two processes
may read one release at the same time.
"""

import functools
import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nusky import config
from nusky.errors import NuskyError, ReleaseError, TableError
from nusky.files import atomic_folder, read_json, sha256, write_json
from nusky.releases import ingest, registry
from nusky.tables import Provenance, settings_digest

TABLES = ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")
_RECORD = "release.json"
_ARGUMENTS = {
    "`release.check_counts: false`": "`--no-check-counts`, in Python `check_counts=False`",
    "`release.allow_version_1: true`": "`--allow-version-1`, in Python `allow_version_1=True`",
    "in `release.local_path`": "with `--release-path`, in Python `path`",
    "`release.local_path`": "`--release-path`, in Python `path`",
}
"""What stands for the keys of a configuration, which messages name, where there is none."""


@dataclass(frozen=True)
class Stored:
    """The tables of a release on this machine.

    Attributes
    ----------
    folder : holds one Parquet file for each of `TABLES`, and `events/SEASON.parquet`
    seasons : names, in order
    origin : where its files came from
    synthetic : whether they were generated
    """

    name: str
    folder: Path
    seasons: tuple[str, ...]
    origin: str
    synthetic: bool

    def table(self, name: str) -> Path:
        """Path of one of `TABLES`."""
        return self.folder / f"{name}.parquet"

    @property
    def events(self) -> list[Path]:
        """Paths of the events, in the order of `seasons`."""
        return [self.folder / "events" / f"{season}.parquet" for season in self.seasons]

    @property
    def complete(self) -> bool:
        """Whether every table is there."""
        return all(path.is_file() for path in (*map(self.table, TABLES), *self.events))


def data_folder() -> Path:
    """`NUSKY_DATA`, or where the system keeps the data of a user's programs."""
    import platformdirs

    return Path(os.environ.get("NUSKY_DATA") or platformdirs.user_data_dir("nusky"))


def stored(
    name: str,
    path: str | os.PathLike[str] | None = None,
    seasons: Sequence[str] | None = None,
    *,
    check_counts: bool = True,
    allow_version_1: bool = False,
    progress: bool = True,
) -> Stored:
    """The tables of a release; fetched and read first where they are not there.

    Parameters
    ----------
    name : of the release, see `nusky.releases.registry`
    path : its folder or zip archive, if it is not to be fetched
    seasons : those to use; all of them for None
    check_counts, allow_version_1 : as in the block `release` of a configuration (docs/configuration.md)
    progress : show a progress bar of the download on a terminal

    Raises
    ------
    ConfigurationError : there is no such release or season.
    DownloadError, ArchiveError : it cannot be fetched.
    ReleaseError : its files are not those of the release, or some are missing.
    """
    release = registry.find(name)
    chosen = release.select(None if seasons is None else list(seasons))
    if not chosen or len(set(chosen)) != len(chosen):
        raise ReleaseError(f"seasons of {name}: give at least one, and each only once.")
    names = tuple(season.name for season in chosen)
    accepted = {"check_counts": check_counts, "allow_version_1": allow_version_1}
    base, settings = data_folder(), {"release": name, "seasons": names, "reader": _reader(), **accepted}
    published = base / f"{name}-{settings_digest(settings)[:12]}.json"
    if path is None and (known := _known(published, base / "tables")):
        return known
    given = {"name": name, "seasons": list(names), "local_path": None if path is None else str(path), **accepted}
    try:
        return _made(base, config.Release.model_validate(given), settings, chosen, published, progress)
    except NuskyError as error:
        message = str(error)
        for key, argument in _ARGUMENTS.items():
            message = message.replace(key, argument)
        raise type(error)(message) from None


def _made(
    base: Path,
    given: config.Release,
    settings: dict,
    chosen: Sequence[registry.Season],
    published: Path,
    progress: bool,
) -> Stored:
    name, release = given.name, registry.find(given.name)
    obtained = ingest.obtain(given, 0, base / "downloads", progress)
    files = {file: sha256(obtained.root / file) for file in ingest.complete(obtained, release, chosen)}
    content = settings | {"layout": obtained.layout, "files": files}
    folder = base / "tables" / f"{name}-{settings_digest(content)[:16]}"
    found = _known(folder / _RECORD, base / "tables")
    if found is None:
        shutil.rmtree(folder, ignore_errors=True)  # a table was removed from it
        _read(folder, obtained, content, chosen)
        found = _known(folder / _RECORD, base / "tables")
    if found is None:
        raise ReleaseError(f"{folder}: its tables vanished while they were written. Search again.")
    if given.local_path is None:
        write_json(published, read_json(folder / _RECORD))
    return found


def _read(folder: Path, obtained: ingest.Obtained, content: dict, seasons: Sequence[registry.Season]) -> None:
    manifest = {"release": content["release"], "layout": obtained.layout, "root": str(obtained.root)}
    manifest |= {"synthetic": obtained.synthetic, "files": content["files"]}
    canonical = ingest.read(manifest, seasons, content["check_counts"])
    choices = {"release": content["release"], "seasons": list(content["seasons"])}
    choices |= {"check_counts": content["check_counts"]}
    provenance = Provenance(obtained.synthetic, dict(content["files"]), settings_digest(choices), choices)
    with atomic_folder(folder) as made:
        events = {season.name: made / "events" / f"{season.name}.parquet" for season in seasons}
        ingest.write(canonical, events, {name: made / f"{name}.parquet" for name in TABLES}, provenance)
        record = {"release": content["release"], "folder": folder.name, "seasons": list(content["seasons"])}
        write_json(made / _RECORD, record | {"origin": obtained.origin, "synthetic": obtained.synthetic})


def _known(record: Path, tables: Path) -> Stored | None:
    """What a record names, if all of it is there."""
    if not record.is_file():
        return None
    try:
        known = read_json(record, keys=("release", "folder", "seasons", "origin", "synthetic"))
        made = Stored(
            str(known["release"]),
            tables / Path(str(known["folder"])).name,
            tuple(map(str, known["seasons"])),
            str(known["origin"]),
            bool(known["synthetic"]),
        )
    except (TableError, TypeError):
        return None
    return made if made.complete else None


@functools.cache
def _reader() -> str:
    """Digest of the code that reads releases."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
