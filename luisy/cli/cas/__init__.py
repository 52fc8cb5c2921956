"""``luisy cas``: the store by itself. Imports no pipeline."""

from luisy.cli.cas.group import cas

__all__ = ["cas"]
