"""What another process says of the results that a task is to be run with: it has resolved what lies upstream of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luisy.model import Digest, Key


@dataclass(frozen=True, slots=True)
class Given:
    """The result of one task, as whoever hands out its consumer has decided on it.

    :param action: the key of the action; with a trace, the traced one.
    :param key: what the task is to its consumers; None where it counts by content.
    :param content: the digest of the outputs' manifest.
    :param by_content: its consumers count its content.
    """

    action: Key
    key: Key | None
    content: Digest
    by_content: bool
