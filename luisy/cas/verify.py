"""Is everything in the store what it should be? Looked at first (:func:`inspect`), mended then (:func:`repair`).

Every object is hashed; objects and actions are compared with the index both ways. What a crash may leave (a file that
no row tells of) is an orphan and no damage: nobody was promised it, and gc sweeps it.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.cas import actions, manifests, marks
from luisy.cas._layout import Layout
from luisy.cas.action_rows import ActionRows
from luisy.cas.fanned import batches, files_in, name_of
from luisy.cas.hashing import THREADS
from luisy.cas.index import Index
from luisy.cas.noted import by_file, told_at, write_again
from luisy.cas.objects import hash_object
from luisy.cas.outputs import needed
from luisy.cas.rebuilding import DECODERS
from luisy.cas.soundness import expect_sound
from luisy.errors import CorruptionError
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas.action_rows import Result
    from luisy.cas.store import Store
    from luisy.model import Action, Manifest

    Fetch = Callable[[Sequence[Key]], None]

_AT_ONCE = 1024
"""Objects or actions that are in memory at a time, whatever the store holds."""


class Flaw(Enum):
    """What is wrong with one thing; the value is its slug."""

    DAMAGED_OBJECT = "damaged-object"
    LOST_OBJECT = "lost-object"
    DAMAGED_ACTION = "damaged-action"
    LOST_ACTION = "lost-action"
    DANGLING_ACTION = "dangling-action"
    DAMAGED_RECORD = "damaged-record"
    LOST_RECORD = "lost-record"
    WRONG_NEEDS = "wrong-needs"
    UNREADABLE_FILE = "unreadable-file"


OF_ACTIONS = frozenset({Flaw.DAMAGED_ACTION, Flaw.LOST_ACTION, Flaw.DANGLING_ACTION})


OF_RECORDS = frozenset({Flaw.DAMAGED_RECORD, Flaw.LOST_RECORD})


class Mended(Enum):
    """What became of a problem; *replaced* is what has a good one in its place by now."""

    QUARANTINED = "quarantined"
    FORGOTTEN = "forgotten"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not what it should be.

    :param name: digest of an object, key of an action; empty for a record.
    :param path: the file in question, there or not.
    :param family: the task of an action; empty where it is not known.
    :param params: its public parameters, unless they are long.
    :param mended: what was done about it; None if nothing was.
    """

    flaw: Flaw
    name: str
    path: str
    family: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    mended: Mended | None = None


@dataclass(slots=True)
class Inspection:
    """What was looked at, and what is wrong with it.

    :ivar bytes: of the objects that were hashed.
    :ivar orphans: how many ``objects``, ``actions`` and ``records`` lie on disk that the index does not know.
    """

    objects: int = 0
    bytes: int = 0
    actions: int = 0
    records: int = 0
    orphans: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    @property
    def left(self) -> list[Problem]:
        """The problems that nothing was done about."""
        return [problem for problem in self.problems if problem.mended is None]


def inspect(store: Store, *, unreadable: Iterable[str] = ()) -> Inspection:
    """Look at everything in *store*; changes nothing. Others may use the store meanwhile.

    :param unreadable: files of objects and actions that a rebuild has just left out, so that the index knows nothing
        of them any more.
    :raises CorruptionError: the index itself is damaged (``corrupt-index``).
    """
    expect_sound(store.database)
    found = _Inspector(store).inspect()
    known = {problem.path for problem in found.problems}
    found.problems += [Problem(Flaw.UNREADABLE_FILE, "", path) for path in unreadable if path not in known]
    return found


def repair(store: Store, found: Inspection, fetch: Fetch | None = None) -> None:
    """Quarantine what is damaged, and make misses of the actions that need it. *found* tells what became of what.

    :param fetch: brings good copies of the results at these keys from elsewhere, as far as it can.
    :raises StoreError: the store cannot be written.
    """
    if store.refusal is not None:
        raise store.refusal
    broken = [problem for problem in found.problems if problem.flaw in OF_ACTIONS]
    others = [problem for problem in found.problems if problem.flaw not in OF_ACTIONS]
    parts = _Parts.of(store)
    mended = [parts.mend(problem) for problem in others]
    if broken and fetch is not None:
        fetch([Key(problem.name) for problem in broken])
    mended += [parts.mend(problem) for problem in broken]
    found.problems = [parts.looked_at_again(problem) for problem in mended]


