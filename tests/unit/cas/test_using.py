"""Which actions an object belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.cas.using import Role, User, users
from tests.unit.cas.values import action, kept, key

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.cas import Store


def test_an_output_belongs_to_every_action_that_has_it(store: Store, workspace: Path) -> None:
    """The newest comes first; other actions are left out."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest, 1))
    store.record(action(kept(store, workspace / "g", "other"), 2))
    store.record(action(manifest, 3, family="Other"))
    assert users(store, manifest.entries[0].digest) == [
        User(key(3), "Other", Role.OUTPUT),
        User(key(1), "Clean", Role.OUTPUT),
    ]


def test_a_manifest_belongs_to_its_action(store: Store, workspace: Path) -> None:
    """It is told from an output."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest))
    assert users(store, manifest.digest) == [User(key(1), "Clean", Role.MANIFEST)]


def test_the_outputs_of_a_large_folder_are_found(store: Store, workspace: Path) -> None:
    """A manifest that the index has no room for is read; one that is gone is passed over."""
    gone, there = workspace / "gone", workspace / "there"
    for folder in (gone, there):
        folder.mkdir()
        for number in range(50):
            (folder / str(number)).write_text(f"{folder.name} {number}")
    lost, manifest = (store.keep([(b"", str(folder))]) for folder in (gone, there))
    store.record(action(lost, 1))
    store.record(action(manifest, 2))
    (store.path / "objects" / lost.digest[:2] / lost.digest[2:]).unlink()
    assert users(store, manifest.entries[-1].digest) == [User(key(2), "Clean", Role.OUTPUT)]
    assert users(store, lost.entries[-1].digest) == []


def test_what_explains_an_action_belongs_to_it(store: Store, workspace: Path) -> None:
    """Parts and sources stand in the action's file only; a damaged file is passed over."""
    manifest = kept(store, workspace / "f")
    parts, sources = store.put(b"parts"), store.put(b"sources")
    store.record(action(manifest, 1, parts=parts, sources=sources))
    store.record(action(manifest, 2, sources=sources))
    assert users(store, parts) == [User(key(1), "Clean", Role.PARTS)]
    path = store.path / "actions" / key(2)[:2] / key(2)[2:]
    path.chmod(0o644)
    path.write_bytes(sources.encode())
    assert users(store, sources) == [User(key(1), "Clean", Role.SOURCES)]


def test_an_object_that_nothing_names_belongs_to_nobody(store: Store, workspace: Path) -> None:
    """As one that was put through the library."""
    store.record(action(kept(store, workspace / "f")))
    assert users(store, store.put(b"by itself")) == []


def test_an_output_is_found_by_one_query(store: Store, workspace: Path) -> None:
    """However many actions there are, no file is opened."""
    manifests = [kept(store, workspace / str(number), str(number)) for number in range(20)]
    for number, manifest in enumerate(manifests):
        store.record(action(manifest, number + 1))
    statements: list[str] = []
    store._database.connection.set_trace_callback(statements.append)
    assert len(users(store, manifests[7].entries[0].digest)) == 1
    assert len(statements) == 1
