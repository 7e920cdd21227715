"""Validation of the standard inference: each module measures one property and writes a page of docs/validation."""
