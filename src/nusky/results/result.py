"""What all results have in common: a table with units, a figure, and an HTML form."""

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from nusky.printable import printable
from nusky.units import column_unit

if TYPE_CHECKING:  # importing them takes longer than reading the results
    from astropy.table import Table
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROWS_SHOWN = 20


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A result of a run.

    Attributes
    ----------
    title : what it is
    data : the table of the run, or what it was joined from; units in the names of the columns
    synthetic : whether any event behind it was generated; then it is no measurement
    figure : draws the result, as in the report of the run
    """

    title: str
    data: pa.Table
    synthetic: bool
    figure: Callable[..., "Figure"] = field(compare=False)

    def to_table(self) -> "Table":
        """The numbers as an astropy table with units; `title` and `synthetic` stand in its `meta`."""
        from astropy.table import Table

        table = Table({name: _column(self.data[name]) for name in self.data.column_names})
        for name in table.colnames:
            if unit := column_unit(name):
                table[name].unit = unit
        table.meta = {"title": self.title, "synthetic": self.synthetic}
        return table

    def plot(self, **options: Any) -> "Axes":
        """Draw the result and return the first axes; `.figure` of these is the whole figure, with nusky's style."""
        return self.figure(**options).axes[0]

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        title, synthetic = printable(self.title), ", synthetic" if self.synthetic else ""
        return f"<{type(self).__name__} {title}: {len(self)} rows{synthetic}>"

    def _repr_html_(self) -> str:
        rows = self.to_table()[:_ROWS_SHOWN].pformat(html=True, max_lines=-1, max_width=-1, show_unit=True)
        warning = "<p><b>Synthetic events: not a measurement.</b></p>" if self.synthetic else ""
        more = f"<p>The first {_ROWS_SHOWN} of {len(self)} rows.</p>" if len(self) > _ROWS_SHOWN else ""
        return printable(f"<h4>{html.escape(self.title)}</h4>{warning}{''.join(rows)}{more}", keep="\n")


def _column(values: pa.ChunkedArray) -> Any:
    found = values.to_numpy()
    return found.astype(str) if found.dtype == object else np.array(found)
