import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nusky import config
from nusky.detector import effective_area
from nusky.errors import ConfigurationError, ReleaseError
from nusky.releases import icecube_14yr, ingest, registry
from nusky.releases.registry import ICECUBE_14YR
from nusky.stages import releases as stages
from tests import release_files as files

EVENT_HEADER = "# run event subevent MJD[days] log10(E/GeV) AngErr[deg] RA[deg] Dec[deg] Azimuth[deg] Zenith[deg]\n"
NUMBERED = "".join(f" {113640 + k} {k} 0 {line}\n" for k, line in enumerate(files.EVENTS.splitlines()))
AREAS = (  # version 2.0: the bin that begins at 8.6 ends at 8.7
    " 8.40 8.60 -90.00 0.00 3.0e5\n 8.60 8.70 -90.00 0.00 4.0e5\n 8.80 9.00 -90.00 0.00 0.0\n"
    " 8.40 8.60   0.00 90.0 3.0e4\n 8.60 8.70   0.00 90.0 4.0e4\n 8.80 9.00   0.00 90.0 0.0\n"
)
VERSION_1 = AREAS.replace("8.60 8.70", "8.60 8.80")


def write(root: Path, names=("IC40", "IC86_I", "IC86_XI"), areas=AREAS) -> Path:
    """Seasons of the fourteen-year release with three events each."""
    return files.write_ten_year(root, names, NUMBERED, EVENT_HEADER, areas, responses=("IC40", "IC86"))


def select(*names):
    return ICECUBE_14YR.select(list(names))


def read(root, *names, check_counts=True):
    return icecube_14yr.read(root, ICECUBE_14YR, select(*names), check_counts)


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / "release")


def test_fourteen_seasons_share_four_responses():
    names = [season.name for season in ICECUBE_14YR.seasons]
    assert len(names) == 14
    assert (names[0], names[3], names[-1]) == ("IC40", "IC86_I", "IC86_XI")
    assert list(dict.fromkeys(season.response for season in ICECUBE_14YR.seasons)) == ["IC40", "IC59", "IC79", "IC86"]
    assert "versions/3.1?persistentId=doi:10.7910/DVN/MMIIZA" in ICECUBE_14YR.mirrors[0].url


def test_tables(root, caplog):
    with caplog.at_level(logging.INFO):
        release = read(root, "IC86_I", "IC86_XI", "IC40")
    events = release.events["IC86_XI"]
    assert events["mjd"].to_pylist() == [54562.37911273, 54562.38662244, 54562.39]
    assert events["zenith_deg"].to_pylist() == [106.712, 76.646, 1.009]
    assert "run" not in events.column_names
    assert release.seasons["response"].to_pylist() == ["IC86", "IC86", "IC40"]
    assert release.seasons["livetime_s"].to_pylist() == pytest.approx([1.25 * 86400] * 3, abs=1e-4)
    assert release.seasons["livetime_origin"].to_pylist() == ["uptimes"] * 3
    assert release.smearing["response"].to_pylist() == ["IC86"] * 2 + ["IC40"] * 2
    assert "IC86_XI_exp.csv: 3 events; no published number is known, so it is not checked" in caplog.text


def test_events_without_run_numbers_are_read_too(root):
    before = read(root, "IC40").events["IC40"]
    (root / "events" / "IC40_exp.csv").write_text(files.EVENT_HEADER + files.EVENTS)
    assert read(root, "IC40").events["IC40"] == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("AngErr[deg]", "sigma", r"line 1: column AngErr\[deg\] is missing"),
        ("75.024", "x", r"line 3, column RA\[deg\]: 'x' is not a finite number"),
        ("75.024", "400.0", "line 3, column ra_deg: 400 is outside"),
        (" 113641 1 0", " 113641 1", r"line 3: column Zenith\[deg\] is empty: 10 values are expected, found 9"),
    ],
)
def test_damaged_events(root, old, new, message):
    path = root / "events" / "IC40_exp.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ReleaseError, match=message) as caught:
        read(root, "IC40")
    assert str(path) in str(caught.value)


def test_missing_events(root):
    (root / "events" / "IC40_exp.csv").unlink()
    with pytest.raises(ReleaseError, match=r"IC40_exp\.csv: cannot be read"):
        read(root, "IC40")


