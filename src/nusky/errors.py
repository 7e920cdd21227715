"""The exceptions nusky raises: one family, one class per kind of failure.

Every message names the file, line, key or column, says what is wrong and what to do.
"""

from nusky.printable import printable


class NuskyError(Exception):
    """Base of everything nusky raises on purpose; control characters of what it quotes are shown as escapes."""

    def __str__(self) -> str:
        return printable(super().__str__(), keep="\n")


class ConfigurationError(NuskyError):
    """The configuration cannot be used: unknown key, value outside its range, contradiction."""


class DownloadError(NuskyError):
    """A file could not be fetched, or what came is not what was promised."""


class ArchiveError(NuskyError):
    """An archive is damaged, or holds members that must not be unpacked."""


class ReleaseError(NuskyError):
    """A data release is incomplete or its content is not what the release promises."""


class CatalogueError(NuskyError):
    """A source list cannot be read or understood."""


class TableError(NuskyError):
    """A table or JSON file of nusky's own is damaged, of another kind, or lacks a column or key."""


class StorageError(NuskyError):
    """The machine falls short: a full disk, no permission, too little memory, too many open files."""


class PhysicsError(NuskyError, ValueError):
    """An argument lies outside the physical or mathematical domain of a function."""
