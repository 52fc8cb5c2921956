"""What all tests of the fingerprint share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN = "tests.unit.fingerprint"


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """Other tests' modules that this process has loaded are hidden: some replace functions of ``os``, which others use."""
    with (
        pytest.MonkeyPatch.context() as patch
    ):  # apart from the test's own, which is undone before other fixtures end
        for name in [*sys.modules]:
            if name.startswith("tests.") and not name.startswith(_OWN) and not _OWN.startswith(f"{name}."):
                patch.delitem(sys.modules, name)
        yield
