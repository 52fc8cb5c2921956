"""The store's actions, records, searches and facts."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from luisy.cas import ExternalFiles, MatchKind, Placement, RawBlob, Store
from luisy.cas._layout import write_new
from luisy.errors import CorruptionError, ExitCode, NoSuchResult, StoreError, UsageError
from luisy.model import Input, Key, LinkMode
from tests.unit.cas.values import action, corrupt, digest, kept, key, leave_a_folder, object_file


def action_file(store: Store, name: Key) -> Path:
    """Where an action's file lies."""
    return store.path / "actions" / name[:2] / name[2:]


# --- actions


def test_a_recorded_action_is_found_whole(store: Store, workspace: Path) -> None:
    """By key, as it was, from its file; and as a light row with its manifest inside."""
    manifest = kept(store, workspace / "f")
    made = action(manifest)
    assert store.record(made) == made
    assert store.action(made.key) == made
    (row,) = store.results([made.key, key(99)]).values()
    assert (row.key, row.manifest, row.outputs) == (made.key, manifest.digest, manifest)
    assert row.inputs == (digest(3), digest(4))
    assert (row.adopted, row.size, row.seconds, row.created, row.has_trace) == (False, 3, 0.5, 1.0, False)


def test_a_large_manifest_stays_outside_the_index(store: Store, workspace: Path) -> None:
    """Its row has the digest only; the object has the bytes."""
    (workspace / "d").mkdir()
    for number in range(50):
        (workspace / "d" / str(number)).write_text(str(number))
    manifest = store.keep([(b"", str(workspace / "d"))])
    store.record(action(manifest))
    assert store.results([key(1)])[key(1)].outputs is None
    assert store.manifests([manifest.digest])[manifest.digest] == manifest


def test_an_action_without_its_objects_is_refused(store: Store, workspace: Path) -> None:
    """Objects come before actions, or the action would promise missing bytes."""
    manifest = kept(store, workspace / "f")
    object_file(store, manifest.entries[0].digest).unlink()
    for promised in (manifest, digest(5)):
        with pytest.raises(StoreError) as caught:
            store.record(action(promised))
        assert caught.value.slug == "missing-object"
    assert store.results([key(1)]) == {}
    assert os.listdir(store.path / "tmp") == []


def test_the_first_action_of_a_key_stays(store: Store, workspace: Path) -> None:
    """A second one with other bytes is told which is filed; the index and the file agree."""
    first = action(kept(store, workspace / "f", "one"))
    second = action(kept(store, workspace / "f", "two"), created=2.0)
    store.record(first)
    assert store.record(second) == first
    assert store.action(first.key) == first
    assert store.results([first.key])[first.key].manifest == first.manifest


def test_a_superseding_action_replaces_the_first(store: Store, workspace: Path) -> None:
    """`--force` says so."""
    first = action(kept(store, workspace / "f", "one"))
    second = action(kept(store, workspace / "f", "two"), created=2.0)
    store.record(first)
    assert store.record(second, superseding=True) == second
    assert store.action(first.key) == second
    assert store.results([first.key])[first.key].manifest == second.manifest


