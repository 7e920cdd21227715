"""The standard likelihood of one source and of a stack: space and energy, seasons combined, n_s and gamma fitted.

    L_k(n_s, gamma) = prod_i [ x_k S_ik + (1 - x_k) B_ik ],   x_k = n_s f_k(gamma) / N_k

with f_k the share of season k in the expected signal (method: Braun et al., Astropart. Phys. 29 (2008) 299, and
spec of the standard analysis in docs/conventions.md). TS = 2 ln L(best)/L(0).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nusky.conventions import STANDARD
from nusky.detector.acceptance import acceptance_integrals
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.smearing import Smearing
from nusky.errors import PhysicsError
from nusky.likelihood import energy
from nusky.search.hypothesis import GAMMAS
from nusky.search.injection import inject
from nusky.search.sample import Sample
from nusky.search.source import Candidates, Source
from nusky.search.stack import Stack


@dataclass(frozen=True)
class Analysis:
    """A sample of seasons with the detector's response to it.

    `smearings` is None for a release without smearing tables: the likelihood is then spatial only.
    """

    samples: tuple[Sample, ...]
    areas: Mapping[str, EffectiveArea]
    smearings: Mapping[str, Smearing] | None

    @property
    def n_events(self) -> np.ndarray:
        """Events of every season, (n_seasons,) float64."""
        return np.array([len(sample) for sample in self.samples], dtype=float)

    @property
    def responses(self) -> list[str]:
        """Name of the detector response of every season."""
        return [sample.response for sample in self.samples]

    def expected(self, dec: np.ndarray, gammas: np.ndarray) -> np.ndarray:
        """Expected events for phi0 = 1 GeV^-1 cm^-2 s^-1 of each source, (n_seasons, n_gammas, n_sources)."""
        integrals = acceptance_integrals(self.areas, self.responses, np.atleast_1d(dec), gammas, STANDARD)
        return integrals * np.array([sample.livetime_s for sample in self.samples])[:, None, None]

    def energy_densities(self, dec: np.ndarray, gammas: np.ndarray) -> dict[str, np.ndarray]:
        """Signal energy densities by response, (n_sources, n_bins, n_gammas) float64, per dex; ones without energy.

        The bins are those that `energy_bin` of the samples counts: of energy, or of energy and AngErr.
        """
        dec = np.atleast_1d(dec)
        if self.smearings is None:
            return {name: np.ones((len(dec), 1, len(gammas))) for name in dict.fromkeys(self.responses)}
        with_ang_err = any(sample.point_spread is not None for sample in self.samples)
        edges = energy.ANG_ERR_EDGES if with_ang_err else None
        densities = {
            name: energy.signal_energy_density(self.areas[name], self.smearings[name], dec, gammas, ang_err_edges=edges)
            for name in dict.fromkeys(self.responses)
        }
        return {name: np.ascontiguousarray(density.transpose(0, 2, 1)) for name, density in densities.items()}

    def inject(
        self,
        rng: np.random.Generator,
        sources: tuple[np.ndarray, np.ndarray, np.ndarray],
        expected: np.ndarray,
        gamma: float,
    ) -> list[Sample]:
        """Signal events of one sky, one `Sample` per season.

        `sources`: ra, dec, Gaussian width, each (n_sources,) rad; `expected`: (n_seasons, n_sources) events.
        """
        if self.smearings is None:
            raise PhysicsError("signal cannot be injected: the release has no smearing tables.")
        seasons = inject(rng, sources, expected, self.areas, self.smearings, self.responses, gamma)
        return [
            sample.with_events(*(events[name] for name in ("ra", "dec", "ang_err", "log10_energy")))
            for sample, events in zip(self.samples, seasons, strict=True)
        ]

    def source(self, ra: float, dec: float, extension: float = 0.0, gammas: np.ndarray = GAMMAS) -> "Source":
        """The likelihood of one source at `ra`, `dec` with Gaussian width `extension`, all rad."""
        if not (np.isfinite(ra) and abs(dec) <= np.pi / 2 and extension >= 0):
            raise PhysicsError(f"source at ra {ra}, dec {dec}, extension {extension} rad: not a direction and a width.")
        gammas = np.asarray(gammas, dtype=float)
        expected = self.expected(np.array([dec]), gammas)[:, :, 0]
        if not (expected.sum(axis=0) > 0).all():
            raise PhysicsError(f"no season can see a source at declination {np.degrees(dec):.3f} deg.")
        densities = self.energy_densities(np.array([dec]), gammas)
        return Source(
            analysis=self,
            ra=float(ra),
            dec=float(dec),
            extension=float(extension),
            gammas=gammas,
            expected=expected,
            densities=np.stack([densities[name][0] for name in self.responses]),
            candidates=Candidates.of_source(self.samples, dec, extension),
        )

    def stack(
        self,
        ra: np.ndarray,
        dec: np.ndarray,
        extension: np.ndarray,
        weights: np.ndarray,
        gammas: np.ndarray = GAMMAS[::2],
    ) -> "Stack":
        """The likelihood of a stack; positions and widths in rad, `weights` the sources' shares of the flux."""
        ra, dec, extension, weights = (np.asarray(v, dtype=float) for v in (ra, dec, extension, weights))
        used = weights > 0
        if not used.any():
            raise PhysicsError("no source of the stack has a weight above zero.")
        ra, dec, extension = ra[used], dec[used], np.nan_to_num(extension[used])
        weights = weights[used] / weights[used].sum()
        gammas = np.asarray(gammas, dtype=float)
        return Stack.of_sources(self, ra, dec, extension, weights, gammas)
