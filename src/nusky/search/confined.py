"""Signal confined to a range of neutrino energies: a decade, or what belongs to measured gamma rays."""

import numpy as np

from nusky.search.analysis import Analysis
from nusky.search.inference import Injector
from nusky.search.injection import inject
from nusky.search.sample import Sample

_COLUMNS = ("ra", "dec", "ang_err", "log10_energy")


def expected_in_range(analysis: Analysis, dec: np.ndarray, gamma: float, log10_enu: np.ndarray) -> np.ndarray:
    """Expected events of sources whose flux ends at both ends of a range of energies.

    Parameters
    ----------
    dec : (n_sources,) float64, rad
    log10_enu : (n_sources, 2) float64, log10(E/GeV)
        Lowest and highest neutrino energy of each source's flux.

    Returns
    -------
    (n_seasons, n_sources) float64, GeV cm^2 s
        For phi0 = 1 GeV^-1 cm^-2 s^-1 at 100 TeV.
    """
    of_response = {}
    for name in dict.fromkeys(analysis.responses):
        integrals = np.empty(len(dec))
        for limits, chosen in _by_range(log10_enu):
            integrals[chosen] = analysis.areas[name].power_law_integral(dec[chosen], gamma, limits)
        of_response[name] = integrals
    return np.stack([of_response[sample.response] * sample.livetime_s for sample in analysis.samples])


class ConfinedInjector:
    """Draws signal events with neutrino energies in a range; `log10_enu` as in `expected_in_range`.

    Without smearing tables events have no energies: the spread of signal is then the same in every range.
    """

    def __init__(self, analysis: Analysis, log10_enu: np.ndarray) -> None:
        self._analysis, self._ranges = analysis, _by_range(log10_enu)
        self._any_energy = Injector(analysis)
        self.label = self._any_energy.label

    def __call__(
        self, rng: np.random.Generator, sources: tuple[np.ndarray, ...], expected: np.ndarray, gamma: float
    ) -> list[Sample]:
        """Signal events of one sky; arguments as in `Analysis.inject`."""
        analysis = self._analysis
        if analysis.smearings is None:
            return self._any_energy(rng, sources, expected, gamma)
        drawn = [
            inject(
                rng,
                tuple(values[chosen] for values in sources),
                expected[:, chosen],
                analysis.areas,
                analysis.smearings,
                analysis.responses,
                gamma,
                limits,
            )
            for limits, chosen in self._ranges
        ]
        return [
            sample.with_events(*(np.concatenate([events[name] for events in season]) for name in _COLUMNS))
            for sample, season in zip(analysis.samples, zip(*drawn, strict=True), strict=True)
        ]


def _by_range(log10_enu: np.ndarray) -> list[tuple[tuple[float, float], np.ndarray]]:
    """The different ranges, each with the numbers of its sources."""
    ranges, which = np.unique(log10_enu, axis=0, return_inverse=True)
    return [((float(low), float(high)), np.flatnonzero(which == k)) for k, (low, high) in enumerate(ranges)]
