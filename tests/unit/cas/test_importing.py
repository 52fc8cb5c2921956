"""Results from one store to another in a file: what comes, what stays, and that nothing bad is filed."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store, actions, collecting, exporting, gc, importing, manifests, verify
from luisy.cas.exports import Head, Member, Part, Reader, Writer
from luisy.cas.hashing import digest_bytes
from luisy.cas.receiving import Received
from luisy.cas.records import Alias
from luisy.errors import CorruptionError, NoSuchResult
from luisy.model import Digest, Entry, EntryKind
from tests.unit.cas.exported import LARGE, exported, fill
from tests.unit.cas.values import action, corrupt, kept, key, object_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from luisy.cas.importing import Imported


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """The store that is imported into."""
    with Store.open(tmp_path / "other") as opened:
        yield opened


def take(store: Store, data: bytes) -> Imported:
    """Import *data*."""
    return importing.take(store, io.BytesIO(data))


def is_sound(store: Store) -> bool:
    """Whether verify finds nothing, and nothing is left in ``tmp/``."""
    return not verify.inspect(store).problems and not os.listdir(store.path / "tmp")


def rewritten(data: bytes, members: Sequence[tuple[Member, bytes]]) -> bytes:
    """An export of what is in *data* with *members* in place of, or beside, those of the same names."""
    reader = Reader(io.BytesIO(data))
    found = {member.path: (member, b"".join(reader.pieces())) for member in reader.members()}
    found |= {member.path: (replace(member, size=len(body)), body) for member, body in members}
    return joined(list(found.values()))


def without(data: bytes, part: Part, name: str) -> bytes:
    """An export of what is in *data* but one member."""
    reader = Reader(io.BytesIO(data))
    found = [(member, b"".join(reader.pieces())) for member in reader.members()]
    return joined([(member, body) for member, body in found if (member.part, member.name) != (part, name)])


def joined(members: Sequence[tuple[Member, bytes]]) -> bytes:
    """A well-formed export of *members*."""
    count = {part: sum(member.part is part for member, _ in members) for part in Part}
    size = sum(len(body) for member, body in members if member.part is Part.OBJECT)
    target = io.BytesIO()
    writer = Writer(target, Head(count[Part.OBJECT], size, count[Part.ACTION], count[Part.ALIAS]))
    for member, body in sorted(members, key=lambda one: one[0].place):
        writer.begin(member)
        writer.write(body)
    writer.end()
    return target.getvalue()


def test_all_of_a_result_comes(store: Store, other: Store, workspace: Path) -> None:
    """Actions, outputs with links, empty folders and odd names, explanations and aliases; nothing else."""
    fill(store, workspace)
    store.put(b"not part of any result")
    done = take(other, exported(store))
    assert (done.actions, done.present, done.outvoted, done.aliases) == ([key(1), key(2)], 0, [], 1)
    assert (done.objects, done.bytes) == (7, sum(store.sizes(other_objects(other)).values()))
    assert other.actions([key(1), key(2), key(9)]) == store.actions([key(1), key(2), key(9)])
    (manifest,) = other.manifests([store.results([key(1)])[key(1)].manifest]).values()
    other.restore(manifest, {b"": str(workspace / "again")})
    assert os.readlink(workspace / "again" / "link") == "caf\udce9"
    assert sorted(os.listdir(workspace / "again")) == sorted(["empty", "link", "caf\udce9"])
    assert is_sound(other)


def other_objects(store: Store) -> list[Digest]:
    """All objects of a store."""
    return [Digest(row[0].hex()) for row in store.database.query("SELECT digest FROM objects")]


def test_equal_results_make_equal_files(store: Store, other: Store, workspace: Path) -> None:
    """The order in which results were made, or are named, says nothing; nor does the way through another store."""
    fill(store, workspace)
    data = exported(store)
    assert exported(store, key(2), key(9)) == data
    take(other, without(data, Part.ALIAS, key(9)))
    assert exported(other) == without(data, Part.ALIAS, key(9))


def test_importing_twice_changes_nothing(store: Store, other: Store, workspace: Path) -> None:
    """The second time everything is there: no object is written, and no row changes."""
    fill(store, workspace)
    take(other, exported(store))
    before = list(other.database.connection.iterdump())
    done = take(other, exported(store))
    assert (done.actions, done.present, done.aliases, done.objects, done.bytes) == ([], 2, 0, 0, 0)
    assert list(other.database.connection.iterdump()) == before


def test_another_result_at_the_key_stays(store: Store, other: Store, workspace: Path) -> None:
    """As always in a store the first result wins; an alias to it would lead to other bytes, so it does not come."""
    fill(store, workspace)
    mine = kept(other, workspace / "mine", "mine")
    other.record(action(mine, 1))
    done = take(other, exported(store))
    assert (done.actions, done.outvoted, done.aliases) == ([key(2)], [key(1)], 0)
    assert other.results([key(1)])[key(1)].manifest == mine.digest
    assert is_sound(other)


def test_what_others_file_meanwhile_stays(store: Store, workspace: Path) -> None:
    """Between the look at a key and the filing another process may file there: that is asked in the transaction."""
    first, second = kept(store, workspace / "first", "first"), kept(store, workspace / "second", "second")
    store.record(action(first, 1))
    wanted = action(second, 1)
    received = Received(wanted, actions.encode(wanted), second)
    assert store.receive([received], only_over={}) == []
    assert store.results([key(1)])[key(1)].manifest == first.digest
    assert store.receive([received], only_over={key(1): first.digest}) == [wanted]


def test_a_result_that_lost_its_files_gives_way(store: Store, other: Store, workspace: Path) -> None:
    """A key whose result cannot be served any more takes what comes."""
    fill(store, workspace)
    mine = kept(other, workspace / "mine", "mine")
    other.record(action(mine, 1))
    object_file(other, mine.entries[0].digest).unlink()
    done = take(other, exported(store))
    assert (done.actions, done.outvoted) == ([key(1), key(2)], [])
    assert is_sound(other)


def test_a_damaged_object_is_replaced(store: Store, other: Store, workspace: Path) -> None:
    """An object that is damaged here comes again from the file."""
    fill(store, workspace)
    take(other, exported(store))
    large = store.manifests([store.results([key(2)])[key(2)].manifest])
    (name,) = next(iter(large.values())).objects
    corrupt(object_file(other, name))
    done = take(other, exported(store))
    assert (done.actions, done.present, done.objects, done.bytes) == ([], 2, 1, LARGE)
    other.check([name])
    assert is_sound(other)


def test_what_was_imported_counts_as_used_now(store: Store, other: Store, workspace: Path) -> None:
    """Old results that were just brought here do not go with the next gc."""
    fill(store, workspace)  # made in 1970
    take(other, exported(store))
    assert collecting.Collector(other, gc.Policy(90 * 86400.0)).plan().results == ()


def test_a_file_that_is_cut_off_leaves_no_result(store: Store, other: Store, workspace: Path) -> None:
    """Wherever the cut is, no result is filed; objects that came wait for another attempt, or for gc."""
    fill(store, workspace)
    data = exported(store)
    for length in [*range(0, len(data), 40_009), len(data) - 1]:
        with pytest.raises(CorruptionError) as caught:
            take(other, data[:length])
        assert caught.value.slug == "bad-export"
    assert other.status().actions == other.status().aliases == 0
    assert is_sound(other)
    assert take(other, data).bytes < LARGE


@pytest.mark.parametrize("kind", ["objects", "actions", "aliases"])
def test_a_flipped_bit_leaves_no_result(store: Store, other: Store, workspace: Path, kind: str) -> None:
    """A bit of any object, action or alias: all are hashed before anything is filed."""
    fill(store, workspace)
    data = exported(store)
    reader = Reader(io.BytesIO(data))
    members = [member for member in reader.members() if member.part.value == kind and member.size]
    for member in members:
        changed = bytearray(data)
        changed[data.index(member.path.encode()) + 512 + member.size // 2] ^= 4
        with pytest.raises(CorruptionError) as caught:
            take(other, bytes(changed))
        assert caught.value.slug == "bad-export"
    assert members
    assert other.status().actions == other.status().aliases == 0
    assert is_sound(other)


def test_an_action_without_all_its_objects_is_refused_with_the_file(
    store: Store, other: Store, workspace: Path
) -> None:
    """A file that promises what it does not hold leaves no result, not even the whole ones."""
    fill(store, workspace)
    data = exported(store)
    manifest = store.results([key(1)])[key(1)].manifest
    needed = store.manifests([manifest])[manifest].objects
    for place, name in enumerate((manifest, *needed)):
        with Store.open(other.path.with_name(f"new-{place}")) as fresh:
            with pytest.raises(CorruptionError, match="lacks files of Clean"):
                take(fresh, without(data, Part.OBJECT, name))
            assert fresh.status().actions == 0


def test_what_explains_a_result_may_be_missing(store: Store, other: Store, workspace: Path) -> None:
    """Parts of keys and sources are not needed to serve a result; a pull may have left them out, too."""
    fill(store, workspace)
    parts = store.actions([key(1)])[key(1)].parts
    assert parts is not None
    assert take(other, without(exported(store), Part.OBJECT, parts)).actions == [key(1), key(2)]


def test_an_action_under_another_key_is_refused(store: Store, other: Store, workspace: Path) -> None:
    """The name of a member is no more than a name: the record says what the key is."""
    fill(store, workspace)
    found = store.actions([key(2)])[key(2)]
    data = rewritten(exported(store), [(Member(Part.ACTION, key(5), 0), actions.encode(found))])
    with pytest.raises(CorruptionError, match="another key"):
        take(other, data)


def test_an_alias_leads_to_a_result_of_the_file(store: Store, other: Store, workspace: Path) -> None:
    """An alias may not be used to redirect keys to what the store has."""
    fill(store, workspace)
    other.record(action(kept(other, workspace / "mine", "mine"), 5))
    alias = Alias(key(8), key(5), 1.0)
    with pytest.raises(CorruptionError, match="not in the file"):
        take(other, rewritten(exported(store), [(Member(Part.ALIAS, key(8), 0), alias.encode())]))
    assert other.results([key(8)]) == {}


def test_a_manifest_that_lies_about_sizes_is_refused(store: Store, other: Store, workspace: Path) -> None:
    """Sizes in a manifest are those of its objects: counts and policies rely on them."""
    fill(store, workspace)
    body = b"three"
    lie = manifests.manifest_of([Entry(b"", EntryKind.FILE, digest_bytes(body), 1 << 60)])
    record = actions.encode(action(lie, 5))
    data = rewritten(
        exported(store),
        [
            (Member(Part.OBJECT, digest_bytes(body), 0), body),
            (Member(Part.OBJECT, lie.digest, 0), manifests.encode(lie)),
            (Member(Part.ACTION, key(5), 0), record),
        ],
    )
    with pytest.raises(CorruptionError, match="lacks files"):
        take(other, data)
    assert other.status().actions == 0


_KILLED = """
import sys
from luisy.cas import Store, importing

