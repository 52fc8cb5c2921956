"""A store with something of everything that an export holds, and its export."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from luisy.cas import exporting
from tests.unit.cas.values import action, kept, key

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.cas import Store
    from luisy.model import Key

LARGE = (1 << 20) + 4097
"""Bytes of an object that does not pass through memory, not a multiple of tar's blocks."""


def fill(store: Store, workspace: Path) -> None:
    """1: a folder with a link, an empty folder and names that are not UTF-8; 2: a large file; 9: an alias of 1."""
    folder = workspace / "folder"
    (folder / "empty").mkdir(parents=True)
    (folder / "caf\udce9").write_bytes(b"latin")
    (folder / "link").symlink_to("caf\udce9")
    parts, sources = store.put(b'{"version":"1"}'), store.put(b'{"parts":{},"sources":{}}')
    first = store.keep([(b"", str(folder))])
    store.record(action(first, 1, size=first.size, parts=parts, sources=sources))
    second = kept(store, workspace / "large", "x" * LARGE)
    store.record(action(second, 2, size=LARGE))
    store.alias(key(9), key(1))


def exported(store: Store, *keys: Key) -> bytes:
    """The export of the results at *keys*; of 1 and 2 by default."""
    target = io.BytesIO()
    exporting.write(store, exporting.plan(store, keys or (key(1), key(2))), target)
    return target.getvalue()
