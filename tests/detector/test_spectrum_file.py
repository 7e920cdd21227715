import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

from nusky.detector.spectrum_file import read_spectrum
from nusky.errors import ConfigurationError

ENERGY = np.array([1.0, 10.0, 1000.0]) * u.TeV
FLUX = 3e-12 * (ENERGY / u.TeV) ** -2.2 / (u.TeV * u.cm**2 * u.s)


def expected(energy_gev):
    return 3e-12 * (energy_gev / 1e3) ** -2.2 / 1e3


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")  # VOTable would rather not have erg
@pytest.mark.parametrize("kind", ["ecsv", "fits", "vot", "csv"])
@pytest.mark.parametrize("squared", [False, True])
def test_a_flux_is_converted_from_its_units(tmp_path, kind, squared):
    path = tmp_path / f"flux.{kind}"
    flux = (FLUX * ENERGY**2).to("erg cm-2 s-1") if squared else FLUX
    if kind == "csv":
        rows = [f"{e.value},{float(f.value)!r}" for e, f in zip(ENERGY, flux, strict=True)]
        path.write_text("\n".join([f"energy [{ENERGY.unit}],flux [{flux.unit}]", *rows]))
    else:
        QTable({"e_ref": ENERGY, "dnde": flux, "other": np.zeros(3)}).write(
            path, format="votable" if kind == "vot" else None
        )
    spectrum = read_spectrum(path)
    energy = np.geomspace(1.01e3, 0.99e6, 20)
    np.testing.assert_allclose(spectrum.shape(energy), expected(energy), rtol=1e-12)
    assert spectrum.shape([0.9e3, 1.1e6]).tolist() == [0.0, 0.0]
    assert spectrum.words == path.name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy,flux [1/(TeV cm2 s)]\n1,1\n2,1\n", "'energy' has no unit"),
        ("energy [TeV],flux\n1,1\n2,1\n", "'flux' has no unit"),
        ("energy [furlong TeV x],flux [1/(TeV cm2 s)]\n1,1\n2,1\n", "no unit that astropy knows"),
        ("energy [cm],flux [1/(TeV cm2 s)]\n1,1\n2,1\n", "'cm' is no unit of an energy"),
        ("energy [TeV],flux [1/(TeV cm2 s sr)]\n1,1\n2,1\n", "no unit of dN/dE"),
        ("energy [TeV],flux [1/(TeV cm2 s)]\n-1,1\n2,1\n", "energy number 1 is -1000"),
        ("energy [TeV],flux [1/(TeV cm2 s)]\n1,1\n3,1\n2,1\n", "number 3 .* does not lie above number 2"),
        ("energy [TeV],flux [1/(TeV cm2 s)]\n1,1\n2,-1\n", "flux number 2 is -"),
        ("energy [TeV],flux [1/(TeV cm2 s)]\n1,1\n2,\n", "flux number 2 is nan"),
        ("energy [TeV],flux [1/(TeV cm2 s)]\n1,1\n", "two energies at least"),
        ("energy [TeV],flux [1/(TeV cm2 s)]\n1,1\n2,x\n", "row 2: 'x' in column 'flux .*' is not a plain number"),
        ("energy [TeV],flux [1/(TeV cm2 s)]\n1,1\n2,<1\n", "row 2: 'flux .*' is a limit"),
        ("energy [TeV],flux [1/(TeV cm2 s)],flux [1/(TeV cm2 s)]\n1,1,2\n2,1,2\n", "more than one column is called"),
        ("e [TeV],flux [1/(TeV cm2 s)]\n1,1\n2,1\n", "exactly one column must be called energy"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    path = tmp_path / "flux.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_spectrum(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_missing_or_of_another_kind_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"flux\.ecsv: no such file"):
        read_spectrum(tmp_path / "flux.ecsv")
    (tmp_path / "flux.ecsv").write_text("energy flux\n1 2\n")
    with pytest.raises(ConfigurationError, match="cannot be read as ecsv"):
        read_spectrum(tmp_path / "flux.ecsv")
    (tmp_path / "flux.txt").write_text("energy flux\n1 2\n")
    with pytest.raises(ConfigurationError, match=r"Use one of .*\.csv, .*\.ecsv, .*\.fits"):
        read_spectrum(tmp_path / "flux.txt")


def test_one_of_several_tables_is_not_guessed(tmp_path):
    tables = [fits.table_to_hdu(QTable({"energy": ENERGY, "flux": factor * FLUX})) for factor in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(tmp_path / "two.fits")
    with pytest.raises(ConfigurationError, match=r"two\.fits: holds 2 tables: .*Give a file with one table\.$"):
        read_spectrum(tmp_path / "two.fits")