class Slow:
    def __init__(self): self.file = open(sys.argv[2], "rb")
    def read(self, size=-1):
        data = self.file.read(size)
        if self.file.tell() >= int(sys.argv[3]):
            print("there", flush=True)
            sys.stdin.read()
        return data

with Store.open(sys.argv[1]) as store:
    importing.take(store, Slow())
"""


def test_a_killed_import_leaves_no_result(store: Store, other: Store, workspace: Path) -> None:
    """Killed in the middle of an object or of the records: verify is clean, and the next import completes."""
    fill(store, workspace)
    data = exported(store)
    (workspace / "export").write_bytes(data)
    for place in (len(data) // 2, len(data) - 1024):
        child = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(other.path), str(workspace / "export"), str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"there\n"
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert other.status().actions == 0
        assert not verify.inspect(other).problems
    assert take(other, data).actions == [key(1), key(2)]


def test_memory_does_not_grow_with_objects(store: Store, tmp_path: Path) -> None:
    """An object larger than the memory that a process may have comes and goes in pieces."""
    size = 200 << 20
    with open(tmp_path / "large", "wb") as file:
        file.truncate(size)
    store.record(action(store.keep([(b"", str(tmp_path / "large"))]), 1, size=size))
    code = (
        "import resource, sys; from luisy.cas import Store, exporting, importing\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (150 << 20, 150 << 20))\n"
        "with Store.open(sys.argv[1]) as store, open(sys.argv[3], 'wb') as file:\n"
        "    exporting.write(store, exporting.plan(store, [f'{1:064x}']), file)\n"
        "with Store.open(sys.argv[2]) as store, open(sys.argv[3], 'rb') as file:\n"
        "    assert importing.take(store, file).bytes > 200 << 20\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(store.path), str(tmp_path / "other"), str(tmp_path / "export")],
        check=True,
    )


def test_what_is_not_there_cannot_be_exported(store: Store, workspace: Path) -> None:
    """A key without a result, and a result without its files, are named."""
    with pytest.raises(NoSuchResult, match="no result at"):
        exporting.plan(store, [key(3)])
    manifest = kept(store, workspace / "file")
    store.record(action(manifest, 1))
    object_file(store, manifest.entries[0].digest).unlink()
    with pytest.raises(NoSuchResult, match="not all files of Clean"):
        exporting.plan(store, [key(1)])


def test_bytes_that_are_not_what_was_planned_are_not_exported(store: Store, workspace: Path) -> None:
    """Objects are hashed on their way out: wrong bytes end the export with exit code 4."""
    fill(store, workspace)
    made = exporting.plan(store, [key(2)])
    shorter = replace(made, objects={name: size - (size == LARGE) for name, size in made.objects.items()})
    with pytest.raises(CorruptionError) as caught:
        exporting.write(store, shorter, io.BytesIO())
    assert (caught.value.slug, caught.value.exit_code) == ("damaged-object", 4)


def test_an_object_that_is_damaged_is_not_exported(store: Store, workspace: Path) -> None:
    """A bit that flipped since it was written is found, and the result counts as gone."""
    fill(store, workspace)
    made = exporting.plan(store, [key(2)])
    corrupt(object_file(store, next(name for name, size in made.objects.items() if size == LARGE)))
    with pytest.raises(NoSuchResult):
        exporting.write(store, made, io.BytesIO())
