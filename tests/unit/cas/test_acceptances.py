"""Acceptances: records of their own, which fall together with what they came through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy.cas import Acceptance, Store, resting_on
from luisy.errors import CorruptionError
from tests.unit.cas.values import digest, key

if TYPE_CHECKING:
    from pathlib import Path


def acceptance(number: int, *through: int) -> Acceptance:
    """The acceptance at key *number*, of the action at 1000 + *number*."""
    return Acceptance(
        key=key(number),
        action_key=key(1000 + number),
        project="weather",
        family="Clean",
        params={"year": str(number)},
        fingerprint=digest(7),
        through=tuple(key(other) for other in through),
        proved=bool(number % 2),
        created=float(number),
    )


def test_a_record_is_read_as_it_was_written() -> None:
    """Every field."""
    written = acceptance(1, 2, 3)
    assert Acceptance.decode(written.encode()) == written


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_damaged_record_is_no_record(place: int, change: int) -> None:
    """Whichever byte is another one."""
    data = bytearray(acceptance(1, 2).encode())
    data[place % len(data)] ^= change
    with pytest.raises(CorruptionError):
        Acceptance.decode(bytes(data))


def test_they_are_listed_newest_first_and_after_a_rebuild(tmp_path: Path) -> None:
    """From the index as from the files."""
    with Store.open(tmp_path / "store") as store:
        store.file_acceptances([acceptance(1), acceptance(2, 1)])
        assert store.acceptances() == [acceptance(2, 1), acceptance(1)]
        store.rebuild()
        assert store.acceptances() == [acceptance(2, 1), acceptance(1)]


def test_what_was_withdrawn_does_not_come_back_with_a_rebuild(tmp_path: Path) -> None:
    """What came through it neither; the rest stays."""
    with Store.open(tmp_path / "store") as store:
        store.file_acceptances([acceptance(1), acceptance(2, 1), acceptance(3, 2), acceptance(4)])
        assert {item.key for item in store.withdraw([key(1)])} == {key(1), key(2), key(3)}
        store.rebuild()
        assert store.acceptances() == [acceptance(4)]


def test_withdrawing_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    """It says so by an empty list."""
    with Store.open(tmp_path / "store") as store:
        store.file_acceptances([acceptance(1)])
        assert store.withdraw([key(9)]) == []
        assert store.acceptances() == [acceptance(1)]


@given(
    st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=3)), st.sets(st.integers(0, 8))
)
def test_what_falls_is_exactly_what_a_fallen_one_leads_to(
    edges: dict[int, list[int]], first: set[int]
) -> None:
    """Also where records name each other in a circle or name what is not there."""
    known = [acceptance(number, *through) for number, through in edges.items()]
    fallen = {item.key for item in resting_on(map(key, first), known)}
    expected = {key(number) for number in first}
    for _ in known:
        expected |= {item.key for item in known if expected.intersection(item.through)}
    assert fallen == expected.intersection(item.key for item in known)
