"""One line on the terminal that says how far a run has come."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from luisy.settings import Settings


@dataclass(slots=True)
class Progress:
    """Told of each task that has finished; overwrites its own line."""

    done: int = 0

    @classmethod
    def for_terminal(cls, settings: Settings) -> Progress | None:
        """A progress line if somebody watches, else None."""
        return cls() if sys.stderr.isatty() and not settings.quiet else None

    def __call__(self, task: str, outcome: str, total: int) -> None:
        """*task* has finished with *outcome*, as one of *total* that were left to do."""
        self.done += 1
        width = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\x1b[K{f'[{self.done}/{total}] {outcome} {task}'[:width]}", err=True, nl=False)

    def close(self) -> None:
        """Take the line away: what follows starts on an empty one. Tasks that wait for a failed one never finish."""
        if self.done:
            click.echo("\r\x1b[K", err=True, nl=False)
