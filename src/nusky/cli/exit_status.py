"""How the command `nusky` ends; documented in docs/cli.md and in the help."""

OK = 0
FAILED = 1
"""A `NuskyError`, or a file that cannot be read or written."""
USAGE = 2
UNFINISHED = 3
"""Asked whether something is finished or unchanged, and it is not."""
UNFORESEEN = 70
INTERRUPTED = 130
