"""What is compared with outside readers, without them: readers that answer as they should, and one that does not."""

import json

import pytest
from astropy.table import Table

from nusky.results.profile import profile_table, write_profile
from validation import profile_readers

FIT = {"n_signal": 12.0, "gamma": 2.4, "test_statistic": 30.0}


@pytest.fixture
def folder(tmp_path):
    scale = {"energy_min_gev": 1e3, "energy_max_gev": 1e5, "energy_ref_gev": 1e4, "ref_dnde_per_gev": 1e-16}
    scale |= {"ref_flux_cm2_s": 1e-12, "ref_eflux_gev_cm2_s": 1e-8, "ref_phi0_per_gev": 1e-19, "pivot_energy_gev": 1e5}
    row = {"gamma": 2.4, "best": True, "n_signal": 12.0, "test_statistic": 30.0, **scale}
    row |= {"n_signal_scan": [0.0, 12.0, 24.0], "test_statistic_scan": [0.0, 30.0, 10.0]}
    write_profile(profile_table([row], {}), tmp_path / "profile.fits")
    (tmp_path / "fit.json").write_text(json.dumps(FIT))
    assert Table.read(tmp_path / "profile.fits", hdu="PROFILE")["ref_phi0"][0] == pytest.approx(1e-16)
    return tmp_path


def answer(folder, reader, phi0=1.2e-15, gamma=2.4, norm=12.0):
    found = {"reader": reader, "norm": norm, "fixed index": {"phi0": phi0, "ts": 30.0}}
    found["free index"] = {"phi0": phi0, "gamma": gamma, "ts": 30.02}
    (folder / f"{reader}.json").write_text("what the program says first\n" + json.dumps(found))


def test_what_agrees_is_said_to(folder):
    for reader in profile_readers.READERS:
        answer(folder, reader, gamma=2.41)
    rows, wrong = profile_readers.compare(folder)
    assert not wrong
    assert len(rows) == 1 + 2 * len(profile_readers.READERS)


@pytest.mark.parametrize("off", [{"phi0": 1.22e-15}, {"gamma": 2.5}, {"norm": 11.5}])
def test_what_lies_beyond_one_per_cent_is_missed(folder, off):
    answer(folder, "gammapy", **off)
    answer(folder, "threeml")
    [first, *_] = wrong = profile_readers.compare(folder)[1]
    assert all("gammapy" in text for text in wrong)
    assert next(iter(off)) in first
    assert "MISSED" in profile_readers.text(folder)
