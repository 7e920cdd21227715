"""Bad networks: every way in which a server can fail, met by a local server that fails so."""

import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nusky.errors import DownloadError
from nusky.releases import transfer

BODY = bytes(range(256)) * 2000
HALF = len(BODY) // 2
TAG = '"version-1"'


class Request(BaseHTTPRequestHandler):
    """Hands every request to the first of the server's scripted answers; the last one serves all further requests."""

    def do_GET(self):
        self.server.requests.append(dict(self.headers))
        script = self.server.answers
        (script.pop(0) if len(script) > 1 else script[0])(self)

    def head(self, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *answers, context=None):
        super().__init__(("127.0.0.1", 0), Request)
        self.answers, self.requests, self.released = list(answers), [], threading.Event()
        scheme = "http"
        if context is not None:
            self.socket, scheme = context.wrap_socket(self.socket, server_side=True), "https"
        self.url = f"{scheme}://127.0.0.1:{self.server_port}/file"

    def handle_error(self, *_):
        pass  # clients that hang up are what the tests are about


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.01)
    monkeypatch.setattr(transfer, "STALL_S", 0.3)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    started = []

    def start(*answers, context=None):
        server = Server(*answers, context=context)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        started.append((server, thread))
        return server

    yield start
    for server, thread in started:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def good(request):
    request.head(Content_Length=len(BODY), ETag=TAG)
    request.wfile.write(BODY)


def half(request, **headers):
    request.head(Content_Length=len(BODY), **headers)
    request.wfile.write(BODY[:HALF])
    request.wfile.flush()


def tagged_half(request):
    half(request, ETag=TAG)


def rest(request, start=None):
    asked = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    start = asked if start is None else start
    request.head(206, Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}", Content_Length=len(BODY) - start)
    request.wfile.write(BODY[start:])


def refuse(status, **headers):
    return lambda request: request.head(status, Content_Length=0, **headers)


def hang(request):
    request.server.released.wait(20)


def stall(request):
    half(request)
    request.server.released.wait(20)


def drip(request):
    """A byte at a time, each well before the connection counts as stalled, for ever."""
    request.head(Content_Length=len(BODY))
    while not request.server.released.wait(0.02):
        request.wfile.write(b"x")
        request.wfile.flush()


def drip_headers(request):
    request.wfile.write(b"HTTP/1.0 200 OK\r\n")
    while not request.server.released.wait(0.02):
        request.wfile.write(b"X: y\r\nX: y")
        request.wfile.flush()


def endless(request):
    request.head()  # no length: the body ends with the connection
    while not request.server.released.is_set():
        request.wfile.write(bytes(4096))


def fetch(server, tmp_path, **options):
    transfer.fetch_url(server.url, tmp_path / "file", progress=False, **options)
    return (tmp_path / "file").read_bytes()


def failure(server, tmp_path, **options):
    """The message, and the seconds until it came."""
    start = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        fetch(server, tmp_path, **options)
    assert str(caught.value).startswith(f"{server.url}: ")
    return str(caught.value), time.monotonic() - start


def test_a_server_that_never_answers(serve, tmp_path):
    message, seconds = failure(server := serve(hang), tmp_path)
    assert "no answer within 0.3 s (ReadTimeout) (attempt 4 of 4)" in message
    assert len(server.requests) == 4
    assert seconds < 5


def test_a_body_that_stalls(serve, tmp_path):
    message, seconds = failure(serve(stall), tmp_path)
    assert f"the connection stalled for 0.3 s after {HALF} of {len(BODY)} bytes (attempt 4 of 4)" in message
    assert seconds < 5


def test_a_stall_is_survived(serve, tmp_path):
    assert fetch(serve(stall, good), tmp_path) == BODY


def test_a_body_that_drips_ends_with_the_time(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "TOTAL_S", 0.5)
    message, seconds = failure(server := serve(drip), tmp_path)
    assert "not finished after 0.5 s, with " in message
    assert len(server.requests) == 1
    assert seconds < 3


def test_headers_that_drip(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "ANSWER_S", 0.3)
    message, seconds = failure(serve(drip_headers), tmp_path)
    assert "no answer within 0.3 s (attempt 4 of 4)" in message
    assert seconds < 5


def test_a_cut_transfer_is_resumed_where_it_broke(serve, tmp_path):
    server = serve(tagged_half, rest)
    assert fetch(server, tmp_path) == BODY
    assert server.requests[1]["Range"] == f"bytes={HALF}-"
    assert server.requests[1]["If-Range"] == TAG


def test_a_date_serves_where_there_is_no_tag(serve, tmp_path):
    date = format_datetime(datetime(2026, 1, 1, tzinfo=UTC), usegmt=True)
    server = serve(lambda request: half(request, Last_Modified=date), rest)
    assert fetch(server, tmp_path) == BODY
    assert server.requests[1]["If-Range"] == date


@pytest.mark.parametrize("headers", [{}, {"ETag": f"W/{TAG}"}])
def test_nothing_is_resumed_without_proof_that_the_file_is_the_same(serve, tmp_path, headers):
    server = serve(lambda request: half(request, **headers), good)
    assert fetch(server, tmp_path) == BODY
    assert "Range" not in server.requests[1]


