"""`nusky data`: the public data releases: which there are, fetch them, check what is here."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from nusky.cli import console
from nusky.cli.exit_status import UNFINISHED
from nusky.paths import DOWNLOADS

app = typer.Typer(help="The data releases: list, fetch, verify.", no_args_is_help=True, rich_markup_mode=None)

Folder = Annotated[Path, typer.Option("--folder", help="Folder of downloads; the workflow uses this one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(folder: Folder = Path(DOWNLOADS), json: AsJson = False) -> None:
    """The releases nusky knows, where they come from, and what of them is here.

    \b
    Example:
      nusky data list
    """
    from nusky.releases import inventory, registry

    releases = []
    for release in registry.RELEASES.values():
        found = inventory.take(release, folder)
        counts = [season.n_events for season in release.seasons]
        releases.append(
            {
                "release": release.name,
                "title": release.title,
                "seasons": [season.name for season in release.seasons],
                "events": None if None in counts else sum(counts),
                "archive_bytes": release.archive_bytes,
                "page": release.page,
                "mirrors": [mirror.url for mirror in release.mirrors],
                "citation": release.citation,
                "state": "here" if found.unpacked else "archive only" if found.archive else "not here",
                "folder": str(found.folder) if found.unpacked else None,
                "bytes_here": found.n_bytes,
            }
        )
    if json:
        console.as_json(releases)
        return
    for release in releases:
        console.heading(f"{release['release']}: {release['title']}")
        events, size = release["events"], release["archive_bytes"]
        here = f"{release['folder']}, {console.bytes_text(release['bytes_here'])} with its archive"
        console.pairs(
            {
                "state": here if release["folder"] else release["state"],
                "seasons": f"{len(release['seasons'])}: {', '.join(release['seasons'])}",
                "events": "known once it is read" if events is None else f"{events:,}".replace(",", " "),
                "archive": "size not known before it comes" if size is None else console.bytes_text(size),
                "page": release["page"],
                "fetched from": ", ".join(release["mirrors"]),
                "cite": release["citation"],
            }
        )


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the release, as `nusky data list` shows it.")],
    folder: Folder = Path(DOWNLOADS),
) -> None:
    """Fetch a release, check and unpack it; nothing happens if it is here already.

    The workflow does the same when it needs the release; fetch it beforehand where the nodes that compute have no
    network.

    \b
    Example:
      nusky data fetch icecube-3yr
    """
    from nusky.releases import ingest, registry

    release = registry.find(name)
    # An archive from the web shows a bar of its own.
    silent = all(mirror.url.startswith("pip:") for mirror in release.mirrors)
    with console.busy(f"fetching {release.name}") if silent else contextlib.nullcontext():
        obtained = ingest.fetched(release, folder)
    console.pairs({"release": release.name, "files in": obtained.root, "from": obtained.origin}, indent=0)


@app.command()
def verify(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Release to check; all if left out.")] = None,
    folder: Folder = Path(DOWNLOADS),
    json: AsJson = False,
) -> None:
    """Compare what is here with the digests it had when it was fetched, and with the publisher's.

    Ends with status 3 if a file is missing or changed, or if nothing is here to check.

    \b
    Example:
      nusky data verify icecube-3yr
    """
    from nusky.releases import inventory, registry

    releases = registry.RELEASES.values() if name is None else [registry.find(name)]
    findings = {release.name: inventory.verify(inventory.take(release, folder)) for release in releases}
    if json:
        console.as_json({name: [vars(finding) for finding in found] for name, found in findings.items()})
    else:
        for release, found in findings.items():
            for finding in found:
                console.say(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.what}: {finding.message}")
            if not found and name is not None:
                console.say(f"{release}: nothing in {folder} to check. Fetch it with `nusky data fetch {release}`.")
        if name is None and not any(findings.values()):
            console.say(
                f"No release in {folder}. Fetch one with `nusky data fetch NAME`; `nusky data list` has the names."
            )
    checked = [finding.ok for found in findings.values() for finding in found]
    if not checked or not all(checked):
        raise typer.Exit(UNFINISHED)
