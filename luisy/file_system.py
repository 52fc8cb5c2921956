"""luisy 1.x's file systems: all of them are gone, and whoever asks for one is told what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.gone import attributes_of

if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)
