"""The two named sets of conventions: `PUBLISHED` and `STANDARD`.

`PUBLISHED` is the analysis of the LHAASO and H.E.S.S. stacking paper (arXiv:2205.15963 eqs 1-9 as applied to those
catalogues), reproduced digit for digit, its mistakes included. `STANDARD` corrects them. Every result
carries the name of the set that made it; docs/conventions.md says what differs and why.
"""

from dataclasses import dataclass
from typing import Literal

from nusky.errors import ConfigurationError

BAND_HALF_WIDTH_DEG = 5.0  # half width of the declination band of the background, arXiv:2205.15963 eq 4
SMALLEST_ANG_ERR_DEG = 0.02  # smaller angular errors of event lists of the user's own count as this one
PIVOT_ENERGY_GEV = 1e5  # flux normalisations phi0 are quoted at 100 TeV, arXiv:2205.15963 eq 7
LIMIT_DROP = 3.84  # chi-square quantile 0.95 for one degree of freedom


def index_text(gamma: float | str) -> str:
    """What labels say of a spectral index; 0 stands for a spectrum whose parameters are all given."""
    return f"γ = {gamma}" if float(gamma) else "spectrum as given"


PARAMETERS = {
    "cutoff_gev": "cut-off",
    "break_gev": "break",
    "gamma_above": "γ above the break",
    "curvature": "curvature",
}
"""Parameters of spectra that may be fitted in place of the index, in words."""
FLUENCE = "limit_e2_fluence_100tev_gev_cm2"
"""Column of limits on E^2 times the flux integrated over time; None for steady sources."""
IN_WINDOW = "in the window, or at the peak"
"""What a limit on a flux is about where it has a fluence."""


def parameter_text(name: str) -> str:
    """What labels say of a fitted parameter: `log10_cutoff_gev`, `curvature`, ... (`Spectrum.parameter_name`)."""
    words = PARAMETERS[name.removeprefix("log10_")]
    return f"{words}, log₁₀(E/GeV)" if name.startswith("log10_") else words


@dataclass(frozen=True)
class Conventions:
    """What the two analyses do differently."""

    name: Literal["published", "standard"]
    log10_energy_limits_gev: tuple[float, float] | None
    """Range of the energy integrals; None means the whole effective-area table."""
    area_steps: bool
    """Whether the effective area is a step in declination, or interpolated between the centres of its bins."""
    signal_time: Literal["span", "livetime"]
    """Exposure time of the expected number of events (the acceptance weights always use the livetime)."""
    acceptance_weights_twice: bool
    """Whether the mean over sources of the expected events is weighted by acceptance again."""
    pooled_seasons: bool
    """Whether all seasons form one sample (n_s/N everywhere) or each has its share of the expected signal."""
    clipped_poles: bool
    """Whether the background band ends at the poles."""
    single_source_log: Literal["decimal", "natural"]
    single_source_sample: Literal["sky", "band"]
    """N of the single-source mixture: all events, or those of the declination band."""
    integer_signal: bool
    """Whether single sources visit n = 1, 2, ... only, or every n >= 0."""
    limit_from: Literal["zero", "maximum"]
    """Where the drop of `LIMIT_DROP` in TS is counted from."""


PUBLISHED = Conventions(
    name="published",
    log10_energy_limits_gev=(2.001, 9.999),
    area_steps=True,
    signal_time="span",
    acceptance_weights_twice=True,
    pooled_seasons=True,
    clipped_poles=False,
    single_source_log="decimal",
    single_source_sample="sky",
    integer_signal=True,
    limit_from="zero",
)

STANDARD = Conventions(
    name="standard",
    log10_energy_limits_gev=None,
    area_steps=False,
    signal_time="livetime",
    acceptance_weights_twice=False,
    pooled_seasons=False,
    clipped_poles=True,
    single_source_log="natural",
    single_source_sample="band",
    integer_signal=False,
    limit_from="maximum",
)


def conventions(name: str) -> Conventions:
    """The set called `name`."""
    for candidate in (PUBLISHED, STANDARD):
        if candidate.name == name:
            return candidate
    raise ConfigurationError(f"no conventions '{name}'; there are 'published' and 'standard'.")
