"""A headless Chromium for tests of pages, driven over the pipe of its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio")
_PATIENCE = 120.0


class Page:
    """One page of a browser; `problems` holds what the console, scripts and requests complained about."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read, self._buffer, self._number = write, read, b"", 0
        self._session: dict[str, str] = {}
        self._loaded = False
        self.problems: list[str] = []
        self.requests: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, path: Path) -> None:
        """Open a file and wait until it and its images are there."""
        self._loaded = False
        self._call("Page.navigate", url=path.absolute().as_uri())
        self._until(lambda: self._loaded)

    def view(self, width: int, height: int, scheme: str = "light", touch: bool = False) -> None:
        """Set the size of the window in CSS pixels and the colour scheme that the reader prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def evaluate(self, script: str) -> Any:
        """The value of an expression of the page, waiting for promises."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def mouse(self, kind: str, x: float, y: float, **options: Any) -> None:
        """One event of the mouse: 'mouseMoved', 'mousePressed', 'mouseReleased' or 'mouseWheel'."""
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **options)
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def key(self, name: str) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=name)
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def screenshot(self) -> bytes:
        """What the window shows, PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        answer: dict[str, Any] = {}
        self._until(lambda: answer, number=self._number, answer=answer)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def _until(self, ready, number: int = 0, answer: dict[str, Any] | None = None) -> None:
        end = time.monotonic() + _PATIENCE
        while not ready():
            message = self._next(end)
            if number and message.get("id") == number:
                answer.update(message)
            self._notice(message.get("method"), message.get("params", {}))

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError(f"the browser said nothing for {_PATIENCE:g} s")
            part = os.read(self._read, 1 << 20)
            if not part:
                raise ConnectionError("the browser ended")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _notice(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(str(params["entry"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A page of a fresh browser with its `profile` folder."""
    (command_out, command_in), (answer_out, answer_in) = os.pipe(), os.pipe()
    # The protocol wants its pipes at the descriptors 3 and 4, which may be ours the wrong way round: by way of others.
    shell = f'exec {{a}}<&{command_out} {{b}}>&{answer_in}; exec 3<&$a 4>&$b; exec "$@"'
    arguments = [PROGRAM, *_OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    with open(os.devnull, "wb") as nothing:
        process = subprocess.Popen(
            ["bash", "-c", shell, "browser", *arguments],
            pass_fds=(command_out, answer_in),
            stdout=nothing,
            stderr=nothing,
        )
    os.close(command_out)
    os.close(answer_in)
    try:
        yield Page(command_in, answer_out)
    finally:
        process.kill()
        process.wait()
        os.close(command_in)
        os.close(answer_out)
