"""Cross sections of a model of boosted dark matter: with neutrinos over the angle, with targets over the energy."""

import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas
from nusky.figures.bdm_sets import SETS, draw, figure_with_ratio, finish

DIFFERENTIAL_COLUMNS = ("psi_rad", *(f"{name}_cm2_per_sr" for name in SETS))
TARGETS = ("electron", "nucleus")
TARGET_COLUMNS = ("tx_mev", *(f"{target}_{name}_cm2" for target in TARGETS for name in SETS))


def bdm_differential_cross_section(table: pa.Table, *, case: str) -> Figure:
    """Draw dsigma/dOmega with neutrinos over the recoil angle.

    Parameters
    ----------
    table
        Table "bdm_differential_cross_section"; columns psi_rad, published_cm2_per_sr, standard_cm2_per_sr.
    case
        Energy and mass, for the title.
    """
    with canvas.style():
        figure, upper, lower = figure_with_ratio("dark matter and neutrinos", case)
        curves = {name: table[f"{name}_cm2_per_sr"].to_numpy() for name in SETS}
        draw(upper, lower, table["psi_rad"].to_numpy(), curves, "#0072B2")
        finish(
            upper,
            lower,
            x=r"Recoil angle $\psi$ [rad]",
            y=r"$\mathrm{d}\sigma_{\chi\nu}/\mathrm{d}\Omega_\mathrm{lab}$ [cm² sr⁻¹]",
        )
        return figure


def bdm_target_cross_sections(table: pa.Table, *, case: str) -> Figure:
    """Draw the cross sections with electron and nucleus over the kinetic energy.

    Parameters
    ----------
    table
        Table "bdm_target_cross_sections"; columns tx_mev and {electron,nucleus}_{published,standard}_cm2.
    case
        Masses, for the title.
    """
    with canvas.style():
        figure, upper, lower = figure_with_ratio("dark matter and targets", case)
        upper.set_xscale("log")
        for target, color in zip(TARGETS, ("#0072B2", "#D55E00"), strict=True):
            curves = {name: table[f"{target}_{name}_cm2"].to_numpy() for name in SETS}
            draw(upper, lower, table["tx_mev"].to_numpy(), curves, color, target)
        finish(upper, lower, x=r"Kinetic energy $T_\chi$ [MeV]", y=r"Cross section [cm²]")
        return figure
