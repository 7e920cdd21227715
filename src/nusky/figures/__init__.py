"""Figures of a run: matplotlib only, drawn from tables, computing nothing.

Each module draws one figure: a function takes tables (as `nusky.tables.read_table` returns them), says in its
docstring which columns it reads, and returns a `matplotlib.figure.Figure`. `nusky.figures.canvas` holds what they
share: the style sheet, the tag on generated events, saving.
"""
