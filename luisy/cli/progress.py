"""One line on the terminal that says how far a run has come."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.settings import Settings

_SECONDS_BETWEEN = 0.1
_MINUTE = 60


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


@contextmanager
def transfer_progress(settings: Settings) -> Iterator[TransferProgress | None]:
    """A line about bytes while the block lasts, if somebody watches."""
    if not sys.stderr.isatty() or settings.quiet:
        yield None
        return
    progress = TransferProgress()
    try:
        yield progress
    finally:
        progress.close()


@dataclass(slots=True)
class TransferProgress:
    """Told of bytes as they go up or down, project by project; overwrites its own line."""

    project: str = ""
    began: float = 0.0
    shown: float = 0.0

    def __call__(self, project: str, done: int, total: int) -> None:
        """*done* of *total* bytes of *project* are there."""
        now = time.monotonic()
        if project != self.project:
            self.project, self.began = project, now
        if done < total and now < self.shown + _SECONDS_BETWEEN:
            return
        self.shown = now
        width = shutil.get_terminal_size().columns - 1
        line = transfer_line(project, done, total, now - self.began)
        click.echo(f"\r\x1b[K{line[:width]}", err=True, nl=False)

    def close(self) -> None:
        """Take the line away."""
        if self.shown:
            click.echo("\r\x1b[K", err=True, nl=False)


def transfer_line(project: str, done: int, total: int, seconds: float) -> str:
    """How far a transfer has come in *seconds*: bytes, rate, and the time that is left at this rate."""
    from luisy.report import human_bytes

    percent = 100 * done // total if total else 100
    line = f"{project}  {percent:>3}%  {human_bytes(done)} of {human_bytes(total)}"
    if not seconds or not done:
        return line
    rate = done / seconds
    minutes, left = divmod(round((total - done) / rate), _MINUTE)
    return f"{line}  {human_bytes(rate)}/s  {minutes}:{left:02d} left"