class _Inspector:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._parts = _Parts.of(store)
        self._found = Inspection()
        self._bad: set[Digest] = set()

    def inspect(self) -> Inspection:
        self._count_actions()
        for look in (self._objects, self._known_objects, self._known_actions, self._records):
            for suspect in look():
                if (confirmed := self._parts.confirmed(suspect, self._bad)) is None:
                    continue
                self._found.problems.append(confirmed)
                if suspect.flaw in (Flaw.DAMAGED_OBJECT, Flaw.LOST_OBJECT):
                    self._bad.add(Digest(suspect.name))
        return self._found

    def _objects(self) -> Iterator[Problem]:
        index = self._parts.index
        with ThreadPoolExecutor(THREADS, thread_name_prefix="luisy-verify") as pool:
            for paths in batches(files_in(self._parts.layout.objects), _AT_ONCE):
                known = set(index.sizes([Digest(name_of(path)) for path in paths]))
                for path, found in zip(paths, pool.map(hash_object, paths), strict=True):
                    digest = Digest(name_of(path))
                    self._found.objects += 1
                    self._found.bytes += 0 if found is None else found[1]
                    if digest not in known:
                        self._found.orphans["objects"] += 1
                    elif found is None or found[0] != digest:
                        yield Problem(Flaw.DAMAGED_OBJECT, digest, path)

    def _known_objects(self) -> Iterator[Problem]:
        for name in self._names("objects", "digest"):
            path = self._parts.layout.object(Digest(name))
            if not os.path.lexists(path):
                yield Problem(Flaw.LOST_OBJECT, name, path)

    def _count_actions(self) -> None:
        for paths in batches(files_in(self._parts.layout.actions), _AT_ONCE):
            known = self._parts.rows.owned([Key(name_of(path)) for path in paths])
            self._found.actions += len(paths)
            self._found.orphans["actions"] += len(paths) - len(known)

    def _known_actions(self) -> Iterator[Problem]:
        parts = self._parts
        for keys in batches(self._names("actions", "key"), _AT_ONCE):
            results = parts.rows.owned([Key(key) for key in keys])
            needs = parts.rows.needs([Key(key) for key in keys])
            wanted = {result: parts.wanted(result) for result in results}
            there = set(parts.index.sizes(sorted(set().union(*wanted.values())))) - self._bad
            for result, digests in wanted.items():
                path = parts.layout.action(result.key)
                if isinstance(action := _read(path, result.key), Flaw):
                    yield Problem(action, result.key, path)
                elif not digests or digests - there:
                    yield Problem(Flaw.DANGLING_ACTION, result.key, path)
                elif not _is_right(needs.get(result.key), result, action, digests):
                    yield Problem(Flaw.WRONG_NEEDS, result.key, path)

    def _records(self) -> Iterator[Problem]:
        for kind, decode in DECODERS.items():
            known = by_file(self._store.database, self._parts.layout, kind)
            for path in files_in(self._parts.layout.records(kind.value)):
                self._found.records += 1
                self._found.orphans["records"] += path not in known
                try:
                    decode(Path(path).read_bytes())
                except (OSError, CorruptionError):
                    yield Problem(Flaw.DAMAGED_RECORD, "", path)
            for path in known:
                if not os.path.lexists(path):
                    yield Problem(Flaw.LOST_RECORD, "", path)

    def _names(self, table: str, column: str) -> Iterator[str]:
        """The digests or keys in *table*, some at a time."""
        query = f"SELECT {column} FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT ?"  # noqa: S608 - constants
        last = b""
        while rows := self._store.database.query(query, (last, _AT_ONCE)):
            last = rows[-1][0]
            yield from (row[0].hex() for row in rows)


