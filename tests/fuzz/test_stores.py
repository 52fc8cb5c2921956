"""A store whose files somebody or something has changed: every command answers, refuses, or misses."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy.cas import Store, browsing, collecting, exporting, gc, importing, output_names, verify
from luisy.cas.exports import Head, Member, Part, Reader, Writer
from luisy.cas.searching import MatchKind
from luisy.cas.soundness import expect_sound
from luisy.errors import CorruptionError, LuisyError
from tests.fuzz import samples
from tests.fuzz.bounds import answer, bounded_memory, fuzzed
from tests.fuzz.changes import ODD_NUMBERS, changed, texts, values, with_one_changed
from tests.fuzz.test_decoders import sealed
from tests.unit.cas.exported import fill
from tests.unit.cas.values import action, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from luisy.model import Key

pytestmark = pytest.mark.slow

DAY = 86400.0


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with results, an alias, a rescued file, a pin and a superseded key."""
    folder = tmp_path_factory.mktemp("pristine")
    with Store.open(folder / "store") as store:
        fill(store, folder / "workspace")
        (folder / "file").write_text("edited")
        store.rescue(str(folder / "file"))
        store.pin("paper", key(1))
        made = store.keep([(b"one", str(folder / "file")), (b"two", str(folder / "workspace" / "folder"))])
        store.record(action(made, 2, size=made.size, params={"long": "x" * 400}), superseding=True)
        store.note_uses([key(1)])
        store.note_complete_run("weather", [key(2)])
    return folder / "store"


@pytest.fixture
def copied(pristine: Path, tmp_path: Path) -> Callable[[], Path]:
    """A fresh copy of the store, in place of the one before."""

    def copy() -> Path:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(pristine, tmp_path / "copy" / "store")
        return tmp_path / "copy" / "store"

    return copy


def uses(store: Store, folder: Path) -> Iterator[Callable[[], object]]:
    """What commands do with a store, one after the other."""
    yield store.status
    yield lambda: verify.inspect(store)
    yield store.list_actions
    yield lambda: [browsing.public_params(store, item) for item in store.list_actions()]
    yield lambda: collecting.Collector(store, gc.Policy(DAY, max_size=1)).plan()
    yield lambda: [browsing.rescued_document(record) for record in store.rescued()]
    yield store.pins
    yield store.acceptances
    for number in (1, 2, 3, 9):
        yield lambda number=number: shown(store, key(number))  # type: ignore[misc]
        yield lambda number=number: restored(store, key(number), folder)  # type: ignore[misc]
    yield lambda: store.known("weather", "Clean", action("0" * 64).params_digest)  # type: ignore[arg-type]
    yield lambda: exporting.plan(store, [key(1)])
    yield lambda: verify.repair(store, verify.inspect(store))
    yield lambda: collecting.Collector(store, gc.Policy(0, max_size=1)).collect(
        collecting.Collector(store, gc.Policy(0, max_size=1)).plan()
    )
    yield store.rebuild


def shown(store: Store, name: Key) -> None:
    """What ``cas show`` prints, for people and as JSON."""
    match = browsing.one_match(store, name, (MatchKind.ALIAS, MatchKind.ACTION))
    json.dumps(browsing.action_document(store, match)).encode()


def restored(store: Store, name: Key, folder: Path) -> None:
    """Put a result in place; nothing but its outputs may change, and these hold what was kept."""
    before = outside(folder)
    results = store.results([name])
    if name in results:
        for manifest in store.manifests([results[name].manifest]).values():
            names = output_names(manifest)
            store.restore(manifest, {output: str(folder / "out" / output.hex()) for output in names})
    assert outside(folder) == before


def outside(folder: Path) -> dict[str, Any]:
    """Everything beside the outputs."""
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*") if "out" not in path.parts}


def everything_answers(path: Path) -> None:
    """Open the store at *path* and use it in all ways."""
    folder = path.parent / "workspace"
    folder.mkdir(exist_ok=True)
    with bounded_memory():
        try:
            store = Store.open(path)
        except LuisyError:
            return
        try:
            for use in uses(store, folder):
                with contextlib.suppress(LuisyError):
                    _used(store, use)
        finally:
            with contextlib.suppress(LuisyError):
                store.close()


