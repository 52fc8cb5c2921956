"""The connection to the index: what several questions see together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.cas import Store

if TYPE_CHECKING:
    from pathlib import Path

_COUNT = "SELECT count(*) FROM remote_namespaces"
_ADD = "INSERT INTO remote_namespaces (url, project) VALUES (?, 'p')"


def test_a_snapshot_does_not_see_what_others_write(tmp_path: Path) -> None:
    """Two questions inside are answered by one state of the index; afterwards the new one counts."""
    one, two = Store.open(tmp_path / "store").database, Store.open(tmp_path / "store").database
    with one.snapshot():
        before = one.query(_COUNT)
        with two.writing() as connection:
            connection.execute(_ADD, ("a",))
        assert one.query(_COUNT) == before == [(0,)]
    assert one.query(_COUNT) == [(1,)]


def test_a_snapshot_inside_a_transaction_is_that_one(tmp_path: Path) -> None:
    """What was written in it is seen, and it ends when the transaction does."""
    database = Store.open(tmp_path / "store").database
    with database.writing() as connection:
        connection.execute(_ADD, ("a",))
        with database.snapshot(), database.snapshot():
            assert database.query(_COUNT) == [(1,)]
        connection.execute(_ADD, ("b",))
    assert database.query(_COUNT) == [(2,)]
