import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chisquare, kstest

from nusky.detector import smearing
from nusky.detector.effective_area import EffectiveArea
from nusky.errors import ReleaseError
from nusky.releases import icecube_10yr
from nusky.releases.generator import generate_release
from nusky.releases.registry import ICECUBE_10YR
from nusky.releases.schemas import KINDS
from tests import smearing_tables as tables


@pytest.fixture
def toy():
    return tables.toy_smearing()


class TestCells:
    def test_edges_and_filled_cells(self, toy):
        np.testing.assert_allclose(toy.log10_enu, [2, 3, 4])
        np.testing.assert_allclose(np.degrees(toy.dec), [-90, 0, 90])
        np.testing.assert_array_equal(toy.filled, [[True, False], [True, True]])
        np.testing.assert_array_equal(toy.enu_cell(np.array([1.0, 2.0, 2.999, 3.0, 9.0])), [0, 0, 0, 1, 1])
        np.testing.assert_array_equal(toy.dec_cell(np.radians([-90, -1, 0, 90])), [0, 0, 1, 1])

    def test_the_order_of_the_rows_does_not_matter(self, toy):
        mixed = smearing.from_table(tables.smearing_table(tables.TOY_ROWS[::-1]))["X"]
        edges = np.linspace(0, 6, 13)
        np.testing.assert_allclose(mixed.energy_matrix(edges), toy.energy_matrix(edges), atol=1e-15)

    def test_an_empty_cell_is_served_at_the_same_energy_and_else_by_the_nearest_energy(self, toy):
        assert toy.served_by.tolist() == [[0, 3], [2, 3]]
        rows = [
            (2, 3, -90, -10, 2, 3, 1, 2, 1, 2, 1.0),
            (2, 3, 50, 90, 2, 3, 1, 2, 1, 2, 1.0),
            (4, 5, -10, 50, 2, 3, 1, 2, 1, 2, 1.0),
            (5, 6, 50, 90, 2, 3, 1, 2, 1, 2, 1.0),
        ]
        sparse = smearing.from_table(tables.smearing_table(rows))["X"]
        # band by band; energy 3-4 has no rows anywhere, so it has what serves energy 2-3
        assert sparse.served_by.tolist() == [[0, 0, 6, 11], [8, 8, 6, 11], [8, 8, 6, 11]]

    def test_responses_are_kept_apart_and_none_is_none(self, toy):
        other = [(*row[:-1], 1.0) for row in tables.TOY_ROWS[2:4]]
        found = smearing.from_table(
            pa.concat_tables([tables.smearing_table(tables.TOY_ROWS), tables.smearing_table(other, "Y")])
        )
        assert list(found) == ["X", "Y"]
        assert found["Y"].served_by.shape == (1, 2)
        assert smearing.from_table(KINDS["smearing"].empty()) == {}

    def test_incomplete_cell_is_refused(self):
        with pytest.raises(
            ReleaseError,
            match=r"of X: the fractions of the cell log10 E_nu 2 to 3, declination -90 to 0 deg sum to 0.75",
        ):
            smearing.from_table(tables.smearing_table(tables.TOY_ROWS[1:]))

    def test_overlapping_cells_are_refused(self):
        rows = [*tables.TOY_ROWS, (2.5, 3.5, 0, 90, 3, 4, 1, 2, 1, 2, 1.0)]
        with pytest.raises(ReleaseError, match=r"of X: the cells in log10_enu_min_gev and log10_enu_max_gev overlap"):
            smearing.from_table(tables.smearing_table(rows))

    def test_cells_that_others_serve_are_counted_where_there_is_area(self, toy):
        assert toy.borrowed(tables.toy_area()).tolist() == [[False, True], [False, False]]
        assert toy.note(tables.toy_area()).startswith(
            "X: 1 of 4 cells of the smearing table have effective area but no"
        )
        blind = EffectiveArea(np.array([2.0, 3.0, 4.0]), np.radians([-90, 0, 90]), np.array([[1.0, 1.0], [0.0, 1.0]]))
        assert toy.note(blind) == ""


