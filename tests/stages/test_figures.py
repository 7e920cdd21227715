import numpy as np
import pytest

from nusky.config import Figures
from nusky.errors import TableError
from nusky.stages import figures as stage
from nusky.tables import Provenance, write_table

OPTIONS = Figures(dpi=60, max_sky_events=5)
ENERGIES = ("10tev", "100tev", "1pev", "10pev", "100pev")


@pytest.fixture
def run(tmp_path):
    """Writes one table under the run's folder and gives its path."""

    def write(name, kind, columns, *, synthetic=False):
        path = tmp_path / name
        write_table(path, columns, kind=kind, provenance=Provenance(synthetic))
        return path

    return write


def tables(run):
    phi0 = np.geomspace(1e-30, 1e-26, 20)
    n_signal = phi0 * 1e29
    return {
        "events": run(
            "events/a.parquet", "events", {"ra_deg": [1.0], "dec_deg": [2.0], "log10_energy_gev": [3.0]}, synthetic=True
        ),
        "sources": run(
            "sources/c.parquet", "sources", {"name": ["A"], "ra_deg": [1.0], "dec_deg": [2.0], "origin": ["hess"]}
        ),
        "scan": run(
            "scan.parquet",
            "stacking_scan",
            {"gamma": np.full(20, 2.0), "phi0_per_ev": phi0, "test_statistic": n_signal - n_signal**2 / 20},
        ),
        "limits": run(
            "limits.parquet",
            "limits",
            {"gamma": [2.0], "ts_max": [5.0], "phi0_at_max_per_ev": [1e-28], "phi0_ul95_per_ev": [2e-28]}
            | {"energy_min_gev": [1e3], "energy_max_gev": [1e6]}
            | {f"ul95_e2dnde_{name}_gev_cm2_s": [2e-9] for name in ENERGIES},
        ),
        "single": run("single.parquet", "single_sources", {"ts_max": np.linspace(-1, 5, 12)}),
    }


def draw(kind, paths, outputs):
    names = {"method": "published", "catalogue": "wcda-hess"}
    shown, names = {
        "sky_map": ({"events": [paths["events"]], "sources": [paths["sources"]]}, {}),
        "ts_scan": ({"scan": paths["scan"], "limits": paths["limits"]}, names | {"weighting": "uniform"}),
        "limit_spectra": ({"uniform": paths["limits"]}, names),
        "ts_distribution": ({"single": paths["single"]}, names),
    }[kind]
    options = OPTIONS.model_copy(update={"formats": [path.suffix[1:] for path in outputs]})
    stage.write([{"kind": kind, "tables": shown, "names": names}], {kind: outputs}, options)


@pytest.mark.parametrize("kind", ["sky_map", "ts_scan", "limit_spectra", "ts_distribution"])
def test_drawing_twice_gives_the_same_files(run, tmp_path, kind):
    paths = tables(run)
    outputs = [tmp_path / f"{number}.{suffix}" for number in (1, 2) for suffix in ("pdf", "png")]
    draw(kind, paths, outputs[:2])
    draw(kind, paths, outputs[2:])
    contents = [path.read_bytes() for path in outputs]
    assert contents[0].startswith(b"%PDF")
    assert contents[1].startswith(b"\x89PNG")
    assert contents[:2] == contents[2:]


def test_one_synthetic_input_tags_the_figure(run, tmp_path):
    paths = tables(run)
    draw("sky_map", paths, [tmp_path / "sky.svg"])
    draw("ts_distribution", paths, [tmp_path / "real.svg"])
    assert "synthetic events" in (tmp_path / "sky.svg").read_text(encoding="utf-8")
    assert "synthetic events" not in (tmp_path / "real.svg").read_text(encoding="utf-8")


def test_wrong_table_is_refused(run, tmp_path):
    paths = tables(run) | {"single": tmp_path / "limits.parquet"}
    with pytest.raises(TableError, match="holds 'limits', but 'single_sources' is needed"):
        draw("ts_distribution", paths, [tmp_path / "x.png"])
    assert not (tmp_path / "x.png").exists()
