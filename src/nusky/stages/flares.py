"""Stage of unknown flares: the strongest of every source, and what they were chosen from."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.search.flare import FlareFit, FlareLikelihood
from nusky.search.target import Target
from nusky.stages.inference import Settings, Study, write_together
from nusky.tables import schema, write_table

KINDS = {"flares": "flares", "windows": "flare_windows", "weights": "flare_weights"}


def flares(files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings) -> None:
    """The strongest flare of every source and those that lie apart from it, with fluxes in their windows.

    Writes `outputs.flares`, a row for each, `outputs.windows`, TS of every window that was looked at, and
    `outputs.weights`, what each event near a source adds for a signal of one event over the whole livetime; the last
    two for the first fit.
    """
    study, rows, windows, weights = Study(files, setup, hypothesis), [], [], []
    if write_together(study, files, outputs, KINDS):
        return
    for j, target in zip(study.numbers, study, strict=True):
        known = {"source": int(study.rows[j])} | target.row
        experiment = target.experiment
        for i, fixed in enumerate([np.nan] if experiment.free else experiment.hypothesis.gammas):
            own = experiment.at(fixed).hypothesis
            likelihood = own.likelihood(own.data())
            found = list(likelihood.flares())
            rows += [
                known | {"gamma_fixed": float(fixed)} | target.spectrum.under_own_name(row)
                for row in _rows(target, found)
            ]
            if i == 0:
                gamma = found[0].gamma if found else float(np.median(own.gammas))
                source = {"source": known["source"], "name": known["name"]}
                windows.append(_windows(source, likelihood))
                weights.append(_weights(source, likelihood, int(np.argmin(np.abs(own.gammas - gamma)))))
    provenance = study.trace()
    fitted = study.indices.spectrum.fit
    own = [(fitted, pa.float64())] if fitted not in ("", "gamma") else []
    table = pa.Table.from_pylist(rows, pa.schema([*_FLARES, *own]))
    write_table(outputs.flares, table, kind="flares", provenance=provenance)
    for name, tables in (("windows", windows), ("weights", weights)):
        table = pa.concat_tables(tables) if tables else pa.table({})
        write_table(getattr(outputs, name), table, kind=KINDS[name], provenance=provenance)


def _rows(target: Target, found: list[FlareFit]) -> Iterator[dict[str, Any]]:
    for rank, flare in enumerate(found, start=1):
        scale = target.at_window(flare.box).flux_scale(flare.gamma)
        phi0 = flare.n_signal / scale.events_per_phi0_gev
        e2 = 1e5**2 * phi0 * float(scale.spectrum.shape(1e5))
        yield {
            "rank": rank,
            "start_mjd": flare.start,
            "stop_mjd": flare.stop,
            "duration_days": flare.duration,
            "n_signal": flare.n_signal,
            "gamma": flare.gamma,
            "test_statistic": flare.ts,
            "converged": flare.converged,
            "phi0_per_gev": phi0,
            "e2dnde_100tev_gev_cm2_s": e2,
            "e2_fluence_100tev_gev_cm2": e2 * scale.duration_s,
        }


def _windows(source: Mapping[str, Any], likelihood: FlareLikelihood) -> pa.Table:
    windows, (ts, n_signal) = likelihood.windows, likelihood.every_window()
    columns = {"start_mjd": windows.begin, "stop_mjd": windows.end, "duration_days": windows.duration}
    return _repeated(source, columns | {"n_signal": n_signal, "test_statistic": ts})


def _weights(source: Mapping[str, Any], likelihood: FlareLikelihood, spectrum: int) -> pa.Table:
    return _repeated(source, {"mjd": likelihood.events[0], "weight": likelihood.weights[:, spectrum]})


def _repeated(source: Mapping[str, Any], columns: Mapping[str, np.ndarray]) -> pa.Table:
    """`columns` with the number and the name of the source in every row."""
    n = len(next(iter(columns.values())))
    known = [pa.array([source[key]] * n, kind) for key, kind in (("source", pa.int32()), ("name", pa.string()))]
    return pa.table({"source": known[0], "name": known[1], **columns})


_FLARES = schema(
    (pa.int32(), "source"),
    (pa.string(), "name origin"),
    (pa.float64(), "ra_deg dec_deg gamma_fixed"),
    (pa.int32(), "rank"),
    (pa.float64(), "start_mjd stop_mjd duration_days n_signal gamma test_statistic"),
    (pa.bool_(), "converged"),
    (pa.float64(), "phi0_per_gev e2dnde_100tev_gev_cm2_s e2_fluence_100tev_gev_cm2"),
)
