import numpy as np
import pyarrow as pa
import pytest

from nusky.figures.injection_recovery import injection_recovery

OPTIONS = {"method": "standard", "target": "NGC 1068", "synthetic": False}


@pytest.fixture
def recovered() -> pa.Table:
    n, fitted = np.array([10.0, 100.0, 10.0, 100.0]), np.array([11.0, 102.0, 9.0, 99.0])
    gamma = np.array([2.0, 2.0, 3.0, 3.0])
    return pa.table(
        {
            "gamma": gamma,
            "n_injected": n,
            "n_fitted_mean": fitted,
            "n_fitted_low68": fitted - 3,
            "n_fitted_high68": fitted + 3,
            "gamma_fitted_mean": gamma + 0.1,
            "gamma_fitted_low68": gamma - 0.2,
            "gamma_fitted_high68": gamma + 0.4,
        }
    )


def points(axes):
    return [line for line in axes.lines if line.get_marker() == "o"]


def test_ratio_and_index_are_drawn_per_injected_index(recovered):
    numbers, indices = injection_recovery(recovered, **OPTIONS).axes
    np.testing.assert_allclose([line.get_ydata() for line in points(numbers)], [[1.1, 1.02], [0.9, 0.99]])
    np.testing.assert_allclose([line.get_ydata() for line in points(indices)], [[2.1, 2.1], [3.1, 3.1]])
    np.testing.assert_allclose(points(numbers)[0].get_xdata(), [10, 100], rtol=0.1)
    assert points(numbers)[0].get_xdata()[0] < 10 < points(numbers)[1].get_xdata()[0]
    low, high = numbers.collections[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.8, 1.4))


def test_fixed_index_says_so(recovered):
    fixed = recovered.set_column(
        recovered.column_names.index("gamma_fitted_mean"), "gamma_fitted_mean", [np.full(4, np.nan)]
    )
    assert injection_recovery(fixed, **OPTIONS).axes[1].texts[0].get_text() == "the spectral index was not fitted"


def test_another_parameter_than_the_index_is_drawn_under_its_name(recovered):
    names = {name: name.replace("gamma_", "log10_cutoff_gev_") for name in recovered.column_names}
    cut = recovered.rename_columns([names[name] for name in recovered.column_names])
    cut = cut.set_column(0, "gamma", [np.zeros(4)]).append_column("log10_cutoff_gev", [np.full(4, 2.0)])
    numbers, parameters = injection_recovery(cut, **OPTIONS).axes
    np.testing.assert_allclose(points(parameters)[0].get_ydata(), [2.1, 2.1, 3.1, 3.1])
    assert parameters.get_ylabel() == "Fitted cut-off, log₁₀(E/GeV)"
    assert len(points(numbers)) == 1
    assert [line.get_ydata()[0] for line in parameters.lines if line.get_linestyle() == "--"] == [2.0]
