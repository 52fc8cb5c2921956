"""Keys: what is in them, what is not, and that their bytes are frozen."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy import keys
from luisy.keys import Counted, Facts, Output, Parameter, Ref
from luisy.model import Digest, Key

ONE, TWO = Digest("11" * 32), Digest("22" * 32)
FACTS = Facts(
    project="weather",
    family="Clean",
    fingerprint=Digest("ab" * 32),
    parameters=(Parameter("city", "Berlin", b"sBerlin"), Parameter("token", "s3cret", b"x", public=False)),
    outputs=(Output(b"", "luisy.targets.CSVTarget", b"o"),),
    options=(Parameter("app.Config.rate", "3", b"i3"),),
    declared={"file data.yml": "00"},
)
INPUTS = keys.encode_structure(
    {"raw": Ref(Counted.BY_CONTENT, ONE, keys.promise_of(FACTS.outputs)), "rest": [Ref(Counted.BY_KEY, TWO)]},
    lambda ref: ref.encoded(),
)


def test_golden_task_key() -> None:
    """The encoding of a task's key is frozen; who changes it needs an ADR and a new key version."""
    assert keys.task_key(FACTS.encoded(), INPUTS) == GOLDEN["task"]


def test_golden_of_the_other_keys() -> None:
    """So are wrappers, external tasks, traces and the digest of the parameters."""
    assert keys.wrapper_key(INPUTS) == GOLDEN["wrapper"]
    assert keys.wrapper_content(INPUTS) == GOLDEN["wrapper content"]
    assert keys.external_key("weather", "Raw", ONE) == GOLDEN["external"]
    assert keys.traced_key(Key(TWO), [Ref(Counted.BY_KEY, ONE)]) == GOLDEN["traced"]
    assert keys.declared_content("weather", "Table", FACTS.parameters, "7") == GOLDEN["declared content"]
    assert keys.table_content(Key(ONE), [("db.table", "7")]) == GOLDEN["table content"]
    assert keys.table_content(None, [("db.table", "7")]) == GOLDEN["table content of nobody"]
    assert FACTS.params_digest() == GOLDEN["parameters"]


@pytest.mark.parametrize(
    "change",
    [
        {"project": "other"},
        {"family": "Other"},
        {"fingerprint": ONE},
        {"parameters": ()},
        {"parameters": (Parameter("city", "Berlin", b"sOther"),)},
        {"parameters": (Parameter("city", "Other", b"sBerlin"),)},
        {"outputs": (Output(b"0", "luisy.targets.CSVTarget", b"o"),)},
        {"outputs": (Output(b"", "luisy.targets.JSONTarget", b"o"),)},
        {"outputs": (Output(b"", "luisy.targets.CSVTarget", b"p"),)},
        {"options": ()},
        {"declared": None},
        {"declared": {"file data.yml": "01"}},
        {"observed": {"env HOME": "x"}},
    ],
)
def test_each_fact_counts(change: dict[str, Any]) -> None:
    """A change of any one fact changes the key."""
    assert dataclasses.replace(FACTS, **change).encoded() != FACTS.encoded()


def test_parameters_are_public_unless_told() -> None:
    """A parameter whose visibility nobody states is shown and kept, as Luigi does."""
    assert keys.Parameter("size", "3", b"").public


def test_visibility_does_not_count() -> None:
    """Whether a parameter is shown says nothing about the result."""
    shown = tuple(dataclasses.replace(p, public=True) for p in FACTS.parameters)
    assert dataclasses.replace(FACTS, parameters=shown).encoded() == FACTS.encoded()


def test_empty_and_absent_extras_are_one() -> None:
    """Who declares nothing has the key of who cannot declare."""
    assert dataclasses.replace(FACTS, observed={}).encoded() == FACTS.encoded()


def test_how_an_input_counts_is_in_the_key() -> None:
    """A key and a content digest of the same digits are different references."""
    assert Ref(Counted.BY_KEY, ONE).encoded() != Ref(Counted.BY_CONTENT, ONE).encoded()


def test_how_equal_bytes_are_read_is_in_the_key() -> None:
    """The same content promised as another target, or with other options, is another input."""
    other = keys.promise_of((Output(b"", "luisy.targets.CSVTarget", b"other options"),))
    promised = Ref(Counted.BY_CONTENT, ONE, keys.promise_of(FACTS.outputs))
    assert promised.encoded() != Ref(Counted.BY_CONTENT, ONE, other).encoded()


LEAF = st.sampled_from("abc")
STRUCTURES = st.recursive(
    LEAF, lambda inner: st.one_of(st.lists(inner), st.dictionaries(LEAF, inner)), max_leaves=8
)


def encoded(structure: object) -> bytes:
    return keys.encode_structure(structure, lambda leaf: str(leaf).encode())


def ordered(structure: object) -> object:
    """*structure* so that ``==`` minds the order of a mapping."""
    if isinstance(structure, dict):
        return "M", [(name, ordered(value)) for name, value in structure.items()]
    return ["L", *map(ordered, structure)] if isinstance(structure, list) else structure


@given(STRUCTURES, STRUCTURES)
def test_structure_is_injective(first: object, second: object) -> None:
    """Labels, nesting and order of the requirements are all in the key."""
    assert (encoded(first) == encoded(second)) == (ordered(first) == ordered(second))


def test_order_of_a_set_of_requirements_does_not_count() -> None:
    """The members of a set come in another order in every process."""
    assert encoded(frozenset("abc")) == encoded(frozenset("cba"))


def test_members_of_a_set_of_requirements_count() -> None:
    """A set with another member is another structure, and so is the list of the same members."""
    assert len({encoded(frozenset("ab")), encoded(frozenset("ac")), encoded(list("ab"))}) == 3


def test_tuples_and_lists_are_one_kind() -> None:
    """Both are sequences; ``None`` requires nothing."""
    assert encoded(("a", "b")) == encoded(["a", "b"])
    assert encoded(None) == encoded([])


def test_trace_order_counts() -> None:
    """What was yielded first may decide what is yielded next."""
    first, second = Ref(Counted.BY_KEY, ONE), Ref(Counted.BY_KEY, TWO)
    assert keys.traced_key(Key(ONE), [first, second]) != keys.traced_key(Key(ONE), [second, first])


GOLDEN = {
    "task": "403e8b82c54d3599edf773f45ee8be054ff817fd3fa02129dc0e98668cf5e43e",
    "wrapper": "b77c8453c117145cf257d898f1b56d8c2a13c69a5fc89899129786cc7d3b65e0",
    "wrapper content": "d26b1b4068a6076bb9c52d8c6a39d363e9f07ed17d8e525cf11a7ecf5cadf5f2",
    "external": "f31c35e18ecea85d4b394ff6f290850abf46ad1b4a5776eafa0577177b92f908",
    "traced": "076866f873429e7b6dddcb7ff49bcb94b9d24c7a3803bfe6f817ef2a9c980b70",
    "parameters": "43944c1975ffb7188de271e720074031b5304fc5f89e8f9b3df6267bed49547e",
    "declared content": "e99cc6ce8898be6946f395a042b5ff7a375e2ef326c0fe00780f115c38e0eae4",
    "table content": "d1f43d82a288965638cec96b9754b89173122fc1edb204f9c256394705897663",
    "table content of nobody": "49d7014b5a637651a1b332450dfee0538bfbdd5f46897a58f743a36f9584c200",
}
