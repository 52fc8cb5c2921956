"""What answers for a key, and what becomes of what did before."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store, actions
from luisy.cas.filing import Left, filing, leaving
from luisy.cas.receiving import Received
from luisy.cas.records import Superseded
from tests.unit.cas.values import action, kept, key

if TYPE_CHECKING:
    from luisy.model import Action, Key, Manifest


@pytest.fixture
def first(store: Store, workspace: Path) -> Manifest:
    """An output."""
    return kept(store, workspace / "first", "first")


@pytest.fixture
def second(store: Store, workspace: Path) -> Manifest:
    """Another one."""
    return kept(store, workspace / "second", "second")


def filed(store: Store) -> set[Key]:
    """The keys of all action files."""
    return {
        actions.decode(path.read_bytes()).key
        for path in (store.path / "actions").rglob("*")
        if path.is_file()
    }


def received(store: Store, made: Action, manifest: Manifest) -> None:
    """File *made* as if it came from a remote."""
    store.receive([Received(made, actions.encode(made), manifest)])


# --- the record that a key's content changed


def test_another_content_at_a_key_is_remembered(store: Store, first: Manifest, second: Manifest) -> None:
    """The store knows which key it was, and when."""
    store.record(action(first))
    before = time.time()
    store.record(action(second), superseding=True)
    assert list(store.superseded()) == [key(1)]
    assert before <= store.superseded()[key(1)] <= time.time()


def test_the_same_content_again_is_no_change(store: Store, first: Manifest) -> None:
    """A forced task that wrote what it wrote before has superseded nothing."""
    store.record(action(first))
    store.record(action(first, seconds=9.0), superseding=True)
    assert store.superseded() == {}


def test_what_a_remote_says_instead_is_remembered(store: Store, first: Manifest, second: Manifest) -> None:
    """The winner of a key replaces what this store made itself."""
    store.record(action(first))
    received(store, action(second), second)
    assert list(store.superseded()) == [key(1)]


def test_an_alias_to_another_content_is_remembered(store: Store, first: Manifest, second: Manifest) -> None:
    """Early cutoff led a key to another result than it had."""
    store.record(action(first))
    store.record(action(second, 2))
    store.alias(key(1), key(2))
    assert list(store.superseded()) == [key(1)]


def test_the_memory_of_changes_survives_a_rebuild(store: Store, first: Manifest, second: Manifest) -> None:
    """Each has a file; one that is damaged is named."""
    for number in (1, 2):
        store.record(action(first, number))
        store.record(action(second, number), superseding=True)
    before = store.superseded()
    (damaged,) = (store.path / "records" / "superseded").rglob("0*2")
    damaged.chmod(0o644)
    damaged.write_bytes(b"luisy")
    assert store.rebuild().damaged == (str(damaged),)
    assert store.superseded() == {key(1): before[key(1)]}


def test_a_record_of_a_change_is_read_as_it_was_written() -> None:
    """What decode gives is what was encoded."""
    record = Superseded(key(1), 12.5)
    assert Superseded.decode(record.encode()) == record


# --- actions that give way


def test_an_action_that_gives_way_to_one_of_other_inputs_stays_by_its_shallow_key(
    store: Store, first: Manifest, second: Manifest
) -> None:
    """Early cutoff finds it, and it is filed under that key, once."""
    store.record(action(first, shallow_key=key(60)))
    store.record(action(second, shallow_key=key(61)), superseding=True)
    old = store.by_shallow(key(60))
    assert old is not None
    assert (old.key, old.manifest) == (key(60), first.digest)
    assert store.action(key(60)) == action(first, key=key(60), shallow_key=key(60))
    assert filed(store) == {key(1), key(60)}
    assert store.results([key(1)])[key(1)].manifest == second.digest


def test_an_action_that_gives_way_to_one_of_the_same_inputs_is_gone(
    store: Store, first: Manifest, second: Manifest
) -> None:
    """A forced task's earlier result is worth nothing for these inputs."""
    store.record(action(first, shallow_key=key(60)))
    store.record(action(second, shallow_key=key(60)), superseding=True)
    found = store.by_shallow(key(60))
    assert found is not None
    assert found.manifest == second.digest
    assert filed(store) == {key(1)}


