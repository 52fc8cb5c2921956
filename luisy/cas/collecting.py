"""Garbage collection of a store: the facts for a plan, and carrying it out.

Safe beside everything else that uses the store, and against a kill at any point:

1. Results go while no run is under way, and none can begin (``Store.idle``): their rows, in one transaction.
2. Rows of objects go in transactions in which it is looked again what has come to need them. Whoever files an action
   looks inside its own transaction whether the objects are there, so neither can pass the other.
3. Files without rows go, in transactions too. A kill before that leaves files that the next gc sweeps, never a row
   without its file.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.cas import gc, leftovers, manifests
from luisy.cas._layout import Layout, remove
from luisy.cas.action_rows import ActionRows
from luisy.cas.fanned import batches, files_in, name_of
from luisy.cas.filing import filing
from luisy.cas.holdings import Holdings
from luisy.cas.index import Index
from luisy.cas.locks import OWN, remove_ownerless
from luisy.cas.marks import mark
from luisy.cas.noted import by_file
from luisy.cas.outputs import needed
from luisy.cas.records import RecordKind
from luisy.cas.stock import Stock
from luisy.cas.workspace_rows import WorkspaceRows
from luisy.errors import CorruptionError, StoreError
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from luisy.cas.gc import Going, Plan, Policy
    from luisy.cas.store import Store

GRACE_SECONDS = 86400.0
"""What is younger stays though nothing refers to it: somebody may be about to."""

_AT_ONCE = 512
"""Objects that are deleted in one transaction: some milliseconds, so that others need not wait long."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a gc did.

    :param results: those that were deleted.
    :param objects: how many of the index's objects were deleted.
    :param bytes: of these.
    :param orphans: files of objects, actions and records that no row told of.
    :param temporary: files in ``tmp/``, and beside outputs in workspaces, that were left behind.
    :param running: runs are under way, so no result was deleted.
    """

    results: tuple[Going, ...] = ()
    objects: int = 0
    bytes: int = 0
    orphans: int = 0
    temporary: int = 0
    running: bool = False


class Collector:
    """Garbage collection of one store: ask it for a plan, then let it carry that out.

    :param now: seconds since the epoch.
    """

    def __init__(self, store: Store, policy: Policy, *, now: float | None = None) -> None:
        self._store = store
        self._policy = policy
        self._now = time.time() if now is None else now
        self._layout = Layout(os.fspath(store.path))
        self._index = Index(store.database)
        self._rows = ActionRows(store.database)
        self._holdings = Holdings(store, self._layout)
        self._version = -1
        self._needed: set[int] = set()

    def waits_until(self) -> float | None:
        """Until when nothing is deleted since the index was rebuilt, seconds since the epoch; None if that is over."""
        rebuilt = self._index.rebuilt()
        end = None if rebuilt is None else rebuilt + self._policy.older_than
        return end if end is not None and end > self._now else None

    def plan(self) -> Plan[int]:
        """What is to go now, its objects by their marks. Changes nothing.

        :raises CorruptionError: of a result it cannot be told what it needs (``damaged-results``).
        """
        if self.waits_until() is not None:
            return gc.Plan(bytes_left=self._index.totals()[1])
        holdings, roots = self._holdings.of(self._policy, self._now, self._protected())
        roots |= self._roots()
        stock = Stock(self._index, holdings, self._now - GRACE_SECONDS)
        return gc.plan(holdings, stock, roots, self._policy, self._now)

    def collect(self, plan: Plan[int]) -> Collected:
        """Carry *plan* out, as far as nobody has come to need what is in it.

        :raises StoreError: the store cannot be written.
        """
        if self._store.refusal is not None:
            raise self._store.refusal
        temporary = self._sweep_tmp()
        temporary += leftovers.sweep(WorkspaceRows(self._index).folders(), self._age, GRACE_SECONDS)
        if self.waits_until() is not None:
            return Collected(temporary=temporary)
        results, running = self._delete_results(plan.results)
        count, size = 0, 0
        planned = (one for one in self._index.listed() if mark(one[0]) in plan.objects)
        for batch in batches(planned, _AT_ONCE):
            deleted = self._delete_rows(dict(batch))
            count += len(deleted)
            size += sum(deleted.values())
            self._unlink([self._layout.object(digest) for digest in deleted], self._known_objects)
        orphans = self._sweep(self._layout.objects, self._known_objects)
        orphans += self._sweep(self._layout.actions, self._known_actions)
        orphans += sum(self._sweep_records(kind) for kind in RecordKind)
        with suppress(StoreError):  # a disk that is full still: the next gc reads what this one has read
            self._holdings.write_down()
        return Collected(results, count, size, orphans, temporary, running)

    # --- facts

    def _protected(self) -> set[Key]:
        """The results that stay, whatever the policy says."""
        return {*self._store.pinned(), *self._store.complete_runs()}

    def _roots(self) -> set[int]:
        """The marks of what something else than actions needs: rescued files, and the content of raw ones."""
        names = {record.digest for record in self._store.rescued()}
        for table in ("externals", "seen_refs"):
            rows = self._store.database.query(f"SELECT DISTINCT manifest FROM {table}")  # noqa: S608 - constants
            names.update(Digest(row[0].hex()) for row in rows)
        for digest in list(names):
            with suppress(OSError, CorruptionError):  # a bare file is no manifest
                names |= needed([manifests.decode(Path(self._layout.object(digest)).read_bytes())])
        return set(map(mark, names))

    def _age(self, path: str) -> float:
        """Seconds since a file was written or came to its name; what is not there is old."""
        try:
            status = os.lstat(path)
        except OSError:
            return float("inf")
        return self._now - max(status.st_mtime, status.st_ctime)

    # --- deeds

    def _delete_results(self, wanted: Sequence[Going]) -> tuple[tuple[Going, ...], bool]:
        """Delete results, but those that were used, pinned or made anew since the plan; and whether runs forbid it."""
        with self._store.idle() as idle:
            if not idle or not wanted:
                return (), not idle
            with self._store.database.writing() as connection:
                uses, protected = self._store.uses(), self._protected()
                now = {one.key: one for one in self._rows.owned([one.holding.key for one in wanted])}
                results = tuple(
                    one
                    for one in wanted
                    if (key := one.holding.key) in now
                    and key not in protected
                    and max(now[key].created, uses.get(key, 0.0)) <= one.holding.used
                )
                keys = [one.holding.key for one in results]
                self._rows.drop(connection, keys)
                connection.executemany("DELETE FROM uses WHERE key = ?", [(bytes.fromhex(k),) for k in keys])
            self._unlink([self._layout.action(key) for key in keys], self._known_actions)
            self._drop_what_led_to(set(keys))
        return results, False

    def _drop_what_led_to(self, keys: set[Key]) -> None:
        """Aliases and acceptances of results that were deleted; no file stays that a rebuild would bring back."""
        self._store.withdraw([one.key for one in self._store.acceptances() if one.action_key in keys])
        with filing(self._store.database, self._layout, self._rows) as filing_:
            for key in self._rows.dangling_aliases():
                filing_.drop_alias(key)

    def _delete_rows(self, sizes: Mapping[Digest, int]) -> dict[Digest, int]:
        """Delete the rows of those of the objects in *sizes* that still nobody needs; these."""
        with self._store.database.writing() as connection:
            needed_ = self._needed_now()
            gone = {digest: size for digest, size in sizes.items() if mark(digest) not in needed_}
            for digest in gone:
                self._index.drop(connection, digest)
        return gone

    def _needed_now(self) -> set[int]:
        """In a transaction: the marks of all that anybody needs now, by the rows that are there now."""
        ((version,),) = self._store.database.query("PRAGMA data_version")
        if version != self._version:  # others have written since it was found out
            self._needed = self._roots() | self._holdings.needed()
            self._version = version
        return self._needed

    def _unlink(self, paths: Sequence[str], known: Callable[[Sequence[str]], set[str]]) -> int:
        """Delete those of these files that have no row: nobody has put them there again."""
        with self._store.database.writing():
            there = known([name_of(path) for path in paths])
            gone = [path for path in paths if name_of(path) not in there]
            for path in gone:
                remove(path)
        return len(gone)

    def _sweep(self, folder: str, known: Callable[[Sequence[str]], set[str]]) -> int:
        count = 0
        old = (path for path in files_in(folder) if self._age(path) >= GRACE_SECONDS)
        for paths in batches(old, _AT_ONCE):
            there = known([name_of(path) for path in paths])
            if orphans := [path for path in paths if name_of(path) not in there]:
                count += self._unlink(orphans, known)
        return count

    def _sweep_records(self, kind: RecordKind) -> int:
        def known(_: Sequence[str] = ()) -> set[str]:
            return {name_of(path) for path in by_file(self._store.database, self._layout, kind)}

        there = known()
        files = files_in(self._layout.records(kind.value))
        orphans = [path for path in files if name_of(path) not in there and self._age(path) >= GRACE_SECONDS]
        return self._unlink(orphans, known) if orphans else 0

    def _known_objects(self, names: Sequence[str]) -> set[str]:
        return set(self._index.sizes([Digest(name) for name in names]))

    def _known_actions(self, names: Sequence[str]) -> set[str]:
        return {result.key for result in self._rows.owned([Key(name) for name in names])}

    def _sweep_tmp(self) -> int:
        """Delete what killed processes have left in ``tmp/``, and no lock that somebody holds."""
        count = remove_ownerless(self._layout.tmp)
        for name in os.listdir(self._layout.tmp):
            path = f"{self._layout.tmp}/{name}"
            if name.startswith(OWN) or self._age(path) < GRACE_SECONDS:
                continue
            with suppress(OSError):
                if name.endswith(".lock"):
                    _remove_lock(path)
                elif stat.S_ISDIR(os.lstat(path).st_mode):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)
                count += 1
        return count


def _remove_lock(path: str) -> None:
    """Remove a lock's file; BlockingIOError if somebody holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)  # while held: who waits for it finds it gone and starts again (luisy.cas.locks)
    finally:
        os.close(descriptor)
