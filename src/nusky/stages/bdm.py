"""Stages of boosted dark matter: one supernova, one particle model, both sets of conventions side by side."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.bdm import PUBLISHED, STANDARD, BoostedDarkMatter, Conventions, constant, get_psiMax, get_vx
from nusky.bdm.detectors import DETECTORS, load_detector
from nusky.bdm.exclusion import Uncertainties, drawn_events, exclude, observed_span
from nusky.bdm.models import Boosted, ConstantCrossSection, LMuTau
from nusky.bdm.skymap import GridMap, grid_map, healpix_map
from nusky.bdm.spectrum import fermi_dirac_fluence
from nusky.bdm.supernovae import Place, Supernova, described, host
from nusky.bdm.times import _get_tof
from nusky.errors import ConfigurationError
from nusky.files import write_text
from nusky.tables import read_columns, trace, write_table

log = logging.getLogger(__name__)

SETS = (PUBLISHED, STANDARD)
REFERENCE_SIGMA_CM2 = 1e-45
"""Cross section with neutrinos of the sky map and of the flux of a constant cross section."""
_BELOW_LARGEST_ANGLE = 0.999
"""The published differential cross section diverges at the largest recoil angle."""


@dataclass(frozen=True)
class _Case:
    """What the configuration asks for, ready to compute."""

    block: config.BoostedDarkMatter

    @cached_property
    def place(self) -> Place:
        supernova = described(**self.block.supernova.model_dump())
        galaxy = host(supernova.host)
        if self.block.galactic_centre_kpc is not None:
            galaxy = replace(galaxy, distance_kpc=self.block.galactic_centre_kpc)
        return Place(supernova, galaxy)

    @property
    def supernova(self) -> Supernova:
        return self.place.supernova

    @property
    def start(self) -> float:
        """Beginning of the light curve and of counting, s."""
        return self.block.t_yr * constant.year2Seconds

    @property
    def counting(self) -> tuple[float, float]:
        return self.start, self.start + self.block.duration_yr * constant.year2Seconds

    @property
    def energies(self) -> tuple[float, float]:
        return self.block.tx_min_mev, self.block.tx_max_mev

    @cached_property
    def times(self) -> tuple[float, float]:
        """Arrival of what was boosted at the supernova, and end of the signal, s."""
        peak, end = _get_tof(self.block.tx_mev, self.block.mx_mev, self.supernova.distance_kpc)
        if self.start >= end:
            raise ConfigurationError(
                f"in config block `bdm`: at t_yr = {self.block.t_yr:g} nothing of tx_mev = {self.block.tx_mev:g} and "
                f"mx_mev = {self.block.mx_mev:g} arrives any more: the signal ends after "
                f"{end / constant.year2Seconds:.4g} years. Choose an earlier time or a larger mass."
            )
        return peak, end

    @property
    def threshold_mev(self) -> float:
        """Mass below which all counted dark matter has arrived before counting starts."""
        ratio = self.start * constant.c / (self.supernova.distance_kpc * constant.kpc2cm)
        return 2 * self.block.tx_min_mev * ratio * (2 + ratio)

    def reference(self, conventions: Conventions) -> Boosted:
        return self.place.under(ConstantCrossSection(REFERENCE_SIGMA_CM2), conventions)

    def model(self, conventions: Conventions, mt: float = constant.me, charge: float = 1.0) -> BoostedDarkMatter:
        return self.place.under(particle_model(self.block, mt, charge), conventions)

    def nucleus(self, conventions: Conventions) -> BoostedDarkMatter:
        given = self.block.model
        return self.model(conventions, given.nucleus_mass_mev, given.nucleus_charge)

    def overridden(self, conventions: Conventions) -> BoostedDarkMatter:
        boosted, given = self.model(conventions), self.block.override
        boosted.dsigma_xv = lambda Tx, mx, psi: given.sigma_xv_cm2 / (4 * np.pi)
        boosted.spectrum = fermi_dirac_fluence  # a constant cross section is that of every flavour
        boosted.sigma_xe = lambda Tx, mx: given.sigma_xe_cm2
        return boosted

    def write(self, path: Path, columns: Mapping[str, object], kind: str, inputs: Sequence[Path] = ()) -> None:
        write_table(path, columns, kind=kind, provenance=trace(inputs, self.block.model_dump(exclude_unset=True)))


def particle_model(block: config.BoostedDarkMatter, mt: float = constant.me, charge: float = 1.0) -> LMuTau:
    """The model of the block `model`, for targets of mass `mt` (MeV) and `charge` (e)."""
    given = block.model
    couplings = given.neutrino_coupling, given.target_coupling, given.mediator_ratio
    return LMuTau(*couplings, mt, charge=charge, oscillation=given.oscillation)


def check(block: config.BoostedDarkMatter) -> None:
    """Raise `NuskyError` unless the supernova is known and something of the signal is left at the configured time."""
    _ = _Case(block).times


def sky_map(block: config.BoostedDarkMatter, output: Path, healpix: Mapping[str, Path]) -> None:
    """Flux per energy and solid angle for a constant cross section: the grid as a table, HEALPix maps as FITS files."""
    check(block)
    case = _Case(block)
    for conventions in SETS:
        boosted = case.reference(conventions)
        arguments = (boosted, case.place.galactic, case.start, block.tx_mev, block.mx_mev)
        grid = grid_map(*arguments, n_l=block.n_l, n_b=block.n_b, GC_coord=case.place.centre)
        if conventions is PUBLISHED:
            l, b = np.degrees(np.meshgrid(grid.l, grid.b, indexing="ij"))
            columns = {"l_deg": l.ravel(), "b_deg": b.ravel()}
        columns[f"{conventions.name}_per_mev_cm2_s_sr"] = grid.value.ravel()
        healpix_map(*arguments, nside=block.nside, GC_coord=case.place.centre).write(healpix[conventions.name])
    case.write(output, columns, "bdm_sky_map")


def cross_sections(block: config.BoostedDarkMatter, differential: Path, targets: Path) -> None:
    """The model's cross sections: with neutrinos over the recoil angle, with electron and nucleus over the energy."""
    case = _Case(block)
    psi = np.linspace(0, _BELOW_LARGEST_ANGLE * get_psiMax(block.tx_mev, block.mx_mev), block.n_angles)
    energy = np.geomspace(block.sigma_tx_min_mev, block.sigma_tx_max_mev, block.n_sigma)
    by_angle, by_energy = {"psi_rad": psi}, {"tx_mev": energy}
    for conventions in SETS:
        electron = case.model(conventions)
        nucleus = case.nucleus(conventions)
        by_angle[f"{conventions.name}_cm2_per_sr"] = electron.dsigma_xv(block.tx_mev, block.mx_mev, psi)
        by_energy[f"electron_{conventions.name}_cm2"] = electron.sigma_xe(energy, block.mx_mev)
        by_energy[f"nucleus_{conventions.name}_cm2"] = nucleus.sigma_xe(energy, block.mx_mev)
    case.write(differential, by_angle, "bdm_differential_cross_section")
    case.write(targets, by_energy, "bdm_target_cross_sections")


