import json
import zipfile

import pytest

from nusky.files import sha256
from nusky.releases import registry
from nusky.releases.registry import Mirror, Release, Season


def test_list_tells_every_release(nusky):
    text = " ".join(nusky("data", "list").stdout.split())
    for told in ("icecube-3yr: IceCube", "events 334 677", "events 1 134 450", "archive 11.7 MB", "state not here"):
        assert told in text
    assert "doi:10.7910/DVN/VKL316" in text


def test_list_as_json(nusky):
    told = {entry["release"]: entry for entry in json.loads(nusky("data", "list", "--json").stdout)}
    assert told["icecube-10yr"]["events"] == 1_134_450
    assert told["icecube-14yr"]["events"] is None
    assert told["icecube-3yr"]["state"] == "not here"


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A release of one season, offered by a server that gives a zip archive."""
    path = tmp_path / "offered.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("inner/S-events.txt", "events")
        file.writestr("inner/S-TabulatedAeff.txt", "areas")
        file.writestr("inner/S-AngRes.txt", "medians")
    seasons = (Season("S", "S", 1, None, None, None),)
    mirror = Mirror("https://example.org/a.zip", sha256=sha256(path))
    monkeypatch.setitem(registry.RELEASES, "small", Release("small", "t", "c", "p", "icecube-3yr", seasons, (mirror,)))
    fetched = []

    def give(url, target, *_arguments):
        fetched.append(url)
        target.write_bytes(path.read_bytes())

    monkeypatch.setattr("nusky.releases.transfer.fetch_url", give)
    return fetched


def test_fetch_unpacks_once_and_verify_agrees(nusky, archive):
    result = nusky("data", "fetch", "small")
    assert result.exit_code == 0, result.output
    assert "files in  data/small/inner" in result.stdout
    assert "from      https://example.org/a.zip" in result.stdout
    assert nusky("data", "fetch", "small").exit_code == 0
    assert archive == ["https://example.org/a.zip"]
    verified = nusky("data", "verify", "small", "--json")
    assert verified.exit_code == 0
    findings = json.loads(verified.stdout)["small"]
    assert [finding["ok"] for finding in findings] == [True, True, True]
    listed = {entry["release"]: entry for entry in json.loads(nusky("data", "list", "--json").stdout)}
    assert listed["small"]["state"] == "here"
    assert listed["small"]["bytes_here"] > 11


def test_a_file_that_is_gone(nusky, archive, tmp_path):
    nusky("data", "fetch", "small")
    (tmp_path / "data/small/inner/S-events.txt").unlink()
    result = nusky("data", "verify")
    assert result.exit_code == 3
    assert "PROBLEM  data/small/inner: missing: S-events.txt; delete the folder and fetch again" in result.stdout


def test_a_folder_without_its_archive_is_still_checked(nusky, archive, tmp_path):
    nusky("data", "fetch", "small")
    next((tmp_path / "data/archives").glob("*.zip")).unlink()
    result = nusky("data", "verify", "small")
    assert result.exit_code == 0
    assert result.stdout == "ok       data/small/inner: all 3 files of its seasons\n"


def test_nothing_of_one_release(nusky):
    result = nusky("data", "verify", "icecube-3yr")
    assert result.exit_code == 3
    assert result.stdout == "icecube-3yr: nothing in data to check. Fetch it with `nusky data fetch icecube-3yr`.\n"
