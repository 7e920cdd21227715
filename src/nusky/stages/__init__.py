"""The stages of the workflow: each reads files, calls the package, writes files. Nothing here computes physics."""
