"""The results of a run as objects for notebooks: tables with units, figures, and how they show themselves.

`open_run("results/demo")` reads the folder of a run; a `Run` hands out its results one by one. Every result has
`to_table()` (astropy, with units), `plot()` (matplotlib axes) and an HTML form that notebooks show.
"""

from nusky.results.result import Result
from nusky.results.run import Run, open_run
from nusky.results.sky import SkyMap

__all__ = ["Result", "Run", "SkyMap", "open_run"]