def test_the_same_outputs_from_other_inputs_are_filed_anew(store: Store, workspace: Path) -> None:
    """Otherwise the key's action would never count again, its recorded inputs being out of date."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest))
    newer = action(manifest, inputs=(Input(key(2), digest(33)),))
    assert store.record(newer) == newer
    assert store.results([key(1)])[key(1)].inputs == (digest(33),)


def test_a_first_action_whose_bytes_are_gone_does_not_stand_in_the_way(store: Store, workspace: Path) -> None:
    """A key with a lost object could otherwise never be kept again."""
    first = kept(store, workspace / "f", "one")
    store.record(action(first))
    object_file(store, first.entries[0].digest).unlink()
    second = action(kept(store, workspace / "f", "two"))
    assert store.record(second) == second


def test_a_damaged_action_file_is_a_miss(store: Store, workspace: Path) -> None:
    """Told as absent, and replaced by the next record of the key."""
    made = action(kept(store, workspace / "f"))
    store.record(made)
    corrupt(action_file(store, made.key))
    assert store.action(made.key) is None
    store.record(made)
    assert store.action(made.key) == made


def test_an_action_file_under_another_key_is_a_miss(store: Store, workspace: Path) -> None:
    """A whole file in the wrong place answers for nothing."""
    manifest = kept(store, workspace / "f")
    for number in (1, 2):
        store.record(action(manifest, number))
    action_file(store, key(2)).chmod(0o644)
    shutil.copy(action_file(store, key(1)), action_file(store, key(2)))
    assert store.action(key(2)) is None


def test_results_of_ten_thousand_keys_are_one_query(store: Store, workspace: Path) -> None:
    """The number of statements does not grow with the number of keys."""
    store.record(action(kept(store, workspace / "f")))
    statements: list[str] = []
    store._database.connection.set_trace_callback(statements.append)
    assert set(store.results([key(number) for number in range(10_000)])) == {key(1)}
    assert len(statements) == 1


def test_traces_of_a_key_newest_first(store: Store, workspace: Path) -> None:
    """Actions that are named by key and trace are found by the key."""
    manifest = kept(store, workspace / "f")
    for number in (1, 2):
        store.record(action(manifest, number, base_key=key(50)))
    store.record(action(manifest, 3))
    found = store.traced([key(50), key(3)])
    assert [row.key for row in found[key(50)]] == [key(2), key(1)]
    assert found[key(50)][0].has_trace
    assert set(found) == {key(50)}


def test_by_shallow_key(store: Store, workspace: Path) -> None:
    """The newest action with the shallow key."""
    manifest = kept(store, workspace / "f")
    for number in (1, 2):
        store.record(action(manifest, number, shallow_key=key(60)))
    found = store.by_shallow(key(60))
    assert found is not None
    assert found.key == key(2)
    assert store.by_shallow(key(1)) is None


def test_texts_that_are_not_utf8_do_not_stop_a_record(store: Store, workspace: Path) -> None:
    """Paths may hold any byte; the action file has them as they were."""
    made = action(kept(store, workspace / "f"), params={"path": "\udcff"}, held_back="reads \udcff")
    store.record(made)
    assert store.action(made.key) == made
    assert store.list_actions()[0].held_back == "reads ?"


# --- aliases


def test_an_alias_answers_for_its_key(store: Store, workspace: Path) -> None:
    """In results() and action(), with the key of the action itself."""
    made = action(kept(store, workspace / "f"))
    store.record(made)
    store.alias(key(8), made.key)
    assert store.results([key(8)])[key(8)].key == made.key
    assert store.action(key(8)) == made


def test_an_alias_goes_before_the_keys_own_action(store: Store, workspace: Path) -> None:
    """It was made because the key's own action had recorded other inputs."""
    store.record(action(kept(store, workspace / "f", "one"), 1))
    store.record(action(kept(store, workspace / "f", "two"), 2))
    store.alias(key(1), key(2))
    assert store.results([key(1)])[key(1)].key == key(2)


