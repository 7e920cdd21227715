"""Stages of the workflow that bring a release in: fetch its files, turn them into tables."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from nusky import config
from nusky.files import sha256, write_json
from nusky.releases import ingest as ingestion
from nusky.releases import registry
from nusky.tables import Provenance, settings_digest

log = logging.getLogger(__name__)


def fetch(settings: config.Release, seed: int, downloads: Path, manifest: Path, progress: bool = True) -> None:
    """Obtain a release and write the `manifest` of its files.

    The manifest is a JSON file: release, layout, root, origin, synthetic, seed of generated events, files with their
    SHA-256. The other parameters, and what is raised besides, are those of `nusky.releases.ingest.obtain`.

    Raises
    ------
    ReleaseError
        A file of the seasons asked for is missing, or their good runs overlap.
    """
    release = registry.of(settings)
    obtained = ingestion.obtain(settings, seed, downloads, progress)
    seasons = release.select(settings.seasons)
    ingestion.check_runs(obtained, release, seasons)
    names = ingestion.complete(obtained, release, seasons)
    write_json(
        manifest,
        {
            "release": release.name,
            "layout": obtained.layout,
            "root": str(obtained.root),
            "origin": obtained.origin,
            "synthetic": obtained.synthetic,
            "seed": seed if obtained.origin == "generator" else None,
            **({"events": [own.model_dump(mode="json") for own in release.lists]} if release.lists else {}),
            "files": {name: sha256(obtained.root / name) for name in names},
        },
    )
    log.info("%s: %d files in %s (from %s)", release.name, len(names), obtained.root, obtained.origin)


def ingest(
    manifest: Path,
    season_names: Sequence[str] | None,
    events: Mapping[str, Path],
    check_counts: bool = True,
    **others: Path,
) -> None:
    """Read the release of a `manifest`, check it and write its canonical tables, all of them or none.

    Parameters
    ----------
    manifest : written by `fetch`
    season_names : seasons in order; None means all of the release
    events : season -> path of its events table
    check_counts : refuse numbers of events, livetimes and effective areas that are not the published ones
    **others : paths of the tables `seasons`, `uptimes`, `effective_area`, `smearing` and `angular_resolution`

    Raises
    ------
    ReleaseError
        A file is damaged, has changed, or holds something else than the release promises.
    StorageError
        The disk is full.
    """
    content = ingestion.read_manifest(manifest)
    selected = ingestion.release_of(content, manifest).select(None if season_names is None else list(season_names))
    canonical = ingestion.read(content, selected, check_counts)
    own = {"events": content["events"]} if content.get("events") else {}
    choices = own | {
        "release": content["release"],
        "seasons": [season.name for season in selected],
        "check_counts": check_counts,
    }
    seeds = () if content.get("seed") is None else (content["seed"],)
    provenance = Provenance(content["synthetic"], dict(content["files"]), settings_digest(choices), choices, seeds)
    ingestion.write(canonical, events, others, provenance)
    for name, table in canonical.events.items():
        log.info("%s: %d events", name, table.num_rows)
