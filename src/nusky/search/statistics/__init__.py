"""From trials to statements: p-values, sensitivities, upper limits and what they mean as fluxes.

Everything here works on arrays of test statistics and on functions that simulate them; nothing knows about events.

- `pvalues`: local p-value of an observation from background trials, with its interval.
- `tail`: extrapolation beyond the trials, only where asked for and labelled as such.
- `posttrial`: the most significant source of a list, corrected for having looked at all of them.
- `efficiency`: how many injected events make a test statistic exceed a threshold in a given share of trials.
- `sensitivity`: sensitivity and discovery potential.
- `limits`: upper limits: Neyman (the default), Feldman-Cousins (two-sided near a discovery), asymptotic (quick).
- `statements`: numbers of events as fluxes, with everything that must be quoted beside them.
- `differential`: the same by decades of energy.
- `coverage`: how often limits hold.
"""