def test_a_new_action_goes_before_an_older_alias(store: Store, workspace: Path) -> None:
    """Executed after all, the key answers for itself, also after a rebuild."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest, 2))
    store.alias(key(1), key(2))
    store.record(action(manifest, 1))
    assert store.results([key(1)])[key(1)].key == key(1)
    store.rebuild()
    assert store.results([key(1)])[key(1)].key == key(1)


def test_an_alias_needs_an_action(store: Store) -> None:
    """It promises nothing that is not there."""
    with pytest.raises(StoreError) as caught:
        store.alias(key(1), key(2))
    assert caught.value.slug == "missing-action"


# --- questions about tasks


def test_known_at_any_key(store: Store, workspace: Path) -> None:
    """By project, family and parameters, whatever the code was; many at once too."""
    store.record(action(kept(store, workspace / "f"), 1))
    assert store.known("weather", "Clean", digest(1))
    asked = [
        ("weather", "Clean", digest(1)),
        ("weather", "Clean", digest(2)),
        ("weather", "Other", digest(1)),
        ("elsewhere", "Clean", digest(1)),
    ]
    assert store.known_many(asked) == {asked[0]}


def test_adopted_keys(store: Store, workspace: Path) -> None:
    """Those whose files were there before luisy."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest, 1, adopted=True))
    store.record(action(manifest, 2))
    assert store.adopted_keys() == {key(1)}


def test_nearest_prefers_equal_parameters(store: Store, workspace: Path) -> None:
    """What `why` compares with: same parameters first, else the newest of the family."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest, 1))
    store.record(action(manifest, 2))
    assert store.nearest("weather", "Clean", digest(1)) == key(1)
    assert store.nearest("weather", "Clean", digest(99)) == key(2)
    assert store.nearest("weather", "Other", digest(1)) is None


def test_what_was_recorded_of_many_tasks_is_asked_for_at_once(store: Store, workspace: Path) -> None:
    """Key, fingerprint and inputs of each action, newest first, by task; of others nothing."""
    manifest = kept(store, workspace / "f")
    first, second = action(manifest, 1), action(manifest, 2, params_digest=digest(1), fingerprint=digest(77))
    store.record(first)
    store.record(second)
    known, unknown = ("weather", "Clean", digest(1)), ("weather", "Clean", digest(99))
    found = store.recorded([known, unknown])
    assert set(found) == {known}
    assert [(row.key, row.fingerprint) for row in found[known]] == [
        (key(2), digest(77)),
        (key(1), first.fingerprint),
    ]
    assert found[known][1].inputs == tuple(item.digest for item in first.inputs)


def test_a_store_has_a_pseudonym_that_tells_no_secret(store: Store, tmp_path: Path) -> None:
    """12 digits: the same whenever it is asked, others for another store, and no part of the secret."""
    name = store.pseudonym()
    assert re.fullmatch("[0-9a-f]{12}", name)
    assert name == store.pseudonym()
    assert name not in store.secret().hex()
    with Store.open(tmp_path / "another") as another:
        assert another.pseudonym() != name


def test_actions_are_listed_newest_first(store: Store, workspace: Path) -> None:
    """All, or one family's; long parameters are left to the action file."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest, 1))
    store.record(action(manifest, 2, family="Other", params={"long": "x" * 1000}))
    assert [row.key for row in store.list_actions()] == [key(2), key(1)]
    (row,) = store.list_actions(family="Clean")
    assert (row.project, row.family, row.params) == ("weather", "Clean", {"year": "1"})
    assert store.list_actions(family="Other")[0].params is None


# --- abbreviations


def test_a_prefix_finds_every_kind(store: Store, workspace: Path) -> None:
    """Actions, aliases, objects and rescued files, by 6 digits or an odd number of them."""
    made = action(kept(store, workspace / "f"), 1, key=Key("abcdef1" + "0" * 57))
    store.record(made)
    store.alias(Key("abcdef2" + "0" * 57), made.key)
    assert {(match.kind, match.name[:7]) for match in store.find("ABCDEF")} == {
        (MatchKind.ACTION, "abcdef1"),
        (MatchKind.ALIAS, "abcdef2"),
    }
    assert [match.name for match in store.find("abcdef1")] == [made.key]
    name = store.rescue(str(workspace / "f"))
    assert {match.kind for match in store.find(name)} == {MatchKind.OBJECT, MatchKind.RESCUED}