def test_an_action_without_a_shallow_key_that_gives_way_is_gone(
    store: Store, first: Manifest, second: Manifest
) -> None:
    """Nothing could ever find it."""
    store.record(action(first))
    store.record(action(second, shallow_key=key(61)), superseding=True)
    assert filed(store) == {key(1)}


def test_an_alias_takes_a_key_from_its_own_action(store: Store, first: Manifest, second: Manifest) -> None:
    """The action stays by its shallow key; only the alias answers, also after a rebuild."""
    store.record(action(first, shallow_key=key(60)))
    store.record(action(second, 2, shallow_key=key(61)))
    store.alias(key(1), key(2))
    for _ in range(2):
        assert store.results([key(1)])[key(1)].key == key(2)
        found = store.by_shallow(key(60))
        assert found is not None
        assert found.key == key(60)
        assert filed(store) == {key(2), key(60)}
        store.rebuild()


def test_an_alias_to_the_own_action_of_a_key_is_none(store: Store, first: Manifest, second: Manifest) -> None:
    """The alias that answered until now goes, and the action answers again."""
    store.record(action(second, 2))
    store.record(action(first))
    store.alias(key(1), key(2))
    store.alias(key(1), key(1))
    assert store.results([key(1)])[key(1)].key == key(1)
    assert store.status().aliases == 0
    store.rebuild()
    assert store.results([key(1)])[key(1)].key == key(1)


def test_an_action_whose_file_is_damaged_gives_way_without_a_trace(
    store: Store, first: Manifest, second: Manifest
) -> None:
    """Its row alone cannot be filed elsewhere; the new one is filed all the same."""
    store.record(action(first, shallow_key=key(60)))
    (path,) = [path for path in (store.path / "actions").rglob("*") if path.is_file()]
    path.chmod(0o644)
    path.write_bytes(b"luisy")
    store.record(action(second, shallow_key=key(61)), superseding=True)
    assert store.by_shallow(key(60)) is None
    assert filed(store) == {key(1)}


# --- files that go


def test_what_goes_is_removed_after_the_commit(store: Store, tmp_path: Path) -> None:
    """Inside the transaction the file is there: whoever is killed now has a row and its file."""
    file = tmp_path / "file"
    file.touch()
    with leaving(store.database) as (_, left):
        left.append(Left(str(file), lambda: False))
        assert file.exists()
    assert not file.exists()


def test_what_came_back_stays(store: Store, tmp_path: Path) -> None:
    """Another process may have filed the same again, just after the commit."""
    file = tmp_path / "file"
    file.touch()
    with leaving(store.database) as (_, left):
        left.append(Left(str(file), lambda: True))
    assert file.exists()


def test_an_error_leaves_all_files(store: Store, tmp_path: Path) -> None:
    """What was rolled back has its row, and keeps its file."""
    file = tmp_path / "file"
    file.touch()
    with suppress(KeyError), leaving(store.database) as (_, left):
        left.append(Left(str(file), lambda: False))
        raise KeyError
    assert file.exists()


def test_what_gave_way_just_before_a_kill_gives_way_again(
    store: Store, first: Manifest, second: Manifest
) -> None:
    """The row is the old action's, the file the new one's already: the old one is found by its shallow key."""
    store.record(action(first, shallow_key=key(60)))
    with suppress(KeyError), filing(store.database, store._layout, store._actions) as filing_:
        temporary = store._layout.temporary()
        Path(temporary).write_bytes(actions.encode(action(second, shallow_key=key(61))))
        filing_.action(action(second, shallow_key=key(61)), second, temporary)
        raise KeyError  # as far as the rows are concerned, it is killed here
    assert store.results([key(1)])[key(1)].manifest == first.digest
    store.record(action(second, shallow_key=key(61)), superseding=True)
    old = store.by_shallow(key(60))
    assert old is not None
    assert (old.key, old.manifest) == (key(60), first.digest)
