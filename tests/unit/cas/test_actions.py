"""Action and record files prove themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy.cas import actions
from luisy.cas.envelope import seal, unseal
from luisy.cas.hashing import digest_bytes
from luisy.cas.records import Alias, Rescued
from luisy.errors import CorruptionError
from luisy.model import Action, Digest, DynamicDependency, Input, Key
from tests.unit.cas.values import action, digest, key

hexes = st.binary(min_size=32, max_size=32).map(bytes.hex)
keys = hexes.map(Key)
digests = hexes.map(Digest)
# Any code point: parameters may hold what os.fsdecode made of a path that is not UTF-8.
anything = st.text(st.characters(), max_size=8)
texts = st.dictionaries(anything, anything, max_size=3)
moments = st.floats(0, 253_402_300_799)

some_actions = st.builds(
    Action,
    key=keys,
    manifest=digests,
    project=st.text(max_size=8),
    family=st.text(max_size=8),
    params=texts,
    params_digest=digests,
    fingerprint=digests,
    inputs=st.lists(st.builds(Input, st.none() | keys, digests), max_size=3).map(tuple),
    base_key=st.none() | keys,
    shallow_key=st.none() | keys,
    trace=st.lists(st.builds(DynamicDependency, anything, anything, texts, keys), max_size=2).map(tuple),
    parts=st.none() | digests,
    sources=st.none() | digests,
    created=moments,
    seconds=st.floats(0, 1e9),
    size=st.integers(0, 2**63 - 1),
    adopted=st.booleans(),
    held_back=anything,
    provenance=texts,
)


@given(some_actions)
def test_decoding_gives_what_was_encoded(made: Action) -> None:
    """An action survives its file, every field of it."""
    assert actions.decode(actions.encode(made)) == made


def test_equal_actions_have_equal_bytes() -> None:
    """The order in which a mapping was filled does not show."""
    one = action(digest(1), params={"a": "1", "b": "2"})
    assert actions.encode(one) == actions.encode(replace(one, params={"b": "2", "a": "1"}))


@given(some_actions, st.data())
def test_any_changed_byte_is_noticed(made: Action, data: st.DataObject) -> None:
    """A file carries its own digest: no byte of it can change unseen."""
    raw = bytearray(actions.encode(made))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptionError) as caught:
        actions.decode(bytes(raw))
    assert caught.value.slug == "corrupt-record"


@given(some_actions, st.integers(1, 500))
def test_a_truncated_file_is_noticed(made: Action, cut: int) -> None:
    """So is every file that a crash cut off, an empty one too."""
    with pytest.raises(CorruptionError):
        actions.decode(actions.encode(made)[:-cut])


WRONG = [
    {"key": "ab"},
    {"key": None},
    {"manifest": "g" * 64},
    {"params": {"a": 1}},
    {"params": []},
    {"inputs": [1]},
    {"inputs": [{"key": None}]},
    {"trace": [{"module": 1, "family": "F", "params": {}, "key": "0" * 64}]},
    {"created": "now"},
    {"created": True},
    {"size": -1},
    {"size": 1 << 63},
    {"size": True},
    {"size": 1.0},
    {"adopted": 1},
    {"project": None},
]


@pytest.mark.parametrize("change", WRONG)
def test_fields_of_another_type_are_refused(change: dict[str, object]) -> None:
    """A digest that matches proves only that the file is whole, not that it makes sense."""
    fields = unseal("action", actions.encode(action(digest(1))))._values
    with pytest.raises(CorruptionError):
        actions.decode(seal("action", fields | change))


def test_one_kind_is_not_read_as_another() -> None:
    """An alias is no rescued file, although both are whole."""
    with pytest.raises(CorruptionError):
        Rescued.decode(Alias(key(1), key(2), 3.0).encode())


def test_a_body_that_is_no_object_is_refused() -> None:
    """The digest may match a body that no luisy wrote."""
    sealed = seal("alias", {})
    for body in (b"[]\n", b"nothing\n", b"[" * 100_000 + b"\n"):
        forged = sealed[: len("luisy-alias-1 ")] + digest_bytes(body).encode() + b"\n" + body
        with pytest.raises(CorruptionError):
            unseal("alias", forged)


@given(keys, keys, moments)
def test_aliases_survive_their_files(one: Key, other: Key, created: float) -> None:
    """Decoding an alias gives what was encoded."""
    alias = Alias(one, other, created)
    assert Alias.decode(alias.encode()) == alias


@given(digests, anything, moments)
def test_rescued_records_survive_their_files(name: Digest, path: str, created: float) -> None:
    """Decoding a rescued record gives what was encoded, with any path."""
    record = Rescued(name, path, created)
    assert Rescued.decode(record.encode()) == record


def test_the_action_file_is_frozen() -> None:
    """Action files written by an earlier luisy can be read."""
    raw = (
        b"luisy-action-1 3eb196f5c02d8d5c2b664cbf4474fa9902781400c2ad78c774c717e5b267167f\n"
        b'{"adopted":false,"base_key":null,"created":1.0,"family":"Clean","fingerprint":"000000000'
        b'0000000000000000000000000000000000000000000000000000007","held_back":"","inputs":[{"dige'
        b'st":"0000000000000000000000000000000000000000000000000000000000000003","key":"0000000000'
        b'000000000000000000000000000000000000000000000000000002"},{"digest":"00000000000000000000'
        b'00000000000000000000000000000000000000000004","key":null}],"key":"0000000000000000000000'
        b'000000000000000000000000000000000000000001","manifest":"00000000000000000000000000000000'
        b'00000000000000000000000000000001","params":{"year":"1"},"params_digest":"000000000000000'
        b'0000000000000000000000000000000000000000000000001","parts":null,"project":"weather","pro'
        b'venance":{},"seconds":0.5,"shallow_key":null,"size":3,"sources":null,"trace":[]}'
        b"\n"
    )
    assert actions.decode(raw) == action(digest(1))
    assert actions.encode(action(digest(1))) == raw