@pytest.mark.parametrize("prefix", ["", "abcde", "abcdeg", "ab cdef", "a" * 65, "%" * 8])
def test_what_is_no_prefix_is_a_usage_error(store: Store, prefix: str) -> None:
    """Fewer than six digits, or something else."""
    with pytest.raises(UsageError) as caught:
        store.find(prefix)
    assert caught.value.slug == "bad-prefix"


# --- the workspace


def test_a_rescued_file_can_be_had_again(store: Store, workspace: Path) -> None:
    """Its bytes are an object, and a record says where it was."""
    (workspace / "f").write_text("edited by hand")
    name = store.rescue(str(workspace / "f"))
    (workspace / "f").unlink()
    assert store.get(name) == b"edited by hand"
    assert [(row.digest, row.path) for row in store.rescued()] == [(name, str(workspace / "f"))]


def test_a_rescued_folder_is_its_manifest(store: Store, workspace: Path) -> None:
    """And can be restored."""
    (workspace / "d").mkdir()
    (workspace / "d" / "f").write_text("abc")
    name = store.rescue(str(workspace / "d"))
    store.restore(store.manifests([name])[name], {b"": str(workspace / "again")})
    assert (workspace / "again" / "f").read_text() == "abc"


def test_a_rescued_executable_is_its_manifest(store: Store, workspace: Path) -> None:
    """So that it can be restored as it was; its bytes are an object, too."""
    (workspace / "f").write_text("#!/bin/sh")
    (workspace / "f").chmod(0o755)
    name = store.rescue(str(workspace / "f"))
    store.restore(store.manifests([name])[name], {b"": str(workspace / "again")})
    assert (workspace / "again").read_text() == "#!/bin/sh"
    assert os.access(workspace / "again", os.X_OK)


def test_the_first_use_of_a_workspace_stays(store: Store) -> None:
    """Later uses do not move it."""
    assert store.first_used("/w") is None
    store.mark_used("/w")
    first = store.first_used("/w")
    store.mark_used("/w")
    assert store.first_used("/w") == first is not None


# --- facts


def test_status_counts(store: Store, workspace: Path) -> None:
    """Two results of the same bytes are stored once, and the ratio says so."""
    manifest = kept(store, workspace / "f", "x" * 1000)
    for number in (1, 2):
        store.record(action(manifest, number, size=1000))
    status = store.status()
    assert (status.objects, status.actions, status.result_bytes) == (2, 2, 2000)
    assert 1.0 < status.dedup_ratio < 2.0


def test_the_secret_stays_and_is_private(tmp_path: Path) -> None:
    """32 bytes, the same in every process, readable for its owner only, in no repr."""
    with Store.open(tmp_path) as one, Store.open(tmp_path) as other:
        assert one.secret() == other.secret()
        assert len(one.secret()) == 32
        assert one.secret().hex() not in repr(one)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "tmp") == []


