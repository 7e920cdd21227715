"""What of a release is on this machine, and whether it is still what was fetched."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from nusky.errors import ReleaseError
from nusky.files import read_json, sha256
from nusky.releases.ingest import adapter_of, differing_reports, published_digest_differs
from nusky.releases.registry import Release

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Inventory:
    """The files of one release below a folder of downloads."""

    release: Release
    folder: Path
    """Where its files are unpacked."""
    archive: Path | None
    """The archive they came from, if its record names one that is there."""
    archive_sha256: str | None
    """SHA-256 of the archive when it was fetched, or the pinned one."""

    @property
    def unpacked(self) -> bool:
        """Whether the release's folder is there."""
        return self.folder.is_dir()

    @property
    def n_bytes(self) -> int:
        """Size of the unpacked files and the archive on disk."""
        files = [path for path in self.folder.rglob("*") if path.is_file()] if self.unpacked else []
        return sum(path.stat().st_size for path in [*files, *([self.archive] if self.archive else [])])


def take(release: Release, downloads: Path) -> Inventory:
    """What is there of `release` below the folder `downloads`; nothing is checked yet."""
    path = downloads / f"{release.name}.json"
    record = read_json(path) if path.is_file() else {}
    archive = downloads / "archives" / str(record.get("archive"))
    pinned = next((mirror.member_sha256 or mirror.sha256 for mirror in release.mirrors), None)
    return Inventory(
        release,
        downloads / release.name,
        archive if record.get("archive") and archive.is_file() else None,
        pinned or record.get("archive_sha256"),
    )


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    what: str
    ok: bool
    message: str


def verify(found: Inventory) -> list[Finding]:
    """Check what is there: the archive's digest, every unpacked file against the archive, and published digests.

    Nothing is repaired. A release that is not there gives no finding.
    """
    findings = []
    if found.archive:
        findings.append(_archive(found.archive, found.archive_sha256))
    if found.unpacked:
        findings.append(_complete(found))
        if found.archive and findings[0].ok:
            findings += _against_archive(found.folder, found.archive)
        findings += _published(found)
    return findings


def changed(folder: Path, archive: Path, archive_sha256: str | None) -> list[Finding]:
    """What speaks against the unpacked `folder` being the content of `archive`: its other digest, or the files."""
    whole = _archive(archive, archive_sha256)
    return [finding for finding in (_against_archive(folder, archive) if whole.ok else [whole]) if not finding.ok]


def _archive(path: Path, expected: str | None) -> Finding:
    digest = sha256(path)
    if expected is None:
        return Finding(str(path), False, f"SHA-256 {digest} was never recorded: delete it and fetch again")
    if digest != expected:
        return Finding(str(path), False, f"SHA-256 is {digest}, it was {expected}: delete it and fetch again")
    return Finding(str(path), True, f"SHA-256 {digest}")


def _complete(found: Inventory) -> Finding:
    layout = adapter_of(found.release.layout)
    try:
        root = layout.find_root(found.folder)
    except ReleaseError as error:
        return Finding(str(found.folder), False, str(error))
    needed = layout.required_files(root, found.release, found.release.seasons)
    missing = [name for name in needed if not (root / name).is_file()]
    if missing:
        return Finding(str(root), False, f"missing: {', '.join(missing)}; delete the folder and fetch again")
    return Finding(str(root), True, f"all {len(needed)} files of its seasons")


def _against_archive(folder: Path, archive: Path) -> list[Finding]:
    """Sizes and CRC-32 of the unpacked files against the directory of the archive."""
    with zipfile.ZipFile(archive) as content:
        members = [m for m in content.infolist() if not m.is_dir() and (folder / m.filename).is_file()]
    changed = [m.filename for m in members if not _same(folder / m.filename, m)]
    again = "changed since they were unpacked; delete the folder and fetch again"
    if changed:
        return [Finding(str(folder / name), False, again) for name in changed]
    return [Finding(str(folder), True, f"{len(members)} files are those of the archive")]


def _same(path: Path, member: zipfile.ZipInfo) -> bool:
    if path.stat().st_size != member.file_size:
        return False
    crc = 0
    with open(path, "rb") as handle:
        while block := handle.read(_CHUNK):
            crc = zlib.crc32(block, crc)
    return crc == member.CRC


def _published(found: Inventory) -> list[Finding]:
    """Digests the publisher gives for single files; those that others report decide nothing."""
    release = found.release
    if not (release.md5 or release.reported_sha256):
        return []
    root = adapter_of(release.layout).find_root(found.folder)
    digests = {name: sha256(root / name) for name in release.reported_sha256 if (root / name).is_file()}
    reported = [Finding(str(root), True, problem) for problem in differing_reports(release, digests)]
    if not release.md5:
        return reported
    present = [name for name in found.release.md5 if (root / name).is_file()]
    changed = [name for name in present if published_digest_differs(root, found.release, name)]
    if changed:
        reason = "its MD5 is not the published one: it was rewritten; delete the folder and fetch again"
        return [Finding(str(root / name), False, reason) for name in changed]
    return [*reported, Finding(str(root), True, f"{len(present)} published MD5 digests")]
