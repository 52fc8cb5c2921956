"""The merged index of a remote: who wins, and the questions that are asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas import actions, manifests
from luisy.cas.remote_index import Incoming, RemoteIndex
from luisy.cas.remote_names import Namespace, level_of, object_blob, segment_name
from luisy.cas.remote_notes import RemoteNotes, Upload
from luisy.cas.remote_records import ActionRecord, BadRecord, Block, LocationRecord, Records, UseRecord
from luisy.cas.remote_rows import RemoteRows
from luisy.cas.segments import encode
from luisy.errors import RemoteError
from luisy.model import Digest, Entry, EntryKind, Key
from tests.unit.cas.values import action, digest, key

if TYPE_CHECKING:
    from luisy.cas import Store

SLOTS = [bytes([n]) * 16 for n in range(9)]


class Index:
    """A namespace whose segments a test makes by hand."""

    def __init__(self, store: Store, project: str = "weather", url: str = "memory:") -> None:
        self.index = RemoteIndex(store.database, url, project)
        self.rows = RemoteRows(self.index)
        self.project = project
        self.count = 0

    def add(self, records: Records) -> str:
        """Merge a segment; its name."""
        self.count += 1
        name = segment_name(0, f"{self.count:032x}")
        with self.index.database.writing() as connection:
            data = encode(self.project, records)
            self.index.add(connection, Incoming.read(name, "e", data, self.project))
        return name

    def action(
        self, number: int, content: int, *, opened: int, slot: int, flags: int = 0, **changes: Any
    ) -> str:
        """A push of one action."""
        changes = {"inputs": (), "project": self.project, **changes}
        data = actions.encode(action(digest(content), number, **changes))
        record = ActionRecord(bytes.fromhex(key(number)), 0, flags, data, None)
        return self.add(Records((Block(SLOTS[slot], opened, record.digest()),), (record,)))

    def winner(self, number: int) -> int:
        """The content of the winning result."""
        return int(self.rows.results([key(number)])[key(number)].manifest, 16)


@pytest.fixture
def index(store: Store) -> Index:
    """An empty namespace."""
    return Index(store)


def test_the_slot_that_was_opened_first_wins(index: Index) -> None:
    """Not the one that was merged first, nor the one committed first."""
    index.action(1, 20, opened=200, slot=2)
    index.action(1, 10, opened=100, slot=3)
    assert index.winner(1) == 10


def test_of_two_opened_at_once_the_smaller_uuid_wins(index: Index) -> None:
    """Server time is told in seconds: ties are no rarity."""
    index.action(1, 20, opened=100, slot=2)
    index.action(1, 10, opened=100, slot=1)
    assert index.winner(1) == 10


def test_a_superseding_record_wins_and_the_latest_of_several(index: Index) -> None:
    """Whatever was there before it."""
    index.action(1, 10, opened=100, slot=1)
    index.action(1, 20, opened=200, slot=2, flags=1)
    assert index.winner(1) == 20
    index.action(1, 30, opened=300, slot=3, flags=1)
    index.action(1, 40, opened=400, slot=4)
    assert index.winner(1) == 30


def test_who_wins_stays_when_segments_are_folded(index: Index) -> None:
    """Blocks keep the time at which their slots were opened."""
    names = [index.action(1, 10 + n, opened=300 - n, slot=n) for n in range(3)]
    folded = index.index.records(names)
    from luisy.cas.remote_records import folded as fold

    merged = index.index.merged()
    with index.index.database.writing() as connection:
        for name in names:
            index.index.drop(connection, merged[name].id)
    assert index.rows.results([key(1)]) == {}
    index.add(fold(folded))
    assert index.winner(1) == 12


def test_rows_go_with_their_segment_and_no_other(index: Index) -> None:
    """Actions, locations, uses and bad locations."""
    blob = object_blob(digest(5))
    name = bytes.fromhex(digest(5))
    one = index.action(1, 10, opened=1, slot=1)
    two = index.add(
        Records(
            (Block(SLOTS[2], 2, b""),),
            locations=[LocationRecord(name, blob, 0, 9, 0, 9)],
            uses=[UseRecord(bytes.fromhex(key(1)), 5000)],
            bads=[BadRecord(name, blob, "e", 0)],
        )
    )
    assert index.rows.last_used([key(1)]) == {key(1): 5.0}
    assert len(index.rows.locations([digest(5)])) == len(index.rows.bads()) == 1
    merged = index.index.merged()
    with index.index.database.writing() as connection:
        index.index.drop(connection, merged[two].id)
    assert index.rows.last_used([key(1)]) == {key(1): 0.001}
    assert (index.rows.locations([digest(5)]), index.rows.bads()) == ({}, [])
    assert index.index.merged().keys() == {one}
    counts = [
        index.index.database.query(f"SELECT count(*) FROM remote_{table}")[0][0]
        for table in ("frames", "actions", "contents", "blobs", "locations", "uses", "bads", "segments")
    ]
    assert counts == [1, 1, 0, 0, 0, 0, 0, 1]


def test_the_questions_of_resolving_are_answered(index: Index) -> None:
    """By key, by base key, by shallow key, by task: as the store answers them of its own."""
    index.action(1, 10, opened=1, slot=1, shallow_key=key(91), base_key=key(81))
    index.action(2, 20, opened=2, slot=2, base_key=key(81), fingerprint=digest(8))
    assert [result.key for result in index.rows.traced([key(81)])[key(81)]] == [key(2), key(1)]
    found = index.rows.by_shallow(key(91))
    assert found is not None
    assert (found.key, found.has_trace) == (key(1), True)
    assert index.rows.by_shallow(key(92)) is None
    assert index.rows.history("weather", "Clean", digest(1)) == {digest(7): True}
    assert index.rows.history("weather", "Clean", digest(2)) == {digest(8): False}
    assert index.rows.history("other", "Clean", digest(2)) == {}
    tasks = [("weather", "Clean", digest(1)), ("weather", "Clean", digest(9)), ("x", "Clean", digest(1))]
    assert index.rows.known(tasks) == {tasks[0]}
    whole, record = index.rows.actions([key(2), key(3)])[key(2)]
    assert (whole.key, whole.params, record.manifest) == (key(2), {"year": "2"}, None)


def test_the_nearest_result_has_equal_parameters_or_is_the_newest(index: Index) -> None:
    """What `why` compares with, as the store's own answer: same parameters first, else the newest of the family."""
    index.action(1, 101, opened=1, slot=1, created=10.0)
    index.action(2, 102, opened=1, slot=2, created=30.0)
    index.action(3, 103, opened=1, slot=3, created=20.0)
    assert index.rows.nearest("weather", "Clean", digest(1)) == key(1)
    assert index.rows.nearest("weather", "Clean", digest(99)) == key(2)
    assert index.rows.nearest("weather", "Other", digest(1)) is None
    assert index.rows.nearest("other", "Clean", digest(1)) is None


