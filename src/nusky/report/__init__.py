"""The HTML report of a run: one self-contained page made from its summary and figures."""