class TestEnergyMatrix:
    def test_closed_form(self, toy):
        matrix = toy.energy_matrix(np.array([2.0, 2.25, 3.0, 4.0]))
        # 2.0-2.5 with 0.25, 2.5-3.5 with 0.75
        np.testing.assert_allclose(matrix[0, 0], [0.125, 0.125 + 0.375, 0.375], atol=1e-15)
        # all at 3.0, which belongs to the upper bin
        np.testing.assert_allclose(matrix[1, 0], [0, 0, 1], atol=1e-15)
        # what lies above the edges counts in the last bin; the empty cell has its neighbour's
        np.testing.assert_allclose(matrix[1, 1], [0, 0, 1], atol=1e-15)
        np.testing.assert_array_equal(matrix[0, 1], matrix[1, 1])

    def test_what_lies_outside_counts_in_the_outermost_bins(self, toy):
        np.testing.assert_allclose(toy.energy_matrix(np.array([2.25, 2.3, 2.4]))[0, 0], [0.15, 0.85], atol=1e-15)

    def test_it_is_computed_once_for_what_is_asked_and_cannot_be_changed(self, toy):
        edges, errors = np.array([2.0, 2.25, 3.0, 4.0]), np.radians([0.2, 0.4, 5.0])
        asked = [(edges,), (edges[1:],), (edges, errors), (edges, errors, np.radians(0.3))]
        first = [toy.energy_matrix(*these) for these in asked]
        assert all(toy.energy_matrix(*these) is found for these, found in zip(asked, first, strict=True))
        assert len({id(found) for found in first}) == 4
        with pytest.raises(ValueError, match="read-only"):
            first[0][:] = 0.0

    @pytest.mark.parametrize("response", ["IC40", "IC59", "IC79", "IC86"])
    def test_public_tables(self, validation_data, response):
        area, found = tables.public(validation_data, response)
        matrix = found.energy_matrix(np.linspace(0.5, 9.0, 86))
        assert found.filled.shape == (30, 14)  # declination x energy; the release's own binning
        cells = {"IC40": 344, "IC59": 367, "IC79": 372, "IC86": 420}  # cells with rows, counted by a group-by
        assert np.count_nonzero(found.filled) == cells[response]
        np.testing.assert_allclose(matrix.sum(axis=2), 1, atol=1e-12)
        assert matrix.min() >= 0
        assert np.count_nonzero(found.borrowed(area)) <= 420 - cells[response]

    def test_mean_energy_of_a_public_cell(self, validation_data):
        _, found = tables.public(validation_data, "IC86")
        edges = np.linspace(0.5, 9.0, 86)
        dec = found.dec_cell(np.radians(15.0))
        mean = found.energy_matrix(edges)[dec] @ (edges[1:] + edges[:-1]) / 2
        # mean of the rows' centres at 11.5 to 17.5 deg, computed from the table with pandas
        np.testing.assert_allclose(mean[[0, 6, 13]], [2.87, 3.78, 4.96], atol=0.01)

    def test_with_angular_errors_it_is_the_distribution_of_drawn_events(self, validation_data):
        _, table = tables.public(validation_data, "IC86")
        energies, errors = np.linspace(1, 8, 15), np.radians([0.2, 0.3, 0.5, 1.0, 10.0])
        floor = np.radians(0.2)
        matrix = table.energy_matrix(energies, errors, floor)
        np.testing.assert_allclose(
            matrix.reshape(*matrix.shape[:2], 14, 4).sum(axis=3), table.energy_matrix(energies), atol=1e-12
        )
        n = 200_000
        dec, enu = 20, 5
        log10_energy, _, ang_err = table.sample(np.random.default_rng(2), np.full(n, enu), np.full(n, dec), n, floor)
        drawn, _, _ = np.histogram2d(log10_energy, ang_err * (1 + 1e-12), bins=(energies, errors))
        expected = matrix[dec, enu]
        assert np.abs(drawn.ravel() / n - expected).max() < 5 * np.sqrt(expected.max() / n)


