"""The command line: the only place that prints, prompts or exits."""

from luisy.cli.main import main

__all__ = ["main"]
