"""Tables that tasks write where they lie: who wrote each last, and whether it is as that task left it (ADR 0019)."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from blake3 import blake3

from luisy import keys
from luisy.cas import TableWrite
from luisy.errors import LuisyError, TaskError
from luisy.model import Key
from luisy.plan import Kind, Table
from luisy.runner.pipeline.graph import input_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas import Store
    from luisy.model import Digest
    from luisy.runner.pipeline.graph import Node
    from luisy.targets import TableTarget

Versions: TypeAlias = "list[tuple[str, str]]"
"""Location and version of each table of a task."""


class Tables:
    """What the store remembers of tables, held against what they say themselves.

    Spark is asked only where the store's word alone decides nothing: it takes seconds to start.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def state(self, node: Node) -> tuple[Table, tuple[TableWrite, ...]]:
        """What is known of the tables of *node*, with their last writes where these hold.

        :raises TaskError: slug ``table-unreadable``, or what Spark lacks.
        """
        writes = [self._store.last_write(table.location) for _, table in node.tables]
        known = tuple(write for write in writes if write is not None)
        if len(known) < len(writes):
            return Table.UNKNOWN, ()
        if node.base_key is None and any(_is_awaited(leaf) for leaf in input_leaves(node)):
            return Table.OPEN, ()
        if any(write.key != node.base_key for write in known):
            return Table.OTHER, ()
        if self._versions(node) != [(one.location, one.version) for one in known]:
            return Table.CHANGED, ()
        return Table.HELD, known

    def versions(self, node: Node) -> Versions | None:
        """Location and version of each table of *node* as they are now; None where one tells no version.

        :raises TaskError: as ``state``.
        """
        told = [(location, version) for location, version in self._versions(node) if version is not None]
        return told if len(told) == len(node.tables) else None

    def unchanged(self, node: Node) -> bool:
        """Whether the tables of *node*, if it has some, are what its content was told from."""
        if not node.tables:
            return True
        versions = self.versions(node)
        return versions is not None and content_of(node, versions) == node.content

    def note(self, node: Node, versions: Versions) -> None:
        """Remember that *node*, whose key is known, has just written its tables, and what its inputs are.

        :raises StoreError: the store cannot be written.
        """
        assert node.base_key is not None
        inputs = tuple(leaf.content for leaf in input_leaves(node) if leaf.content is not None)
        now = time.time()
        self._store.note_writes(
            [TableWrite(location, node.base_key, inputs, version, now) for location, version in versions]
        )

    @contextmanager
    def reserved(self, node: Node) -> Iterator[bool]:
        """Let no other process of this store write the tables of *node*; yields whether one of them just did, maybe."""
        with ExitStack() as stack:
            locations = sorted({table.location for _, table in node.tables})
            waited = [stack.enter_context(self._store.lock(_lock_of(location))) for location in locations]
            yield any(waited)

    def _versions(self, node: Node) -> list[tuple[str, str | None]]:
        return [(table.location, version_of(table)) for _, table in node.tables]


def version_of(table: TableTarget) -> str | None:
    """The version of *table*; None where there is none.

    :raises TaskError: slug ``table-unreadable``, or what Spark lacks.
    """
    try:
        return table.version()
    except LuisyError:
        raise
    except Exception as error:  # whatever Spark, or a user's own table, makes of it
        lines = str(error).strip().splitlines() or [""]
        raise TaskError(
            f"the version of {table.location} cannot be told: {type(error).__name__}: {lines[0]}",
            slug="table-unreadable",
            hint="see whether this session of Spark may read it",
        ) from error


def content_of(node: Node, versions: Versions) -> Digest:
    """What tables count as in the keys of the consumers of *node*, given their locations and versions."""
    return keys.table_content(node.base_key if node.kind is Kind.TASK else None, versions)


def _is_awaited(leaf: Node) -> bool:
    """Whether *leaf* will be counted once it has run."""
    return leaf.content is None and (leaf.countable or bool(leaf.tables) or not leaf.uncacheable)


def _lock_of(location: str) -> Key:
    """What to lock where a table is meant."""
    name = blake3(location.encode(), derive_key_context="luisy 1 table location", max_threads=1)
    return Key(name.hexdigest())
