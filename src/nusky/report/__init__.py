"""The HTML report of a run: one self-contained page made from its summary and figures."""

from nusky.report.report import build_report

__all__ = ["build_report"]
