"""What the files of a run come from: the code that made its tables, its own jobs, and the files it was given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nusky import config
from nusky.files import sha256
from nusky.resources import ALSO_READ, SOURCE_LISTS, SUPERNOVAE, resource
from nusky.revision import UNKNOWN
from nusky.stages import run_log
from nusky.tables import read_metadata


def code(tables: Iterable[Path]) -> list[dict[str, Any]]:
    """The states of the sources that made `tables`, the most frequent first.

    Each has `nusky_version`, `git_revisions` (two of them may have the same sources), `sources_sha256` and `tables`,
    their number.
    """
    states: dict[tuple[str, str], dict[str, Any]] = {}
    for path in tables:
        metadata = read_metadata(path)
        version, digest = (metadata.get(key, UNKNOWN) for key in ("nusky_version", "sources_sha256"))
        new = {"nusky_version": version, "git_revisions": [], "sources_sha256": digest, "tables": 0}
        state = states.setdefault((version, digest), new)
        state["tables"] += 1
        state["git_revisions"] = sorted({*state["git_revisions"], metadata.get("git_revision", UNKNOWN)})
    return sorted(states.values(), key=lambda state: -state["tables"])


def warnings(states: Sequence[dict[str, Any]], unaccounted: Sequence[str]) -> list[str]:
    """What readers of results must know of their origin: several states of the sources, tables nobody accounts for."""
    found = []
    if len(states) > 1:
        told = "; ".join(
            f"{state['tables']} by nusky {state['nusky_version']}, revision "
            f"{', '.join(revision[:12] for revision in state['git_revisions'])}, "
            f"sources {state['sources_sha256'][:12]}"
            for state in states
        )
        found.append(
            f"The tables were made by {len(states)} different states of the code: {told}. Numbers beside each other "
            "may follow different formulas. `--forceall` makes all of them anew."
        )
    if unaccounted:
        more = f" and {len(unaccounted) - 5} more" if len(unaccounted) > 5 else ""
        found.append(
            f"No run log of this run tells which job made {', '.join(unaccounted[:5])}{more}: they may be those of "
            "another run. Delete them to have them made anew."
        )
    return found


@dataclass(frozen=True)
class Strangers:
    """Tables that jobs of the run did not write, as far as their run logs tell."""

    changed: list[str]
    """Other content than the job wrote that made the table: those of another run, or changed."""
    unaccounted: list[str]
    """No run log of a finished job of this run lists them."""


def strangers(directory: Path, root: str, tables: Sequence[str]) -> Strangers:
    """Compare the `tables` that are there with the run logs of the run in `root`; both relative to `directory`."""
    logs = sorted(run_log.all_of(directory / root), key=lambda log: log.get("ended", ""))
    written: dict[str, str] = {}
    for log in logs:
        written.update(log.get("outputs_sha256", {}))
    there = [name for name in tables if (directory / name).is_file()]
    return Strangers(
        [name for name in there if name in written and sha256(directory / name) != written[name]],
        [name for name in there if name not in written],
    )


# What rules take among their parameters, so that another content makes their outputs out of date, and times do not.


def source_lists(catalogue: config.Catalogue) -> list[Path]:
    """The files the lists of a catalogue are read from, in their order."""
    found: list[Path] = []
    for item in catalogue.lists:
        names = (item.builtin, *ALSO_READ.get(item.builtin, ())) if item.builtin else ()
        found += [resource(SOURCE_LISTS[name]) for name in names] or [Path(item.file)]
    return found


def of_lists(catalogue: config.Catalogue) -> list[str]:
    """SHA-256 of the source lists of a catalogue, in their order."""
    return _digests(source_lists(catalogue))


def of_release(release: config.Release) -> list[str]:
    """SHA-256 of the files of the release that the user names, in `local_path` or as lists of their own.

    None where they are fetched or generated.
    """
    if release.local_path is None and release.events is None:
        return []
    from nusky.releases.ingest import given_files

    return _digests(given_files(release))


def of_supernovae() -> list[str]:
    """SHA-256 of the catalogue of supernovae."""
    return _digests([resource(SUPERNOVAE)])


def of_detectors(names: Sequence[str]) -> list[str]:
    """SHA-256 of the files of detectors of boosted dark matter: `config.DETECTORS` or the user's own."""
    return _digests(resource(f"detectors/{name}.yaml") if name in config.DETECTORS else Path(name) for name in names)


def _digests(paths: Iterable[Path]) -> list[str]:
    return [sha256(path) if path.is_file() else "missing" for path in paths]
