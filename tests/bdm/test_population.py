import numpy as np
import pytest

from nusky import bdm
from nusky.bdm.exclusion import Uncertainties, observed_span
from nusky.bdm.models import ConstantCrossSection
from nusky.bdm.population import Population, catalogue_events, population_events
from nusky.bdm.rates import expected_events
from nusky.bdm.supernovae import MILKY_WAY, Supernova, host, load, place
from nusky.errors import CatalogueError, PhysicsError
from tests.bdm.test_exclusion import detector

YEAR = bdm.constant.year2Seconds
GALAXY = host(MILKY_WAY)
MODEL = ConstantCrossSection(1e-40)


@pytest.mark.parametrize("power", [0.0, 2.0])
def test_positions_follow_the_disc(power):
    population = Population(scale_length_kpc=3.0, scale_height_kpc=0.2, inner_power=power)
    distance, beta = population.positions(40_000, GALAXY, seed=2)
    # Back to the centre of the Galaxy: R^2 + z^2, whose mean is <R^2> + <z^2>.
    from_centre = distance**2 + 8.5**2 - 2 * distance * 8.5 * np.cos(beta)
    expected = 9.0 * (power + 3) * (power + 2) + 2 * 0.2**2
    assert from_centre.mean() == pytest.approx(expected, rel=0.03)
    again, _ = population.positions(40_000, GALAXY, seed=2)
    np.testing.assert_array_equal(distance, again)


def test_the_mean_is_the_rate_times_what_one_supernova_gives():
    """In a steady state the events of a run are those of all times of the supernovae exploding as long."""
    population, tested, duration = Population(), detector(), 20 * YEAR
    found = population_events(MODEL, population, tested, [1.0], duration, supernovae=150, seed=4)
    distance, beta = population.positions(40, GALAXY, seed=4)
    whole = [
        expected_events(MODEL.at(float(d), 8.5, float(b)), tested, 1.0, (0.0, 1e15), rtol=1e-3)
        for d, b in zip(distance, beta, strict=True)
    ]
    expected = np.mean(whole) * 1.63 / 100 * 20
    error = np.hypot(np.std(whole) / np.sqrt(40) / np.mean(whole) * expected, found.mean_error[0])
    assert abs(found.mean[0] - expected) < 3 * error
    # A history has a Poisson number of supernovae, so the variance is that of a compound Poisson sum.
    assert found.histories[:, 0].mean() == pytest.approx(found.mean[0], rel=0.15)
    low, median, high = found.quantiles([0.16, 0.5, 0.84])[:, 0]
    assert low < median < high


def test_histories_scale_with_the_rate_and_repeat_with_the_seed():
    tested, options = detector(), {"supernovae": 20, "histories": 50}
    one = population_events(MODEL, Population(rate_per_century=1.0), tested, [0.3], YEAR, seed=1, **options)
    two = population_events(MODEL, Population(rate_per_century=2.0), tested, [0.3], YEAR, seed=1, **options)
    np.testing.assert_allclose(two.mean, 2 * one.mean)
    again = population_events(MODEL, Population(rate_per_century=1.0), tested, [0.3], YEAR, seed=1, **options)
    np.testing.assert_array_equal(one.histories, again.histories)


def test_a_catalogue_sums_its_core_collapses():
    tested = detector()
    found = catalogue_events(MODEL, load(), tested, [1.0, 10.0], draws=2, seed=1)
    assert found.names == ("SN 393", "SN 1054", "Cas A", "Vela", "SN 1987A")
    cas_a = next(s for s in load() if s.name == "Cas A")
    alone = expected_events(place(cas_a).under(MODEL), tested, [1.0, 10.0], observed_span(cas_a, tested))
    np.testing.assert_allclose(found.events[2], alone)
    np.testing.assert_allclose(found.total, found.events.sum(axis=0))
    assert found.draws.shape == (2, 2)
    none = Uncertainties(distance_kpc=(0, 0), density=0, scale_radius=0)
    same = catalogue_events(MODEL, [cas_a], tested, [10.0], draws=2, uncertainties=none)
    np.testing.assert_allclose(same.quantiles([0.5])[0], same.total, rtol=1e-4)


def test_what_cannot_be_summed_is_refused(tmp_path):
    thermonuclear = Supernova("Ia", 10, 10, 3.0, year=1000, core_collapse=False)
    with pytest.raises(PhysicsError, match="no core collapse among 1 supernovae"):
        catalogue_events(MODEL, [thermonuclear], detector(), [1.0])
    with pytest.raises(PhysicsError, match="inner_power = -2 must exceed"):
        Population(inner_power=-2)
    with pytest.raises(PhysicsError, match="supernovae = 1 must be"):
        population_events(MODEL, Population(), detector(), [1.0], YEAR, supernovae=1)
    path = tmp_path / "mine.csv"
    path.write_text("name,ra_deg,dec_deg,distance_kpc,core_collapse\na,1,2,3,maybe\n")
    with pytest.raises(CatalogueError, match="row 1: core_collapse = 'maybe' must be True or False"):
        load(path)
