"""Stage: what each source of a stack adds to its fit, and what is left without it."""

from typing import Any

import numpy as np
import pyarrow as pa

from nusky.search.stack_sources import source_shares, trials_without, without_each
from nusky.search.statistics.pvalues import local_p_value
from nusky.search.trials import MOST_LEFT_OUT
from nusky.stages.inference import Settings, Study
from nusky.tables import write_table


def stack_sources(
    files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings, n_sources: int, n_trials: int
) -> None:
    """Write one row for each fit and source of a stack.

    Of more than `MOST_LEFT_OUT` sources so many are left out, one after the other, that add most to TS or take most
    from it. The `n_sources` without which TS is smallest have the p-value of what is left, from `n_trials` of the
    stack's own scrambled skies. The others have NaN.
    """
    study = Study(files, setup, hypothesis)
    target = study.target(0)
    experiment = target.experiment
    # The hypothesis has its sources in order of declination.
    listed = study.rows[np.argsort(study.table["dec_deg"].to_numpy()[study.rows], kind="stable")]
    names, origins = (study.table[name].take(pa.array(listed)) for name in ("name", "origin"))
    every = [
        source_shares(experiment.hypothesis, n, gamma if np.isfinite(gamma) else experiment.hypothesis.gammas[0])
        for n, gamma, _ in experiment.observed
    ]
    strongest = np.argsort(-np.max([np.abs(shares.ts) for shares in every], axis=0), kind="stable")
    left = without_each(experiment, np.sort(strongest[:MOST_LEFT_OUT]).tolist())
    rows = []
    for f, (fixed, shares) in enumerate(zip(study.indices.fitted, every, strict=True)):
        ts = experiment.observed[f, 2]
        order = np.argsort(np.nan_to_num(left[:, f, 2], nan=np.inf), kind="stable")[:n_sources]
        order = order[np.isfinite(left[order, f, 2])]
        p = np.full(len(listed), np.nan)
        if len(order):
            trials = trials_without(experiment, order, range(n_trials))[:, :, f]
            p[order] = [local_p_value(left[j, f, 2], own).p_value for j, own in zip(order, trials.T, strict=True)]
        columns = {
            "gamma_fixed": np.full(len(listed), fixed),
            "source": listed.astype(np.int32),
            "name": names,
            "origin": origins,
            "share": shares.expected,
            "n_signal": shares.n_signal,
            "test_statistic": shares.ts,
            "n_signal_without": left[:, f, 0],
            **target.spectrum.under_own_name({"gamma_without": left[:, f, 1]}),
            "test_statistic_without": left[:, f, 2],
            "p_without": p,
            "n_trials": np.where(np.isfinite(p), n_trials, 0),
            "test_statistic_stack": np.full(len(listed), ts),
        }
        rows.append(pa.table(columns).take(pa.array(np.argsort(-shares.ts, kind="stable"))))
    provenance = study.trace(leave_one_out={"sources": n_sources, "trials": n_trials})
    write_table(outputs[0], pa.concat_tables(rows), kind="stack_sources", provenance=provenance)