def test_of_two_secrets_the_first_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process makes one between our look and our file: ours is thrown away, not theirs."""
    with Store.open(tmp_path) as one, Store.open(tmp_path) as other:
        theirs: list[bytes] = []

        def late(path: str, data: bytes, mode: int) -> None:
            monkeypatch.undo()
            theirs.append(other.secret())
            write_new(path, data, mode)

        monkeypatch.setattr("luisy.cas.secret.write_new", late)
        assert [one.secret()] == theirs


# --- opening


def test_no_store_is_made_unless_asked(tmp_path: Path) -> None:
    """Read-only commands leave nothing behind."""
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "store", create=False)
    assert caught.value.slug == "no-store"
    assert os.listdir(tmp_path) == []


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file stands in the way."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "file" / "store")
    assert (caught.value.slug, caught.value.exit_code) == ("store-unwritable", ExitCode.USAGE)


def test_an_ephemeral_store_hashes_and_keeps_nothing(workspace: Path) -> None:
    """It answers every question, and refuses to promise bytes."""
    (workspace / "f").write_text("abc")
    with Store.ephemeral() as store:
        manifest = store.snapshot([(b"", str(workspace / "f"))])
        assert store.check(manifest.objects) == set()
        assert store.results([key(1)]) == {}
        assert not store.known("p", "F", digest(1))
        store.place([Placement("/w/f", manifest.digest, b"t", LinkMode.COPY)])
        assert set(store.placements(["/w/f"])) == {"/w/f"}
        assert len(store.secret()) == 32
        store.sync()
        for call in (lambda: store.put(b"x"), lambda: store.keep([(b"", str(workspace / "f"))])):
            with pytest.raises(StoreError) as caught:
                call()
            assert caught.value.slug == "no-store"
    assert os.listdir(workspace) == ["f"]


@pytest.mark.parametrize("wal", [False, True], ids=["checkpointed", "with a WAL"])
def test_a_read_only_store_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, wal: bool) -> None:
    """Results come from it, whether or not its last rows are in the WAL still; putting is refused."""
    (tmp_path / "w").mkdir()
    writer = Store.open(tmp_path / "store")
    made = action(kept(writer, tmp_path / "w" / "f"))
    writer.record(made)
    shutil.copytree(tmp_path / "store", tmp_path / "copy")  # the WAL is there while the writer has it open
    writer.close()
    # Root may write everywhere, so the answer of the system is given in its place.
    monkeypatch.setattr("luisy.cas.store.os.access", lambda *_: False)
    folder = tmp_path / ("copy" if wal else "store")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with Store.open(folder) as store:
        assert store.read_only
        assert store.action(made.key) == made
        found = store.manifests([made.manifest])[made.manifest]
        store.restore(found, {b"": str(tmp_path / "w" / "g")})
        assert (tmp_path / "w" / "g").read_text() == "abc"
        store.snapshot([(b"", str(tmp_path / "w" / "g"))])
        store.sync()
        with pytest.raises(StoreError) as caught:
            store.put(b"x")
        assert caught.value.slug == "store-read-only"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_read_only_store_with_a_damaged_object_is_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object is a miss, and nothing is quarantined."""
    with Store.open(tmp_path) as writer:
        name = writer.put(b"abc")
    corrupt(object_file(writer, name))
    monkeypatch.setattr("luisy.cas.store.os.access", lambda *_: False)
    with Store.open(tmp_path) as store:
        assert store.check([name]) == set()
        with pytest.raises(NoSuchResult):
            store.get(name)
    assert object_file(store, name).exists()


# --- an index that cannot be read


def test_an_index_damaged_in_the_middle_is_told(tmp_path: Path) -> None:
    """The header being whole, the damage shows in a query: still one clear error."""
    with Store.open(tmp_path) as store, store.transaction():
        names = [store.put(str(number).encode()) for number in range(3000)]
    path = tmp_path / "index.db"
    data = bytearray(path.read_bytes())
    data[8192:] = bytes(byte ^ 0x5A for byte in data[8192:])
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptionError) as caught, Store.open(tmp_path) as store:
        store.check(names)
    assert caught.value.slug == "corrupt-index"


# --- transactions of the index