def light_curve(block: config.BoostedDarkMatter, output: Path) -> None:
    """The model's flux from the whole sky, from the configured time to the end of the signal."""
    case = _Case(block)
    t = np.linspace(case.start, case.times[1], block.n_times)
    columns = {"t_yr": t / constant.year2Seconds}
    for conventions in SETS:
        value, error = case.model(conventions).flux(t, block.tx_mev, block.mx_mev, full_output=True)
        columns[f"{conventions.name}_per_mev_cm2_s"] = value
        columns[f"{conventions.name}_error_per_mev_cm2_s"] = error
    case.write(output, columns, "bdm_light_curve")


def events(block: config.BoostedDarkMatter, output: Path) -> None:
    """The model's events per electron over the masses."""
    case = _Case(block)
    mx = np.geomspace(block.mx_min_mev, block.mx_max_mev, block.n_masses)
    columns = {"mx_mev": mx}
    for conventions in SETS:
        value, error = case.model(conventions).event(mx, case.energies, case.counting, full_output=True)
        columns[f"{conventions.name}_per_electron"] = value
        columns[f"{conventions.name}_error_per_electron"] = error
    log.info("no events below %.4f MeV", case.threshold_mev)
    case.write(output, columns, "bdm_events")


def exclusion(block: config.BoostedDarkMatter, output: Path) -> None:
    """Limits of every detector of the block `exclusion` over the mass, in the standard conventions."""
    case, given = _Case(block), block.exclusion
    if given is None:
        raise ConfigurationError("in config block `bdm`: `exclusion` is not given, so that there is nothing to limit.")
    model = particle_model(block) if given.model == "lmutau" else ConstantCrossSection(REFERENCE_SIGMA_CM2)
    mx, year = np.geomspace(given.mx_min_mev, given.mx_max_mev, given.n_masses), constant.year2Seconds
    error = given.distance_error_kpc
    errors = Uncertainties(None if error is None else (error, error), given.density_error, given.scale_radius_error)
    tables = []
    for name in given.detectors:
        detector = load_detector(name)
        if given.t_start_yr is None:
            span = observed_span(case.supernova, detector)
        else:
            span = (given.t_start_yr * year, (given.t_start_yr + given.duration_yr) * year)
        how = {"confidence_level": given.confidence_level, "method": given.method}
        limits = exclude(case.place.under(model), detector, mx, span, **how)
        if given.draws:
            about = (model, case.place, detector, mx, (limits.t_start, limits.t_stop))
            drawn = drawn_events(*about, draws=given.draws, seed=given.seed, uncertainties=errors)
            limits = limits.with_spread(drawn)
        log.info("%s: limits at %g %% confidence level", detector.title, 100 * given.confidence_level)
        tables.append(limits.table())
    joined = pa.concat_tables(tables)
    own = [Path(name) for name in given.detectors if name not in DETECTORS]
    case.write(output, {column: joined[column] for column in joined.column_names}, "bdm_exclusion", own)


