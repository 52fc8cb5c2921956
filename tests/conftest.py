"""What every folder of tests may use."""

from __future__ import annotations

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
