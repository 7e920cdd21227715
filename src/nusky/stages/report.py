"""Report stage: the run's summary and figures in, one HTML page out."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nusky.files import read_json


def report(
    summary_path: str | os.PathLike[str],
    figures: Iterable[Mapping[str, Any]],
    output: str | os.PathLike[str],
) -> None:
    """Write the report; `figures` as `build_report` takes them, but of `caption` the path of the text file."""
    from nusky.report.report import build_report

    figures = [{**figure, "caption": Path(figure["caption"]).read_text(encoding="utf-8").strip()} for figure in figures]
    build_report(read_json(summary_path), figures, output)