def numbers(block: config.BoostedDarkMatter, sky: Path, output: Path) -> None:
    """One number for each of the results, published and standard, and the example with replaced cross sections."""
    case = _Case(block)
    mx, Tx, year = block.mx_mev, block.tx_mev, constant.year2Seconds
    peak, end = case.times
    longitude, latitude = case.place.galactic
    both = {
        "beta": ("angle between supernova and centre of its galaxy", "rad", case.place.beta),
        "l_supernova": ("Galactic longitude of the supernova", "rad", longitude),
        "b_supernova": ("Galactic latitude of the supernova", "rad", latitude),
        "speed": ("speed of dark matter", "c", get_vx(Tx, mx)),
        "t_peak": ("arrival of what was boosted at the supernova", "yr", peak / year),
        "t_van": ("end of the signal", "yr", end / year),
        "mx_threshold": ("mass below which no event is left", "MeV", case.threshold_mev),
    }
    rows = [(key, quantity, unit, value, value) for key, (quantity, unit, value) in both.items()]
    found = {conventions.name: _numbers_of(case, conventions, sky) for conventions in SETS}
    rows += [
        (key, quantity, unit, value, found["standard"][key][2])
        for key, (quantity, unit, value) in found["published"].items()
    ]
    names = ("key", "quantity", "unit", "published", "standard")
    case.write(output, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), "bdm_numbers", [sky])


def _numbers_of(case: _Case, conventions: Conventions, sky: Path) -> dict[str, tuple[str, str, float]]:
    """(quantity, unit, value) by key, for one set of conventions."""
    block = case.block
    mx, Tx = block.mx_mev, block.tx_mev
    columns = ("l_deg", "b_deg", f"{conventions.name}_per_mev_cm2_s_sr")
    l, b, value = read_columns(sky, kind="bdm_sky_map", columns=columns)
    grid = GridMap(np.radians(l[:: block.n_b]), np.radians(b[: block.n_b]), value.reshape(block.n_l, block.n_b))
    brightest = int(np.argmax(value))
    flux = case.reference(conventions).flux(case.start, Tx, mx)
    model, replaced = case.model(conventions), case.overridden(conventions)
    nucleus = case.nucleus(conventions)
    per_flux, per_angle = "MeV⁻¹ cm⁻² s⁻¹", "cm² sr⁻¹"
    return {
        "map_maximum": ("sky map: largest flux", f"{per_flux} sr⁻¹", float(value[brightest])),
        "map_maximum_l": ("sky map: Galactic longitude of the largest flux", "rad", float(np.radians(l[brightest]))),
        "map_maximum_b": ("sky map: Galactic latitude of the largest flux", "rad", float(np.radians(b[brightest]))),
        "map_integral_per_flux": ("sky map: integral over the sky / flux", "", grid.integral() / flux),
        "flux_constant": ("flux, constant cross section of 10⁻⁴⁵ cm²", per_flux, flux),
        "dsigma_forward": ("model: dσ/dΩ with neutrinos at ψ = 0", per_angle, model.dsigma_xv(Tx, mx, 0.0)),
        "sigma_electron": ("model: cross section with electrons", "cm²", model.sigma_xe(Tx, mx)),
        "sigma_nucleus": ("model: cross section with the nucleus", "cm²", nucleus.sigma_xe(Tx, mx)),
        "flux_model": ("model: flux", per_flux, model.flux(case.start, Tx, mx)),
        "events_model": ("model: events per electron", "", model.event(mx, case.energies, case.counting)),
        "flux_override": ("replaced cross sections: flux", per_flux, replaced.flux(case.start, Tx, mx)),
        "events_override": (
            "replaced cross sections: events per electron",
            "",
            replaced.event(mx, case.energies, case.counting),
        ),
    }


def warm_up(output: Path) -> None:
    """Compile every kernel that the stages use: parallel jobs would race to write the same cache."""
    start = time.perf_counter()
    case = _Case(config.BoostedDarkMatter())
    boosted = case.model(STANDARD)
    grid_map(case.reference(STANDARD), case.place.galactic, case.start, 5.0, 1.0, n_l=2, n_b=2)
    boosted.differential_flux(case.start, 5.0, 1.0, 0.1, 0.0)
    boosted.flux(case.start, 5.0, 1.0, rtol=0.1)
    boosted.sigma_xe(1.0, 1.0)
    boosted.event(1.0, case.energies, case.counting, rtol=0.1)
    log.info("kernels ready after %.1f s", time.perf_counter() - start)
    write_text(output, "kernels compiled\n")