def test_a_loser_is_no_answer_by_its_shallow_key(index: Index) -> None:
    """Its key has another result; what it was made from may be the same."""
    index.action(1, 10, opened=1, slot=1, shallow_key=key(91))
    index.action(1, 20, opened=2, slot=2, shallow_key=key(92))
    assert index.rows.by_shallow(key(92)) is None


def test_a_small_manifest_comes_with_its_action(index: Index) -> None:
    """Unless it is another one than the action names."""
    manifest = manifests.manifest_of([Entry(b"", EntryKind.FILE, digest(4), 9)])
    for number, name in ((1, manifest.digest), (2, digest(6))):
        data = actions.encode(action(name, number, inputs=()))
        record = ActionRecord(bytes.fromhex(key(number)), 0, 0, data, manifests.encode(manifest))
        index.add(Records((Block(SLOTS[number], number, record.digest()),), (record,)))
    found = index.rows.results([key(1), key(2)])
    assert found[key(1)].outputs == manifest
    assert found[key(2)].outputs is None


ODD: dict[str, Any] = {
    "of another key": lambda data: (key(2), data, None),
    "not sealed": lambda data: (key(1), b"x" + data, None),
    "of another project": lambda _: (key(1), actions.encode(action(digest(1), project="other")), None),
    "not listed by its block": lambda data: (key(1), data, b""),
    "of an odd digest": lambda data: (
        key(1),
        actions.encode(action(Digest("zz"), inputs=())),
        None,
    ),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_record_that_is_not_sound_is_left_out_alone(index: Index, odd: Any) -> None:
    """One bad record spoils no others of its segment."""
    good = ActionRecord(bytes.fromhex(key(5)), 0, 0, actions.encode(action(digest(5), 5, inputs=())), None)
    name, data, listed = odd(actions.encode(action(digest(1), inputs=())))
    bad = ActionRecord(bytes.fromhex(name), 0, 0, data, None)
    digests = good.digest() + (bad.digest() if listed is None else listed)
    index.add(Records((Block(SLOTS[1], 1, digests),), (good, bad)))
    assert index.rows.results([key(1), key(2), key(5)]).keys() == {key(5)}


def test_namespaces_do_not_see_each_other(store: Store) -> None:
    """Two projects, or two remotes, in one store."""
    one, two, three = Index(store), Index(store, "other"), Index(store, url="memory:2")
    one.action(1, 10, opened=1, slot=1, shallow_key=key(91))
    assert (two.rows.results([key(1)]), three.rows.results([key(1)])) == ({}, {})
    assert (two.rows.by_shallow(key(91)), three.index.merged()) == (None, {})


def test_a_rebuild_leaves_what_is_known_of_remotes(store: Store, index: Index) -> None:
    """It is a cache of what is elsewhere; what was seen of refs has files of its own."""
    index.action(1, 10, opened=1, slot=1)
    store.see_refs("memory:", "weather", {"raw/a.csv": digest(1), "raw/b.csv": digest(2)})
    store.see_refs("memory:", "weather", {"raw/a.csv": digest(3)})
    store.rebuild()
    assert index.winner(1) == 10
    assert store.seen_refs("memory:", "weather") == {"raw/a.csv": digest(3), "raw/b.csv": digest(2)}


def test_many_rows_are_merged_and_asked_for_in_bulk(index: Index) -> None:
    """Ten thousand actions: one statement a question."""
    records = []
    for number in range(10_000):
        data = actions.encode(action(digest(number), number, inputs=()))
        records.append(ActionRecord(bytes.fromhex(key(number)), 0, 0, data, None))
    index.add(Records((Block(SLOTS[1], 1, b"".join(one.digest() for one in records)),), records))
    statements: list[str] = []
    index.index.database.connection.set_trace_callback(statements.append)
    assert len(index.rows.results([key(number) for number in range(10_000)])) == 10_000
    index.index.database.connection.set_trace_callback(None)
    assert len(statements) == 4  # with both ends of a snapshot, and whether all is merged
    assert len(index.rows.actions([key(number) for number in range(0, 10_000, 7)])) == 1429


def test_uploads_are_remembered_until_they_are_committed(index: Index) -> None:
    """What a killed push left is found by the next one; what is very old is not."""
    notes = RemoteNotes(index.index)
    members = (LocationRecord(b"D" * 32, "packs/x", 1, 2, 0, 2),)
    notes.note_upload(Upload("packs/x", "w", None, members))
    notes.note_upload(Upload("packs/x", "w", "etag", members))
    notes.note_upload(Upload("packs/y", "w", None, members))
    assert {one.blob: one.etag for one in notes.uploads()} == {"packs/x": "etag", "packs/y": None}
    assert notes.uploads()[0].members == members
    notes.forget_uploads(["packs/x"])
    assert [one.blob for one in notes.uploads()] == ["packs/y"]
    notes.forget_uploads([], older_than=1e12)
    assert notes.uploads() == []


@pytest.mark.parametrize(
    ("project", "folder"),
    [
        ("weather", "weather"),
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("..", "%2E."),
        ("a b~c", "a%20b%7Ec"),
        ("größe", "größe"),
    ],
)
def test_projects_have_folders_of_their_own(project: str, folder: str) -> None:
    """Whatever they are called: no two share one, and none leaves its place."""
    assert Namespace(project).folder == folder


def test_a_project_without_a_name_has_no_place() -> None:
    """It would be the container itself."""
    with pytest.raises(RemoteError):
        Namespace("")


@pytest.mark.parametrize(
    "name", ["", "0000", "0000-" + "g" * 32, "00000-" + "0" * 32, "0000-" + "0" * 32 + "x"]
)
def test_other_names_are_no_segments(name: str) -> None:
    """Somebody's file in index/ is no reason to fail."""
    assert level_of(name) is None


def test_a_segment_s_name_tells_its_level() -> None:
    """In four hexadecimal digits, so that a listing has lower ones first."""
    assert level_of(segment_name(26, "0" * 32)) == 26
    assert Key(segment_name(26, "0" * 32)).startswith("001a-")
