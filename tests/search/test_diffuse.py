import math

import numpy as np
import pytest

from nusky.search.diffuse import NORTHERN_TRACKS


def test_band_at_the_pivot_is_the_published_normalisation():
    # arXiv:2111.10299: 1.44 +0.25 -0.26 x 1e-18 / (GeV cm2 s sr) at 100 TeV, whole sky, E^2 = 1e10 GeV^2
    low, high = NORTHERN_TRACKS.band(1e5, n_flavours=1)
    assert low == pytest.approx(1.18e-8 * 4 * math.pi)
    assert high == pytest.approx(1.69e-8 * 4 * math.pi)


def test_band_contains_every_combination_of_errors():
    energies = np.geomspace(15e3, 5e6, 50)
    low, high = NORTHERN_TRACKS.band(energies, n_flavours=3)
    for phi in (1.18e-18, 1.44e-18, 1.69e-18):
        for gamma in (2.28, 2.37, 2.46):
            flux = 3 * 4 * math.pi * energies**2 * phi * (energies / 1e5) ** -gamma
            assert np.all((low <= flux * (1 + 1e-12)) & (flux <= high * (1 + 1e-12)))


def test_share_of_a_catalogue():
    # 4 pi x 1.44e-18 = 1.8096e-17 GeV^-1 cm^-2 s^-1 at 100 TeV; ten times higher, gamma 2 gains 10^0.37 on 2.37
    assert NORTHERN_TRACKS.share(1.8096e-18, 2.0) == pytest.approx(0.1, rel=1e-4)
    assert NORTHERN_TRACKS.share(1.8096e-18, 2.0, 1e6) == pytest.approx(0.1 * 10**0.37, rel=1e-4)
