"""Pins: names that keep actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from luisy.errors import NoSuchResult, UsageError
from tests.unit.cas.values import action, kept, key

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.cas import Store


def test_pins_are_listed_by_name_and_taken_away(store: Store, workspace: Path) -> None:
    """One action may have several; a name is there until it is taken away."""
    manifest = kept(store, workspace / "f")
    for number in (1, 2):
        store.record(action(manifest, number))
    for name, number in (("b", 1), ("a", 2), ("c", 1)):
        store.pin(name, key(number))
    assert [pin.name for pin in store.pins()] == ["a", "b", "c"]
    assert store.pinned() == {key(1): ["b", "c"], key(2): ["a"]}
    assert store.unpin("b").key == key(1)
    assert [pin.name for pin in store.pins()] == ["a", "c"]


def test_a_rebuild_brings_back_pins_and_none_that_was_taken_away(store: Store, workspace: Path) -> None:
    """A pin is a record file."""
    store.record(action(kept(store, workspace / "f")))
    for name in ("stays", "goes"):
        store.pin(name, key(1))
    before = store.pins()
    store.unpin("goes")
    store.rebuild()
    assert store.pins() == [pin for pin in before if pin.name == "stays"]


def test_a_name_keeps_one_action(store: Store, workspace: Path) -> None:
    """Set to the same again it is as it was; set to another one it is refused."""
    manifest = kept(store, workspace / "f")
    for number in (1, 2):
        store.record(action(manifest, number))
    store.pin("name", key(1))
    before = store.pins()
    store.pin("name", key(1))
    with pytest.raises(UsageError) as refused:
        store.pin("name", key(2))
    assert refused.value.slug == "pin-taken"
    assert store.pins() == before


@pytest.mark.parametrize("name", ["", " ", " a", "a\nb", "\x1b[2J", "\udc80", "x" * 201])
def test_names_that_nobody_could_type_are_refused(store: Store, workspace: Path, name: str) -> None:
    """They are printed on terminals."""
    store.record(action(kept(store, workspace / "f")))
    with pytest.raises(UsageError) as refused:
        store.pin(name, key(1))
    assert refused.value.slug == "bad-pin"


def test_what_is_not_there_cannot_be_pinned_or_unpinned(store: Store) -> None:
    """A pin on nothing would promise something."""
    with pytest.raises(NoSuchResult):
        store.pin("name", key(1))
    with pytest.raises(NoSuchResult):
        store.unpin("name")