@dataclass(frozen=True, slots=True)
class _Parts:
    """One thing at a time, while nobody else can write."""

    store: Store
    layout: Layout
    index: Index
    rows: ActionRows

    @classmethod
    def of(cls, store: Store) -> _Parts:
        return cls(store, Layout(os.fspath(store.path)), Index(store.database), ActionRows(store.database))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody writes in the block; of a store that we may not write, nobody is supposed to."""
        if self.store.read_only:
            yield
            return
        with self.store.database.writing():
            yield

    def confirmed(self, suspect: Problem, bad: AbstractSet[Digest]) -> Problem | None:
        """*suspect*, unless it only looked so because somebody was writing."""
        with self.alone():
            if not self._stands(suspect, bad):
                return None
            if suspect.flaw not in {*OF_ACTIONS, Flaw.WRONG_NEEDS}:
                return suspect
            family, params = self.rows.task_of(Key(suspect.name))
            return replace(suspect, family=family, params=params)

    def mend(self, problem: Problem) -> Problem:
        """Take *problem* out of sight, unless that is done."""
        with self.alone():
            if not self._stands(problem):
                return replace(problem, mended=Mended.REPLACED)
            if problem.flaw is Flaw.WRONG_NEEDS:
                with self.store.database.writing() as connection:
                    self.rows.forget_needs(connection, Key(problem.name))
                return replace(problem, mended=Mended.FORGOTTEN)
            moved = False
            with suppress(FileNotFoundError):
                name = problem.name or "-".join(problem.path.split(os.sep)[-3:])
                os.replace(problem.path, self.layout.quarantined(name))
                moved = True
            if problem.flaw in OF_RECORDS and write_again(self.store.database, self.layout, problem.path):
                return replace(problem, mended=Mended.REPLACED)
            with self.store.database.writing() as connection:
                if problem.flaw in OF_ACTIONS:
                    self.rows.drop(connection, [Key(problem.name)])
                elif problem.name:
                    self.index.drop(connection, Digest(problem.name))
        return replace(problem, mended=Mended.QUARANTINED if moved else Mended.FORGOTTEN)

    def looked_at_again(self, problem: Problem) -> Problem:
        """*problem*, told as replaced where an object was fetched after it was taken out of sight."""
        if problem.flaw in OF_ACTIONS or not problem.name or self.index.object(Digest(problem.name)) is None:
            return problem
        return replace(problem, mended=Mended.REPLACED)

    def _stands(self, problem: Problem, bad: AbstractSet[Digest] = frozenset()) -> bool:
        if (
            problem.flaw is Flaw.LOST_RECORD
            and told_at(self.store.database, self.layout, problem.path) is None
        ):
            return False
        if not problem.name:
            return os.path.lexists(problem.path) is not (problem.flaw is Flaw.LOST_RECORD)
        if problem.flaw in OF_ACTIONS:
            return not self._is_whole(Key(problem.name), bad)
        if problem.flaw is Flaw.WRONG_NEEDS:
            return self._misleads(Key(problem.name))
        if self.index.object(Digest(problem.name)) is None:
            return False  # somebody else has found out
        found = hash_object(problem.path)
        return found is None or found[0] != problem.name

    def _is_whole(self, key: Key, bad: AbstractSet[Digest]) -> bool:
        """Whether nothing at *key* promises what is not there; without an action, nothing is promised."""
        result = self.rows.own(key)
        if result is None:
            return True
        wanted = self.wanted(result)
        return (
            not isinstance(_read(self.layout.action(key), key), Flaw)
            and bool(wanted)
            and set(self.index.sizes(sorted(wanted))) - bad == wanted
            and all(os.path.lexists(self.layout.object(digest)) for digest in wanted)
        )

    def _misleads(self, key: Key) -> bool:
        """Whether the index tells of the action at *key* that it needs something else than its files say."""
        result, action = self.rows.own(key), _read(self.layout.action(key), key)
        if result is None or isinstance(action, Flaw):
            return False
        wanted = self.wanted(result)
        return bool(wanted) and not _is_right(self.rows.needs([key]).get(key), result, action, wanted)

    def wanted(self, result: Result) -> set[Digest]:
        """The objects that *result* promises; none if even their list cannot be read."""
        manifest = self._manifest(result)
        return set() if manifest is None else {result.manifest, *needed([manifest])}

    def _manifest(self, result: Result) -> Manifest | None:
        try:
            found = result.outputs or manifests.decode(Path(self.layout.object(result.manifest)).read_bytes())
        except (OSError, CorruptionError):
            return None
        return found if found.digest == result.manifest else None


def _read(path: str, key: Key) -> Action | Flaw:
    try:
        found = actions.decode(Path(path).read_bytes())
    except FileNotFoundError:
        return Flaw.LOST_ACTION
    except (OSError, CorruptionError):
        return Flaw.DAMAGED_ACTION
    return found if found.key == key else Flaw.DAMAGED_ACTION


def _is_right(needs: bytes | None, result: Result, action: Action, wanted: AbstractSet[Digest]) -> bool:
    """Whether *needs* of the row of *result* is what the files say, or nothing.

    :param action: by the file. Where that is of another filing (ADR 0022), it does not tell what explains this one.
    :param wanted: the outputs with the manifest.
    """
    if needs is None:
        return True
    if (action.manifest, action.created) == (result.manifest, result.created):
        return needs == marks.packed(result.manifest, {*wanted, *actions.explaining(action)})
    told = marks.checked(bytes.fromhex(result.manifest), needs)
    return told is not None and set(map(marks.mark, wanted)) <= set(marks.unpacked(told))
