import json

import numpy as np
import pytest

from nusky import bdm
from nusky.bdm.models import LMuTau

CAS_A = ("--supernova", "Cas A", "--ra", "23h23m24s", "--dec", "58d49m00s", "--distance", "3.5kpc")
YEAR = bdm.constant.year2Seconds


@pytest.fixture
def numbers(nusky):
    def call(*arguments):
        result = nusky("bdm", *arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


def test_flux_is_that_of_the_literature(numbers):
    # docs/boosted_dark_matter.md: Cas A, 350 years, 5 MeV, 1 MeV
    assert numbers("flux", *CAS_A)["flux"] == pytest.approx(9.3415e-20, rel=6e-5)
    published = numbers("flux", *CAS_A, "--conventions", "published", "--tx", "5000keV", "--mx", "0.001GeV")
    assert published["flux"] == pytest.approx(9.2108e-20, rel=6e-5)
    assert published["inputs"]["signal_ends_yr"] == pytest.approx(557.07, rel=1e-5)


def test_flux_of_a_model_and_its_error(numbers):
    found = numbers("flux", *CAS_A, "--model", "lmutau")
    assert found["flux"] == pytest.approx(2.0675e-14, rel=6e-5)  # docs/boosted_dark_matter.md
    assert 0 < found["error"] < 1e-7 * found["flux"]
    assert found["inputs"]["mediator_ratio"] == 1 / 3


def test_events(numbers):
    found = numbers("events", *CAS_A, "--model", "lmutau", "--targets", "1e35")
    assert found["events"] == pytest.approx(1e35 * 7.3883e-44, rel=6e-5)  # docs/boosted_dark_matter.md
    constant = numbers("events", *CAS_A, "--sigma-xe", "2e-35cm2")
    beta, _, _ = bdm.equatorial_to_beta("23h23m24s", "58d49m00s")
    direct = 2e-35 * bdm.event(1.0, 3.5, beta, Tx_range=(5, 30), t_range=(350 * YEAR, 385 * YEAR))
    assert constant["events"] == pytest.approx(direct, rel=1e-5)


def test_a_person_reads_value_error_and_inputs(nusky):
    lines = nusky("bdm", "flux", *CAS_A).stdout.splitlines()
    assert lines[0].startswith("flux = 9.3414")
    assert "±" in lines[0]
    assert lines[0].endswith("MeV^-1 cm^-2 s^-1")
    assert "  distance_kpc    3.5" in lines


def test_why_there_is_nothing(nusky):
    assert (
        "nothing arrives at 600 yr: the signal ends after 557.1 yr"
        in nusky("bdm", "flux", *CAS_A, "--t", "600yr").stdout
    )
    result = nusky("bdm", "events", *CAS_A, "--t", "5kyr")
    assert "nothing arrives in this time with these energies" in result.stdout


def test_listed_supernovae_have_their_own_distance_unless_given(numbers):
    listed = numbers("flux", "--supernova", "SN 1054", "--t", "970yr", "--mx", "60MeV")
    given = numbers("flux", "--supernova", "SN 1054", "--t", "970yr", "--mx", "60MeV", "--distance", "1kpc")
    assert listed["inputs"]["distance_kpc"] != given["inputs"]["distance_kpc"] == 1.0


def test_skymap_as_healpix(numbers, tmp_path):
    from astropy.io import fits

    found = numbers("skymap", "sky.fits", *CAS_A, "--nside", "32")
    with fits.open(tmp_path / "sky.fits") as file:
        value = file[1].data["FLUX"]
        assert (file[1].header["NSIDE"], file[1].header["ORDERING"]) == (32, "NESTED")
    assert value.max() == pytest.approx(found["largest"])
    assert value.sum() * 4 * np.pi / value.size == pytest.approx(9.3415e-20, rel=0.02)


def test_skymap_over_a_range_of_energies(numbers):
    found = numbers("skymap", "sky.fits", *CAS_A, "--nside", "8", "--tx", "5MeV", "--tx-max", "30MeV")
    assert found["unit"] == "cm-2 s-1 sr-1"
    assert found["largest"] > 0


def test_skymap_as_table_of_both_conventions(numbers, nusky):
    from nusky.tables import read_metadata, read_table

    numbers("skymap", "sky.parquet", *CAS_A, "--n-l", "40", "--n-b", "20")
    table = read_table("sky.parquet", kind="bdm_sky_map")
    assert table.column_names == ["l_deg", "b_deg", "standard_per_mev_cm2_s_sr", "published_per_mev_cm2_s_sr"]
    assert table.num_rows == 800
    assert read_metadata("sky.parquet")["settings"]["distance_kpc"] == 3.5
    assert nusky("show", "sky.parquet").exit_code == 0


def test_skymap_as_figure(numbers, tmp_path):
    numbers("skymap", "sky.png", *CAS_A, "--n-l", "40", "--n-b", "20")
    assert (tmp_path / "sky.png").read_bytes().startswith(b"\x89PNG")


def test_maps_of_the_large_magellanic_cloud(numbers):
    found = numbers("skymap", "sky.fits", "--supernova", "SN 1987A", "--t", "39yr", "--nside", "4", "--model", "lmutau")
    assert found["inputs"]["host"] == "LMC"
    assert found["inputs"]["neutrino_coupling"] == LMuTau().neutrino_coupling


def test_limits_are_those_of_the_package(numbers, tmp_path):
    from nusky.bdm.models import ConstantCrossSection
    from nusky.bdm.supernovae import find

    arguments = ("exclude", "--detector", "juno", "--masses", "2", "--mx-min", "1MeV", "--mx-max", "0.01GeV")
    found = numbers(*arguments, "--confidence-level", "0.95", "--output", str(tmp_path / "limits.csv"))
    detector, supernova = bdm.load_detector("juno"), find("Cas A")
    span = bdm.observed_span(supernova, detector)
    under = bdm.place(supernova).under(ConstantCrossSection())
    limits = bdm.exclude(under, detector, [1, 10], span, confidence_level=0.95)
    assert found["sqrt_sigma_cm2"] == pytest.approx(limits.sqrt_sigma_cm2.tolist())
    assert (found["kind"], found["confidence_level"]) == ("expected median", 0.95)
    header, *rows = (tmp_path / "limits.csv").read_text().splitlines()
    assert "confidence_level" in header
    assert len(rows) == 2
    seen = numbers(*arguments, "--observed", "0", "--method", "poisson", "--t", "300yr", "--duration", "10yr")
    assert seen["n_limit"] == pytest.approx([2.302585] * 2)
    assert seen["kind"] == "observed"
    assert seen["inputs"]["rough_or_assumed"].split(", ") == detector.approximate


def test_a_mass_that_is_not_limited_says_why(nusky):
    """Of Cas A light dark matter has long passed."""
    arguments = ("bdm", "exclude", "--masses", "2", "--mx-min", "1keV", "--mx-max", "1MeV")
    text = nusky(*arguments).stdout
    assert "inf: nothing of this mass arrives in this time within the window, so it is not limited" in text
    assert "inf:" not in nusky(*arguments[:4], "--mx-min", "1MeV", "--mx-max", "2MeV").stdout


def test_draws_of_a_supernova_of_one_s_own_need_the_error_of_its_distance(nusky, numbers):
    own = ("exclude", "--supernova", "next", "--ra", "266.4", "--dec=-28.9", "--distance", "8kpc", "--t", "10s")
    own += ("--duration", "20yr", "--masses", "1", "--mx-min", "1MeV", "--draws", "2")
    result = nusky("bdm", *own)
    assert result.exit_code != 0
    assert "--distance-error" in result.output
    exact, rough = (numbers(*own, "--distance-error", error) for error in ("0kpc", "2kpc"))
    assert exact["sqrt_sigma_cm2"] == rough["sqrt_sigma_cm2"]
    assert exact["median"] != rough["median"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--detector", "superk"), "no detector 'superk'; there are super-k"),
        (("--t", "10s"), "give --t and --duration together"),
        (("--output", "limits.txt"), "limits are written as .parquet, .csv"),
        (("--output", "nowhere/limits.csv"), "there is no folder nowhere; make it first"),
        (("--masses", "0"), "--masses: must be at least 1 (given: '0')"),
        (("--observed", "2.5"), "--observed: must be a whole number (given: '2.5')"),
        (("--distance-error", "1kpc"), "--distance-error: is for --draws above 0; leave it out"),
        (("--sigma-xv", "1e-45"), "No such option: --sigma-xv"),
        (("--confidence-level", "90"), "confidence_level = 90.0 must be"),
        (("--mx-min", "1GeV"), "--mx-min must be below --mx-max"),
    ],
)
def test_limits_refuse_what_they_cannot_do(nusky, arguments, message):
    result = nusky("bdm", "exclude", *arguments)
    assert result.exit_code != 0
    assert message in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flux", "--model", "lmutua"), "--model: 'lmutua' is not one of 'constant', 'lmutau'"),
        (("flux", "--model", "lmutau", "--sigma-xv", "1e-44cm2"), "--sigma-xv: belongs to --model constant"),
        (("flux", "--oscillation", "normal"), "--oscillation: belongs to --model lmutau"),
        (("flux", "--neutrino-coupling", "big"), "--neutrino-coupling: must be a plain number (given: 'big')"),
        (("flux", "350yr"), "not expected here: 350yr"),
        (("flx",), "No such command 'flx'. Did you mean 'flux'?"),
        (("events", "--tx-min", "30MeV", "--tx-max", "5MeV"), "--tx-max: must be above --tx-min"),
        (("events", "--duration", "0yr"), "--duration: must be above 0"),
        (("events", "--targets", "-1"), "--targets: must be at least 0 (given: '-1')"),
        (("skymap",), "Missing argument 'FILE'"),
        (("skymap", "sky.fits", "--n-l", "40"), "--n-l: is for grids, not for .fits; leave it out"),
        (("skymap", "sky.png", "--nside", "8"), "--nside: is for .fits; leave it out"),
        (("skymap", "sky.png", "--tx-max", "30MeV"), "--tx-max: maps integrated over energies are written as .fits"),
    ],
)
def test_a_wrong_command_line_is_told_in_two_lines(nusky, arguments, message):
    result = nusky("bdm", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"nusky: error: {message}")
    assert result.stderr.count("\n") == 2
    assert "--help`" in result.stderr


def test_times_before_the_neutrinos_are_explained(nusky):
    assert "nothing arrives before the neutrinos" in nusky("bdm", "flux", *CAS_A, "--t=-5yr").stdout


def test_a_map_in_a_folder_that_is_not_there_is_refused_before_it_is_made(nusky, tmp_path):
    result = nusky("bdm", "skymap", "nowhere/sky.fits")
    assert result.exit_code == 1
    assert "nowhere/sky.fits: there is no folder nowhere; make it first." in result.stderr
    assert not (tmp_path / "nowhere").exists()