def test_a_file_that_changed_meanwhile_is_fetched_anew(serve, tmp_path):
    server = serve(tagged_half, good)  # 200 to a request for a part: here is all of the new version
    assert fetch(server, tmp_path) == BODY
    assert "Range" in server.requests[1]


def test_the_wrong_part_is_thrown_away(serve, tmp_path):
    server = serve(tagged_half, lambda request: rest(request, start=5), good)
    assert fetch(server, tmp_path) == BODY
    assert "Range" not in server.requests[2]


def test_a_range_the_server_cannot_satisfy(serve, tmp_path):
    server = serve(tagged_half, refuse(416), good)
    assert fetch(server, tmp_path) == BODY
    assert "Range" not in server.requests[2]


def test_a_length_that_is_too_long(serve, tmp_path):
    def lying(request):
        request.head(Content_Length=len(BODY) + 1)
        request.wfile.write(BODY)

    message, _ = failure(serve(lying), tmp_path)
    assert f"the connection broke off after {len(BODY)} of {len(BODY) + 1} bytes (attempt 4 of 4)" in message


def test_a_length_that_is_no_number(serve, tmp_path):
    def lying(request):
        request.head(Content_Length="many")
        request.wfile.write(BODY)

    assert fetch(serve(lying), tmp_path) == BODY


def test_the_size_is_bounded(serve, tmp_path):
    message, _ = failure(serve(good), tmp_path, max_bytes=1000)
    assert f"{len(BODY)} bytes are announced; at most 1000 are accepted" in message
    message, seconds = failure(serve(endless), tmp_path, max_bytes=1000)
    assert "more than the 1000 bytes that are accepted" in message
    assert seconds < 3


def test_the_pause_asked_for_is_kept(serve, tmp_path, caplog):
    start = time.monotonic()
    assert fetch(serve(refuse(503, Retry_After=1), good), tmp_path) == BODY
    assert time.monotonic() - start >= 1
    assert "the server answers 503 Service Unavailable; trying again in 1 s" in caplog.text


@pytest.mark.parametrize("as_date", [False, True])
def test_a_pause_that_is_too_long_is_not_waited_for(serve, tmp_path, as_date):
    after = format_datetime(datetime.now(UTC) + timedelta(seconds=7200), usegmt=True) if as_date else 7200
    message, seconds = failure(serve(refuse(503, Retry_After=after)), tmp_path)
    assert re.search(r"the server answers 503 Service Unavailable, and is to be left alone for 7[0-9]{3} s", message)
    assert "Try again later" in message
    assert seconds < 3


def test_a_pause_that_makes_no_sense(serve, tmp_path):
    assert fetch(serve(refuse(503, Retry_After="soon"), refuse(429, Retry_After="-5"), good), tmp_path) == BODY


@pytest.mark.parametrize("status", [204, 304, 403, 404, 410])
def test_refusals_are_final(serve, tmp_path, status):
    message, _ = failure(server := serve(refuse(status)), tmp_path)
    assert f"the server answers {status} " in message
    assert len(server.requests) == 1


def test_redirections_are_followed(serve, tmp_path):
    assert fetch(serve(refuse(302, Location="/other"), good), tmp_path) == BODY


def test_redirections_without_end(serve, tmp_path):
    message, _ = failure(serve(refuse(302, Location="/file")), tmp_path)
    assert "the server sends from one address to the next without end" in message


@pytest.mark.parametrize("place", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_redirections_to_what_is_no_web_address(serve, tmp_path, place):
    message, _ = failure(server := serve(refuse(302, Location=place)), tmp_path)
    assert "not an address to fetch from" in message
    assert len(server.requests) == 1


def test_an_answer_that_is_not_http(serve, tmp_path):
    message, _ = failure(serve(lambda request: request.wfile.write(b"\x00\xff hello\r\n\r\n")), tmp_path)
    assert "ConnectionError" in message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A fresh self-signed certificate for 127.0.0.1 with its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is needed to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], cwd=folder, check=True, capture_output=True
    )
    (folder / "both").write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return folder / "both"


class TestCertificates:
    @pytest.fixture
    def context(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context

    def test_an_unknown_authority_is_refused_with_the_way_out(self, serve, tmp_path, context):
        message, _ = failure(server := serve(good, context=context), tmp_path)
        assert "the server's certificate is not trusted" in message
        assert "REQUESTS_CA_BUNDLE" in message
        assert server.requests == []

    def test_a_known_authority_is_accepted(self, serve, tmp_path, context, certificate, monkeypatch):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert fetch(serve(good, context=context), tmp_path) == BODY

    def test_encryption_is_not_given_up(self, serve, tmp_path, context, certificate, monkeypatch):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        plain = serve(good)
        message, _ = failure(serve(refuse(302, Location=plain.url), context=context), tmp_path)
        assert "the server sends on to an address without encryption" in message


def test_no_server_at_all(serve, tmp_path):
    gone = serve(good)
    gone.shutdown()
    gone.server_close()
    gone.server_close = gone.shutdown = lambda: None
    message, _ = failure(gone, tmp_path)
    assert "ConnectionError" in message
    assert "(attempt 4 of 4)" in message


def test_a_missing_network_is_called_that(tmp_path, monkeypatch):
    def unresolved(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.01)
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(DownloadError, match="its server is not found; is there a network") as raised:
        transfer.fetch_url("https://example.org/a.zip", tmp_path / "a.zip")
    assert "Max retries" not in str(raised.value)
