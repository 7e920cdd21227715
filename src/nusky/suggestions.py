"""What somebody may have meant who wrote a name that is not known."""

import difflib
from collections.abc import Collection


def did_you_mean(name: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """A question after the one of `known` names that is most like `name`, capitals aside; empty where none is.

    `cutoff` is the least likeness, dimensionless, from 0 to 1.
    """
    close = difflib.get_close_matches(name.lower(), [other.lower() for other in known], n=1, cutoff=cutoff)
    meant = [other for other in known if other.lower() in close]
    return f" Did you mean '{meant[0]}'?" if meant else ""
