"""By what the actions of a remote are looked up."""

from __future__ import annotations

from luisy.cas import actions
from luisy.cas.remote_lookups import LOOKUP_BYTES, lookup, lookups_of, task_lookup
from luisy.cas.remote_records import ActionRecord
from luisy.model import Key
from tests.unit.cas.values import action, digest

KEYS = [Key(f"{number:02x}" * 32) for number in range(1, 4)]


def record(data: bytes) -> ActionRecord:
    """A record at the first key."""
    return ActionRecord(bytes.fromhex(KEYS[0]), 0, 0, data, None)


def test_an_action_is_looked_up_by_its_keys_and_its_task() -> None:
    """Its own, its base key and its shallow key, and the task with its parameters."""
    made = action(digest(5), key=KEYS[0], base_key=KEYS[1], shallow_key=KEYS[2], params_digest=digest(6))
    names = {*(lookup(bytes.fromhex(one)) for one in KEYS), task_lookup("Clean", digest(6))}
    assert lookups_of(record(actions.encode(made))) == names


def test_an_action_without_other_keys_has_two_lookups() -> None:
    """None of what is not there."""
    made = action(digest(5), key=KEYS[0], base_key=None, shallow_key=None)
    assert len(lookups_of(record(actions.encode(made)))) == 2


def test_what_is_no_action_is_looked_up_by_its_key() -> None:
    """So that a reader of parts counts it as one of the whole does: left out, and told."""
    assert lookups_of(record(b"rubbish")) == {lookup(bytes.fromhex(KEYS[0]))}


def test_the_lookup_of_a_task_is_frozen() -> None:
    """Segments that were written once are read by every later luisy; family and parameters both count."""
    assert task_lookup("Clean", digest(1)).hex() == "727ead13a5baa30b"
    assert (
        task_lookup("Clean", digest(2)) != task_lookup("Clean", digest(1)) != task_lookup("Load", digest(1))
    )
    assert len(task_lookup("Clean", digest(1))) == LOOKUP_BYTES