def _used(store: Store, use: Callable[[], object]) -> None:
    """Any other error than luisy's own is one that the command line can explain: by an index that cannot be."""
    try:
        use()
    except (LuisyError, AssertionError, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - which one is what this is about
        with pytest.raises(CorruptionError):
            expect_sound(store.database)


def test_a_sound_store_answers(copied: Callable[[], Path]) -> None:
    """The uses themselves find no fault with a sound store."""
    path = copied()
    with Store.open(path) as store:
        for number in (1, 2, 9):
            shown(store, key(number))
        verify.inspect(store)
        assert store.rebuild().damaged == ()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[" * 100_000, b""])
def test_what_explains_an_action_may_be_something_else(copied: Callable[[], Path], content: bytes) -> None:
    """Parts and sources are objects that a record names; that these are JSON is no more than its word."""
    path = copied()
    with Store.open(path) as store:
        name = store.put(content)
        store.record(replace(store.actions([key(1)])[key(1)], key=key(7), parts=name, sources=name))
        document = browsing.action_document(store, browsing.one_match(store, key(7), (MatchKind.ACTION,)))
    assert (document["parts"], document["sources"]) == (None, None)


# --- the index


@given(data=st.data())
@fuzzed(25)
def test_a_changed_index(copied: Callable[[], Path], data: st.DataObject) -> None:
    """Bytes of SQLite's file: an error that names the index, a miss, or the truth."""
    path = copied()
    index = path / "index.db"
    index.write_bytes(data.draw(changed([index.read_bytes()])))
    everything_answers(path)


_COLUMNS = [
    ("actions", ("key", "manifest", "manifest_bytes", "inputs", "size", "seconds", "created", "params", "params_digest")),
    ("objects", ("digest", "size", "token", "epoch")),
    ("aliases", ("key", "action_key", "created")),
    ("rescued", ("digest", "path", "created")),
    ("tasks", ("project", "family")),
    ("uses", ("key", "used")),
    ("complete_runs", ("project", "keys")),
    ("pins", ("name", "key", "created")),
    ("placements", ("path", "content", "token")),
]  # fmt: skip
_STORED: st.SearchStrategy[Any] = (
    st.none()
    | st.sampled_from([number for number in ODD_NUMBERS if number < 1 << 63])
    | st.floats(allow_nan=False)
    | st.binary(max_size=70)
    | texts.filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text))
    | st.sampled_from([bytes(31), bytes(32), bytes(64), "0" * 64, "{", "[]", "null", '{"a": 1}'])
)


@given(data=st.data())
@fuzzed(40)
def test_odd_values_in_the_index(copied: Callable[[], Path], data: st.DataObject) -> None:
    """Values that SQLite holds as readily as those that luisy writes: other types, lengths and numbers."""
    path = copied()
    table, columns = data.draw(st.sampled_from(_COLUMNS))
    column = data.draw(st.sampled_from(columns))
    value = data.draw(_STORED)
    with (
        contextlib.closing(sqlite3.connect(path / "index.db")) as connection,
        contextlib.suppress(sqlite3.IntegrityError),
        connection,
    ):
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
    everything_answers(path)


# --- files that prove themselves


def record_files(path: Path) -> list[Path]:
    """All action and record files of a store."""
    return sorted(
        one for folder in ("actions", "records") for one in (path / folder).rglob("*") if one.is_file()
    )


@given(data=st.data())
@fuzzed(20)
def test_changed_files(copied: Callable[[], Path], data: st.DataObject) -> None:
    """Objects, actions and records with other bytes than their digests say."""
    path = copied()
    files = [*record_files(path), *sorted(one for one in (path / "objects").rglob("*") if one.is_file())]
    chosen = data.draw(st.sampled_from(files))
    content = chosen.read_bytes()
    chosen.chmod(0o644)
    chosen.write_bytes(data.draw(changed([content])) if len(content) < 5000 else b"cut off")
    everything_answers(path)


@given(data=st.data())
@fuzzed(30)
def test_sealed_files(copied: Callable[[], Path], data: st.DataObject) -> None:
    """Actions and records whose digests are right and whose fields are not, after a rebuild of the index."""
    path = copied()
    chosen = data.draw(st.sampled_from(record_files(path)))
    head, _, body = chosen.read_bytes().partition(b"\n")
    kind = head.split()[0].decode().removeprefix("luisy-").removesuffix("-1")
    wrong = data.draw(with_one_changed(json.loads(body), values))
    chosen.chmod(0o644)
    chosen.write_bytes(sealed(kind, json.dumps(wrong).encode()))
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (path / name).unlink(missing_ok=True)
    everything_answers(path)


# --- export files


@given(data=st.data())
@fuzzed(30)
def test_changed_exports(copied: Callable[[], Path], data: st.DataObject) -> None:
    """Whatever an import says, what it has filed can be served, and verify finds nothing."""
    with Store.open(copied()) as store:
        got = answer(lambda: importing.take(store, _file(data.draw(changed([samples.export()])))))
        assert isinstance(got, LuisyError) or got.present
        assert not verify.inspect(store).problems


@given(data=st.data())
@fuzzed(30)
def test_sealed_exports(tmp_path: Path, data: st.DataObject) -> None:
    """Members that are sealed as they should be and say what none does, in a file that is well formed."""
    reader = Reader(_file(samples.export()))
    members = [(one, b"".join(reader.pieces())) for one in reader.members()]
    number = data.draw(
        st.sampled_from([n for n, (one, _) in enumerate(members) if one.part is not Part.OBJECT])
    )
    member, body = members[number]
    wrong = json.dumps(data.draw(with_one_changed(json.loads(body.partition(b"\n")[2]), values))).encode()
    record = sealed("action" if member.part is Part.ACTION else "alias", wrong)
    members[number] = (Member(member.part, member.name, len(record)), record)
    shutil.rmtree(tmp_path / "new", ignore_errors=True)
    with Store.open(tmp_path / "new") as store:
        answer(lambda: importing.take(store, _file(_written(members))))
        assert not verify.inspect(store).problems
        for item in store.list_actions():
            shown(store, item.key)


def _file(data: bytes) -> Any:
    import io

    return io.BytesIO(data)


def _written(members: list[tuple[Member, bytes]]) -> bytes:
    target = _file(b"")
    count = {part: sum(one.part is part for one, _ in members) for part in Part}
    size = sum(one.size for one, _ in members if one.part is Part.OBJECT)
    writer = Writer(target, Head(count[Part.OBJECT], size, count[Part.ACTION], count[Part.ALIAS]))
    for member, body in members:
        writer.begin(member)
        writer.write(body)
    writer.end()
    data: bytes = target.getvalue()
    return data
