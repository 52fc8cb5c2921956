"""What every folder of tests may use."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-snapshots``."""
    parser.addoption(
        "--update-snapshots",
        action="store_true",
        help="write the snapshots anew instead of comparing with them",
    )


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start, also where the tests themselves run in the background of a shell.

    Such a shell has them ignore SIGINT, and what a process ignores its children ignore too.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
