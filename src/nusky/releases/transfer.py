"""One file from the web over connections that stall, drip, break off or lie: in bounded time, resumed where possible.

A server that fails is asked again with growing pauses; what came before a break is kept if the server can prove that
the file is still the same (an entity tag or a date). Certificates are always checked.
"""

import contextlib
import email.utils
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nusky import __version__
from nusky.errors import DownloadError
from nusky.releases.archive import MAX_BYTES

log = logging.getLogger(__name__)

# Dataverse answers 403 to the default User-Agent of Python's HTTP libraries.
USER_AGENT = f"nusky/{__version__} (analysis of public IceCube data)"
STALL_S = 60.0
"""A connection that gives no byte for so long is broken off."""
ANSWER_S = 180.0
"""Longest time from looking up the server's name to the end of its headers, redirections included."""
TOTAL_S = 3 * 3600.0
"""Longest time for one file, all attempts together."""
ATTEMPTS = 4
BACKOFF_S = 2.0
"""Pause before the second attempt; it doubles from one to the next."""
MAX_PAUSE_S = 300.0
"""Longest pause a server may ask for (Retry-After)."""
_BLOCK = 1 << 16
_ASK_AGAIN = {408, 416, 429}
"""Answers below 500 after which another attempt makes sense; after 416 it starts from the beginning."""


class _Final(Exception):
    """The transfer failed in a way that another attempt would not change."""


class _Broken(Exception):
    """The transfer failed, but another attempt may succeed, `pause_s` from now at the earliest."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


@dataclass
class _Partial:
    """What came so far of a file, and what the server calls this version of it."""

    path: Path
    version: str | None = None

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def request(self) -> dict[str, str]:
        """Headers that ask for the rest if the file is still the same, and for all of it otherwise."""
        if self.version is None or self.size == 0:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self.version}


def fetch_url(url: str, target: Path, progress: bool = True, max_bytes: int = MAX_BYTES) -> None:
    """Fetch `url` into the file `target`, which may be left half written if that fails.

    Parameters
    ----------
    url : http or https; followed through redirections, but never from https to http
    target : a temporary path
    progress : show a progress bar if standard error is a terminal
    max_bytes : largest size accepted

    Raises
    ------
    DownloadError
        The server is not there, refuses, or fails `ATTEMPTS` times, or `TOTAL_S` are over; the message says which.
    """
    deadline = time.monotonic() + TOTAL_S
    partial = _Partial(target)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _attempt(url, partial, deadline, progress, max_bytes)
            return
        except _Final as error:
            raise DownloadError(f"{url}: {error}.") from None
        except _Broken as error:
            reason, pause = str(error), max(BACKOFF_S * 2 ** (attempt - 1), error.pause_s)
        if attempt == ATTEMPTS:
            raise DownloadError(f"{url}: {reason} (attempt {attempt} of {ATTEMPTS}).")
        if pause > min(MAX_PAUSE_S, deadline - time.monotonic()):
            raise DownloadError(f"{url}: {reason}, and is to be left alone for {pause:.0f} s. Try again later.")
        log.warning("%s: %s; trying again in %.0f s", url, reason, pause)
        time.sleep(pause)


def _attempt(url: str, partial: _Partial, deadline: float, progress: bool, max_bytes: int) -> None:
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    with contextlib.closing(_ask(url, partial.request(), deadline)) as response:
        start = _begin(url, partial, response)
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total is not None and total > max_bytes:
            raise _Final(f"{total} bytes are announced; at most {max_bytes} are accepted")
        try:
            with open(partial.path, "ab") as file, _bar(total, start, progress) as advance:
                # read1 returns what is there: a server that drips cannot keep it past the deadline.
                while block := response.raw.read1(_BLOCK):
                    file.write(block)
                    advance(len(block))
                    if time.monotonic() > deadline:
                        raise _Final(f"not finished after {TOTAL_S:g} s, with {file.tell()} bytes")
                    if file.tell() > max_bytes:
                        raise _Final(f"more than the {max_bytes} bytes that are accepted")
        except HTTPError as error:
            what = f"stalled for {STALL_S:g} s" if isinstance(error, ReadTimeoutError) else "broke off"
            raise _Broken(f"the connection {what} after {partial.size} of {total or 'unknown'} bytes") from None


def _ask(url: str, headers: dict[str, str], deadline: float) -> Any:
    """The server's answer, its body still to be read.

    It is waited for in a thread, because neither the look-up of a name nor headers that drip heed a timeout.
    """
    import requests

    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}

    def ask() -> None:
        try:
            answers.put(requests.get(url, headers=headers, stream=True, timeout=STALL_S))
        except Exception as error:  # whatever it is, it is raised where it is waited for
            answers.put(error)

    patience = min(ANSWER_S, deadline - time.monotonic())
    if patience <= 0:
        raise _Final(f"not finished after {TOTAL_S:g} s")
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=patience)
    except queue.Empty:
        raise _Broken(f"no answer within {patience:.3g} s") from None
    if isinstance(answer, Exception):
        raise _understood(answer) from None
    return answer


def _understood(error: Exception) -> Exception:
    from requests import exceptions as http

    text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if isinstance(error, http.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return _Final(
            "the server's certificate is not trusted. If your network's proxy has its own authority, give its "
            f"certificates in the environment variable REQUESTS_CA_BUNDLE ({text})"
        )
    if isinstance(error, http.TooManyRedirects):
        return _Final("the server sends from one address to the next without end")
    if isinstance(error, http.Timeout):
        return _Broken(f"no answer within {STALL_S:g} s ({type(error).__name__})")
    if isinstance(error, http.InvalidURL | http.InvalidSchema | http.MissingSchema | ValueError):
        return _Final(f"not an address to fetch from ({text})")
    if "Failed to resolve" in str(error) or "Network is unreachable" in str(error):
        return _Broken("its server is not found; is there a network? (ConnectionError)")
    return _Broken(text) if isinstance(error, http.RequestException | OSError) else error


def _begin(url: str, partial: _Partial, response: Any) -> int:
    """Check the answer's head, make `partial` what it continues, and give the position where it does."""
    status, headers = response.status_code, response.headers
    if url.startswith("https:") and not response.url.startswith("https:"):
        raise _Final("the server sends on to an address without encryption")
    if status not in (200, 206):
        partial.version = None
        reason = f"the server answers {status} {response.reason}"
        if status >= 500 or status in _ASK_AGAIN:
            raise _Broken(reason, _seconds(headers.get("Retry-After")))
        raise _Final(reason)
    start = partial.size
    if status == 206 and not headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        partial.version = None
        raise _Broken("the server sent another part of the file than it was asked for")
    if status == 200:
        start = 0
        partial.path.write_bytes(b"")
    tag = headers.get("ETag", "")
    partial.version = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")
    return start


def _seconds(retry_after: str | None) -> float:
    """The header Retry-After, seconds or a date, in seconds from now; 0 where there is none or it makes no sense."""
    if retry_after is None:
        return 0.0
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        date = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    now = datetime.now(UTC)
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now.timestamp())


@contextlib.contextmanager
def _bar(total: int | None, start: int, progress: bool) -> Any:
    from tqdm import tqdm

    with tqdm(
        total=total, initial=start, unit="B", unit_scale=True, disable=not (progress and sys.stderr.isatty())
    ) as bar:
        advance: Callable[[int], Any] = bar.update
        yield advance
