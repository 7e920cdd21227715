import numpy as np
import pyarrow as pa

from nusky.figures.durations import durations


def test_flux_and_fluence_run_over_the_duration():
    rows = [
        {
            "statement": statement,
            "gamma": 2.0,
            "duration_days": days,
            "e2_fluence_100tev_gev_cm2": 0.1 * days * 86400,
            "e2dnde_100tev_gev_cm2_s": 0.1,
            "extrapolated": statement != "sensitivity",
        }
        for statement in ("sensitivity", "5 sigma discovery potential")
        for days in (10.0, 1.0)
    ]
    table = pa.Table.from_pylist(rows)
    figure = durations(table, method="standard", where=("somewhere", "icecube-10yr"), synthetic=True)
    fluence, flux = figure.axes
    np.testing.assert_allclose(fluence.lines[0].get_data(), [[1, 10], [8640, 86400]])
    np.testing.assert_allclose(flux.lines[0].get_data(), [[1, 10], [0.1, 0.1]])
    assert "[GeV cm⁻²]" in fluence.get_ylabel()
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[1:] == ["sensitivity", "5 sigma discovery potential", "threshold from a tail fit"]
