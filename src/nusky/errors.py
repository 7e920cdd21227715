"""The exceptions nusky raises: one family, one class per kind of failure.

Every message names the file, line, key or column, says what is wrong and what to do.
"""


class NuskyError(Exception):
    """Base of everything nusky raises on purpose."""


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
    """A file could not be written: the disk is full, or the folder cannot be written to."""


class PhysicsError(NuskyError, ValueError):
    """An argument lies outside the physical or mathematical domain of a function."""