class TestSample:
    def test_rows_by_their_fraction_and_uniform_inside(self, toy):
        n = 40_000
        log10_energy, psi, ang_err = toy.sample(np.random.default_rng(1), np.zeros(n, int), np.zeros(n, int), n)
        first = log10_energy < 2.5
        assert chisquare([first.sum(), n - first.sum()], [0.25 * n, 0.75 * n]).pvalue > 1e-3
        assert kstest((log10_energy[~first] - 2.5), "uniform").pvalue > 1e-3
        assert kstest(np.log2(np.degrees(psi[first]) / 0.5), "uniform").pvalue > 1e-3
        assert kstest(np.log2(np.degrees(psi[~first])), "uniform").pvalue > 1e-3
        assert kstest(np.log2(np.degrees(ang_err[~first]) / 0.4), "uniform").pvalue > 1e-3

    def test_bins_that_begin_at_zero_bins_of_no_width_and_empty_cells(self, toy):
        n = 20_000
        log10_energy, psi, ang_err = toy.sample(np.random.default_rng(2), 1, 0, n)
        low = log10_energy < 4
        assert kstest(np.degrees(psi[low]) / 0.5, "uniform").pvalue > 1e-3
        np.testing.assert_allclose(np.degrees(psi[~low]), 0.5)
        np.testing.assert_allclose(np.degrees(ang_err[~low]), 0.1)
        floored = toy.sample(np.random.default_rng(2), 1, 0, n, smearing.ANG_ERR_FLOOR)[2]
        np.testing.assert_allclose(np.degrees(floored[~low]), 0.2)

    def test_many_cells_at_once_give_each_its_own_rows(self, validation_data):
        _, found = tables.public(validation_data, "IC59")
        rng = np.random.default_rng(3)
        enu, dec = rng.integers(0, 14, 200_000), rng.integers(0, 30, 200_000)
        log10_energy, psi, ang_err = found.sample(rng, enu, dec, len(enu))
        assert (psi > 0).all()
        assert (ang_err >= np.radians(0.2) * (1 - 1e-6)).all()
        edges = np.array([0.5, 4.0, 5.0, 6.0, 9.0])
        counts = np.zeros((30, 14, 4))
        np.add.at(counts, (dec, enu, np.digitize(log10_energy, edges) - 1), 1)
        expected = found.energy_matrix(edges) * counts.sum(axis=2, keepdims=True)
        enough = expected > 5
        chi2 = ((counts - expected) ** 2 / np.maximum(expected, 1e-300))[enough].sum()
        freedom = enough.sum() - (30 * 14)
        assert abs(chi2 - freedom) < 5 * np.sqrt(2 * freedom)
        assert counts[expected < 1e-9].sum() == 0


def test_generated_release_end_to_end(tmp_path):
    season = ICECUBE_10YR.season("IC86_II")
    generate_release(tmp_path / "release", ICECUBE_10YR, [season], seed=5, event_fraction=0.001)
    canonical = icecube_10yr.read(tmp_path / "release", ICECUBE_10YR, [season], check_counts=False)
    found = smearing.from_table(canonical.smearing)["IC86_II"]
    _, model = tables.generated("IC86_II")
    np.testing.assert_array_equal(found.filled, model.fraction.sum(axis=(2, 3, 4)).T > 0)
    edges = np.linspace(0.5, 9.0, 86)
    matrix = found.energy_matrix(edges)
    # oracle: a histogram of rows drawn by the generator's own sampler at the middle of a cell
    dec = np.radians(15.0)
    rng = np.random.default_rng(8)
    for energy, log10_enu in ((2, 3.25), (6, 5.25), (9, 6.75)):
        log10_energy, _, _ = model.sample(rng, np.full(50_000, log10_enu), dec)
        observed = np.histogram(log10_energy, edges)[0]
        expected = 50_000 * matrix[found.dec_cell(dec), energy]
        used = expected > 10
        chi2 = ((observed - expected) ** 2 / np.maximum(expected, 1e-300))[used].sum()
        assert abs(chi2 - used.sum()) < 5 * np.sqrt(2 * used.sum())
