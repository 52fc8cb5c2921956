"""The command line: the only place that prints, prompts or exits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.cli.luisy1 import build, luisy_run
from luisy.cli.main import main
from luisy.gone import attributes_of

__all__ = ["build", "luisy_run", "main"]

if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)
