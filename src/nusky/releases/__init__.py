"""IceCube's public data releases: where they are, how they are fetched, read and checked."""