def test_a_busy_index_is_told(store: Store) -> None:
    """Another process that holds the index too long is a StoreError, and nothing is left in tmp/."""
    store._database.connection.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(store.path / "index.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            store.put(b"abc")
        assert caught.value.slug == "store-busy"
        other.execute("ROLLBACK")
    assert os.listdir(store.path / "tmp") == []
    assert store.get(store.put(b"abc")) == b"abc"


def test_collected_puts_are_visible_to_every_question(store: Store, workspace: Path) -> None:
    """Inside transaction() too, whatever reads the store sees what was put."""
    with store.transaction():
        name = store.put(b"abc")
        assert store.get(name) == b"abc"
        manifest = kept(store, workspace / "f")
        assert store.record(action(manifest)).manifest == manifest.digest
        assert set(store.placements([str(workspace / "f")])) == {str(workspace / "f")}


def test_an_error_in_a_transaction_leaves_no_temporary(store: Store) -> None:
    """What was collected and not written is given up."""

    def put_and_fail() -> None:
        with store.transaction():
            store.put(b"abc")
            store.put("/nothing/is/here")

    with pytest.raises(FileNotFoundError):
        put_and_fail()
    assert os.listdir(store.path / "tmp") == []
    assert store.status().objects == 0


def test_collecting_takes_few_transactions(store: Store) -> None:
    """1,000 objects are installed in a handful of commits."""
    statements: list[str] = []
    store._database.connection.set_trace_callback(statements.append)
    with store.transaction():
        for number in range(1000):
            store.put(str(number).encode())
    assert sum(statement == "COMMIT" for statement in statements) <= 3
    assert store.status().objects == 1000


def test_the_wal_is_moved_into_the_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then while the store is open, and wholly when it is closed: an idle store has no WAL to copy."""
    wal = store.path / "index.db-wal"
    monkeypatch.setattr("luisy.cas.database._CHECKPOINT_BYTES", 100_000)
    sizes = []
    for number in range(200):
        store.put(str(number).encode())
        sizes.append(wal.stat().st_size)
    assert any(later < earlier for earlier, later in pairwise(sizes))
    store.close()
    assert not wal.exists() or wal.stat().st_size == 0


def test_what_external_files_were_is_remembered(store: Store) -> None:
    """Names that are not UTF-8 included; the last word on each name counts."""
    files = ExternalFiles("raw/a", digest(1), ((b"\xff", "/data/\udcff"), (b"", "/data/b")))
    store.note_externals("weather", [files])
    hashed = replace(files, name="raw/b", url="memory:x", raw={"b": RawBlob("etag", 3)})
    store.note_externals("weather", [replace(files, content=digest(2)), hashed])
    store.note_externals("other", [files])
    assert store.externals("weather") == {"raw/a": replace(files, content=digest(2)), "raw/b": hashed}


def test_files_that_are_taken_in_stay_their_owners(store: Store, tmp_path: Path) -> None:
    """Their bytes are kept, and no path counts as written by luisy."""
    path = tmp_path / "a"
    path.write_bytes(b"a")
    manifest = store.take_in([(b"", str(path))])
    assert store.get(manifest.entries[0].digest) == b"a"
    assert store.manifests([manifest.digest]) == {manifest.digest: manifest}
    assert store.placements([str(path)]) == {}


def test_a_temporary_folder_lies_in_the_store_and_goes(store: Store) -> None:
    """So that what is kept of it is on the same file system; whatever is left in it."""
    with store.temporary_folder() as folder:
        Path(folder, "a").write_bytes(b"a")
        assert Path(folder).is_relative_to(store.path)
    assert not os.path.exists(folder)


def test_the_next_temporary_folder_removes_that_of_a_killed_process(store: Store) -> None:
    """What was fetched for a look at raw files may be large; nobody waits for gc."""
    leave_a_folder(store)
    with store.temporary_folder() as folder, store.temporary_folder() as other:
        assert sorted(os.listdir(store.path / "tmp")) == sorted(map(os.path.basename, (folder, other)))
    assert os.listdir(store.path / "tmp") == []


def test_the_first_use_of_a_workspace_outlives_the_index(tmp_path: Path) -> None:
    """Files of a run that lost the power, and the index with it, must not be taken for older than luisy."""
    with Store.open(tmp_path / "s") as store, store.running():
        pass
    began = (tmp_path / "s" / "runs.lock").stat().st_mtime - 1000
    os.utime(tmp_path / "s" / "runs.lock", (began, began))
    with Store.open(tmp_path / "s") as store:
        store.mark_used("/workspace")
        assert store.first_used("/workspace") == began
        store.mark_used("/another")
        assert (store.first_used("/another") or 0) > began + 500
