"""Paths that several runs write to: nobody writes where another one is at work, or takes its bytes for his own."""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call, misc"

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Any

import luigi
import pytest

from luisy.cas import Store
from luisy.model import LinkMode
from luisy.runner.pipeline.graph import Node
from luisy.runner.results.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from luisy.model import Manifest


class Made(luigi.Task):
    pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A task with one output, which is not there yet."""
    return Node(Made(), outputs=((b"", str(tmp_path / "made")),))


def manifest_of(store: Store, folder: Path, text: str) -> Manifest:
    path = folder / "elsewhere"
    path.write_text(text)
    return store.keep([(b"", str(path))])


class Noting:
    """The store, and how many locks are held when something is written to the workspace or forgotten of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.held: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def restore(self, *args: Any, **kwargs: Any) -> Any:
        self.held.append(locks_held(self._store))
        return self._store.restore(*args, **kwargs)

    def unplace(self, *args: Any) -> None:
        self.held.append(locks_held(self._store))
        self._store.unplace(*args)


def locks_held(store: Store) -> int:
    return sum(_is_held(path) for path in (store.path / "tmp").glob("*.lock"))


def _is_held(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_a_path_is_reserved_while_it_is_restored_and_cleared(
    store: Store, node: Node, tmp_path: Path
) -> None:
    """Another run that begins to execute there waits until the bytes are in their place, or gone."""
    noting: Any = Noting(store)
    workspace = Workspace(noting, None, LinkMode.COPY)
    workspace.restore(node, manifest_of(store, tmp_path, "made"))
    workspace.clear(node)
    assert noting.held == [1, 1]
    assert locks_held(store) == 0


def test_who_has_reserved_a_path_may_restore_it(store: Store, node: Node, tmp_path: Path) -> None:
    """A process that finds another one's result recorded takes it over without waiting for itself."""
    workspace = Workspace(store, None, LinkMode.COPY)
    with workspace.reserved(node):
        workspace.restore(node, manifest_of(store, tmp_path, "made"))
        assert locks_held(store) == 1
    assert (tmp_path / "made").read_text() == "made"


def test_a_file_that_changes_after_it_was_hashed_is_not_what_was_hashed(
    store: Store, node: Node, tmp_path: Path
) -> None:
    """What a child found holds for the file as the child saw it, however late the parent hears of it."""
    child, parent = (Workspace(store, None, LinkMode.COPY) for _ in range(2))
    (tmp_path / "made").write_text("made")
    tokens = child.expect(node)
    child.mark_made(node, store.snapshot(node.outputs), None)
    (tmp_path / "made").write_text("by somebody else")
    parent.load([node])
    parent.hold_to(tokens)
    assert not parent.unchanged(node)


def test_what_was_hashed_is_recorded_with_the_file_as_it_was_then(
    store: Store, node: Node, tmp_path: Path
) -> None:
    """A file that is replaced between its hashing and the record of it is not known by that digest."""
    workspace = Workspace(store, None, LinkMode.COPY)
    (tmp_path / "made").write_text("made")
    workspace.expect(node)
    manifest = store.snapshot(node.outputs)
    (tmp_path / "made").write_text("by somebody else")
    workspace.mark_made(node, manifest, None)
    workspace.load([node])
    assert not workspace.wrote(node)