def test_energies_the_effective_area_leaves_out_get_none(root):
    table = read(root, "IC86_I").effective_area
    area = effective_area.from_table(table)["IC86"]
    np.testing.assert_allclose(area.log10_energy, [8.4, 8.6, 8.7, 8.8, 9.0])
    np.testing.assert_allclose(area.area[:, 1], [3e4, 4e4, 0, 0])
    whole = AREAS.replace("8.80 9.00", "8.70 9.00")
    (root / "irfs" / "IC86_effectiveArea.csv").write_text(files.AREA_HEADER + whole)
    assert read(root, "IC86_I").effective_area.num_rows == 6


class TestVersion1:
    def obtain(self, root, **settings):
        return ingest.obtain(config.Release(name="icecube-14yr", local_path=str(root), **settings), 1, root / "data")

    def test_version_2_is_accepted(self, root, caplog):
        assert self.obtain(root).layout == "icecube-14yr"
        assert caplog.text == ""

    def test_version_1_is_refused_with_the_reason(self, tmp_path):
        root = write(tmp_path / "old", areas=VERSION_1)
        with pytest.raises(ReleaseError) as caught:
            self.obtain(root)
        message = str(caught.value)
        assert f"{root / 'irfs/IC86_effectiveArea.csv'}: version 1.0 of icecube-14yr" in message
        assert "the effective area of IC86 is too small at log10(E/GeV) 8.6 to 8.8" in message
        assert "set `release.allow_version_1: true`" in message

    def test_version_1_can_be_forced_and_is_reported(self, tmp_path, caplog):
        root = write(tmp_path / "old", areas=VERSION_1)
        assert self.obtain(root, allow_version_1=True).root == root
        assert "version 1.0 of icecube-14yr is used although it has known faults" in caplog.text
        caplog.clear()
        icecube_14yr.read_times(root, ICECUBE_14YR, select("IC40"), True)
        assert "version 1.0 of icecube-14yr is used" in caplog.text

    def test_the_file_that_tells_the_version_is_always_needed(self, root):
        assert icecube_14yr.required_files(root, ICECUBE_14YR, select("IC40"))[-1] == "irfs/IC86_effectiveArea.csv"
        names = icecube_14yr.required_files(root, ICECUBE_14YR, select("IC40", "IC86_I"))
        assert names.count("irfs/IC86_effectiveArea.csv") == 1

    def test_the_public_version_1_is_recognised(self, tmp_path, validation_data):
        (tmp_path / "irfs").mkdir()
        source = validation_data / "icetracks_dr2_irfs" / "IC86_effectiveArea.csv"
        (tmp_path / "irfs" / "IC86_effectiveArea.csv").write_bytes(source.read_bytes())
        with pytest.raises(ReleaseError, match=r"version 1\.0 of icecube-14yr, which has known faults"):
            icecube_14yr.check_version(tmp_path, allow_version_1=False)


@pytest.mark.parametrize("check_counts", [True, False])
def test_another_digest_than_the_reported_one_is_told_and_used(tmp_path, root, caplog, monkeypatch, check_counts):
    settings = config.Release(name="icecube-14yr", local_path=str(root), seasons=["IC86_XI"])
    stages.fetch(settings, 1, tmp_path / "data", tmp_path / "release.json", progress=False)
    manifest = ingest.read_manifest(tmp_path / "release.json")
    assert ingest.read(manifest, select("IC86_XI"), check_counts).events["IC86_XI"].num_rows == 3
    for name, digest in ICECUBE_14YR.reported_sha256.items():
        assert f"{name}: its SHA-256 is {manifest['files'][name]}" in caplog.text
        assert digest in caplog.text
    caplog.clear()
    same = {name: manifest["files"][name] for name in ICECUBE_14YR.reported_sha256}
    monkeypatch.setitem(registry.RELEASES, "icecube-14yr", replace(ICECUBE_14YR, reported_sha256=same))
    ingest.read(manifest, select("IC86_XI"), check_counts)
    assert "SHA-256" not in caplog.text


def test_nothing_is_generated_for_it(tmp_path):
    settings = config.Release(name="icecube-14yr", synthetic="always")
    with pytest.raises(ConfigurationError, match="the generator has no model of release icecube-14yr"):
        ingest.obtain(settings, 1, tmp_path)


@pytest.mark.parametrize("second", ["mjd", "mjd[DAYS]", "MJD[days]"])
def test_a_second_column_of_times_does_not_replace_the_first(root, second):
    path = root / "events" / "IC40_exp.csv"
    before = read(root, "IC40").events["IC40"]
    path.write_text(path.read_text().replace("# run ", f"# {second} "))
    if second == "mjd":  # another name, so another column
        assert read(root, "IC40").events["IC40"] == before
    else:
        with pytest.raises(ReleaseError, match="line 1: the columns are others"):
            read(root, "IC40")
