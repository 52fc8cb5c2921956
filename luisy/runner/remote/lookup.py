"""What the store and the remotes say about keys, asked for in bulk and remembered for the length of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from luisy.cas import Listed, Result, Store
    from luisy.model import Action, Digest, Key, Manifest


class Source(Protocol):
    """A place that knows results: the store, or a remote's mirror in it."""

    def results(self, keys: Sequence[Key]) -> Mapping[Key, Result]:
        """The result at each key, in one query."""

    def traced(self, keys: Sequence[Key]) -> Mapping[Key, list[Result]]:
        """The results with a trace at each key, newest first."""

    def by_shallow(self, key: Key) -> Result | None:
        """A result with this shallow key."""

    def history(self, project: str, family: str, params_digest: Digest) -> Mapping[Digest, bool]:
        """The fingerprints that a task with these parameters ever had here, and whether each allows early cutoff."""

    def action(self, key: Key) -> Action | None:
        """The whole action."""

    def nearest(self, project: str, family: str, params_digest: Digest) -> Key | None:
        """The newest action of this task and these parameters, else the newest of this task."""


class RemoteSource(Source, Protocol):
    """A remote's mirror."""

    @property
    def url(self) -> str:
        """Where the remote is, without secrets."""

    def actions(self, keys: Sequence[Key]) -> Mapping[Key, Action]:
        """The whole actions at these keys."""

    def starting(self, prefix: str) -> Sequence[Key]:
        """The keys of results that start with *prefix*, 6 or more hex digits."""

    def listed(self, family: str | None = None) -> Sequence[Listed]:
        """All results, or those of one family, newest first; without parameters."""


SourceT = TypeVar("SourceT", bound=Source)


@dataclass(slots=True)
class _Memo(Generic[SourceT]):
    """What one source has answered."""

    source: SourceT
    results: dict[Key, Result | None] = field(default_factory=dict)
    traced: dict[Key, list[Result]] = field(default_factory=dict)

    def prefetch(self, keys: Sequence[Key]) -> list[Key]:
        """Ask for *keys* at once; returns those without any result."""
        found = self.source.results(keys)
        missed = [key for key in keys if key not in found]
        traced = self.source.traced(missed) if missed else {}
        self.results.update({key: found.get(key) for key in keys})
        self.traced.update({key: traced.get(key, []) for key in keys})
        return [key for key in missed if key not in traced]

    def candidates(self, key: Key) -> Iterator[Result]:
        if key not in self.results:
            self.results[key] = self.source.results([key]).get(key)
        if (exact := self.results[key]) is not None:
            yield exact
        if key not in self.traced:
            self.traced[key] = self.source.traced([key]).get(key, [])
        yield from self.traced[key]

    def forget(self, key: Key) -> None:
        self.results.pop(key, None)
        self.traced.pop(key, None)


class Lookup:
    """A memo in front of the sources: one bulk query each first, single ones for what that did not foresee.

    :param remotes: the sources beside the store that know results of a project, in the order to ask them.
    """

    def __init__(self, store: Store, remotes: Callable[[str], Sequence[RemoteSource]]) -> None:
        self.store = store
        self.remotes = remotes
        self._local = _Memo(store)
        self._memos: dict[int, _Memo[RemoteSource]] = {}
        self._origins: dict[Key, RemoteSource] = {}
        self._refused: set[Key] = set()
        self._manifests: dict[Digest, Manifest | None] = {}
        self._whole: dict[Digest, bool] = {}
        self._superseded: Mapping[Key, float] | None = None  # asked for when a result is missed
        self._accepted: dict[Key, Key] | None = None

    def prefetch(self, wanted: Mapping[Key, str]) -> None:
        """Ask for many keys, each with its project, and verify the objects of what the store has."""
        missed = self._local.prefetch(list(wanted))
        self._verify(result for key in wanted if (result := self._local.results[key]) is not None)
        by_project: dict[str, list[Key]] = {}
        for key in missed:
            by_project.setdefault(wanted[key], []).append(key)
        for project, keys in by_project.items():
            for memo in self._remote_memos(project):
                keys = memo.prefetch(keys)  # noqa: PLW2901 - what one remote lacks is asked of the next

    def _remote_memos(self, project: str) -> Iterator[_Memo[RemoteSource]]:
        for source in self.remotes(project):
            yield self._memos.setdefault(id(source), _Memo(source))

    def candidates(self, key: Key, project: str) -> Iterator[Result]:
        """The results at *key*, with a trace or without: the store's first."""
        yield from self._local.candidates(key)
        for memo in self._remote_memos(project):
            for result in memo.candidates(key):
                yield self._from(memo.source, result)

    def equal_inputs(self, shallow_key: Key, project: str) -> Result | None:
        """A whole result of the same code made from inputs of the same content; the store's first."""
        result = self.store.by_shallow(shallow_key)
        if result is not None and self.whole(result):
            return result
        for source in self.remotes(project):
            result = source.by_shallow(shallow_key)
            if result is not None and self.whole(self._from(source, result)):
                return result
        return None

    def history(self, project: str, family: str, params_digest: Digest) -> dict[Digest, bool]:
        """The fingerprints that a task with these parameters ever had, and whether each allows early cutoff."""
        seen: dict[Digest, bool] = {}
        for source in (self.store, *self.remotes(project)):
            for fingerprint, cutoff in source.history(project, family, params_digest).items():
                seen[fingerprint] = seen.get(fingerprint, False) or cutoff
        return seen

    def superseded(self, key: Key | None) -> float:
        """When the content at *key* changed last in this store, seconds since the epoch; 0.0 if it never did."""
        if key is None:
            return 0.0
        if self._superseded is None:
            self._superseded = self.store.superseded()
        return self._superseded.get(key, 0.0)

    def accepted(self, key: Key) -> Key | None:
        """The key of the earlier result that was accepted for *key*."""
        return self._acceptances().get(key)

    def accept(self, key: Key, action_key: Key) -> None:
        """For the rest of this run, take the result at *action_key* for accepted for *key*."""
        self._acceptances()[key] = action_key

    def _acceptances(self) -> dict[Key, Key]:
        if self._accepted is None:
            self._accepted = {item.key: item.action_key for item in self.store.acceptances()}
        return self._accepted

    def action(self, result: Result) -> Action | None:
        """The whole action behind *result*."""
        return (self.origin(result) or self.store).action(result.key)

    def origin(self, result: Result) -> RemoteSource | None:
        """The remote that *result* has to be fetched from; None if the store has it."""
        return self._origins.get(result.key)

    def shares(self, result: Result, project: str) -> bool:
        """Whether a remote has just this at its key, by what was merged last."""
        if self.origin(result) is not None:
            return True
        found = (source.results([result.key]).get(result.key) for source in self.remotes(project))
        return any(one is not None and one.manifest == result.manifest for one in found)

    def in_remotes(self, key: Key, project: str) -> Result | None:
        """What wins at *key* in the first remote that has a result there, by what was merged last."""
        for source in self.remotes(project):
            if (result := source.results([key]).get(key)) is not None:
                return self._from(source, result)
        return None

    def fetched(self, result: Result) -> None:
        """The store has *result* by now."""
        self._origins.pop(result.key, None)
        self._whole.pop(result.manifest, None)

    def _from(self, source: RemoteSource, result: Result) -> Result:
        """Remember where *result* is to be had: it was asked for here because the store's own did not do."""
        self._origins[result.key] = source
        return result

    def _verify(self, results: Iterable[Result]) -> None:
        unknown = [result for result in results if result.manifest not in self._whole]
        self._read_manifests(unknown)
        manifests = {result.manifest: self._manifests[result.manifest] for result in unknown}
        wanted = {
            digest for manifest in manifests.values() if manifest is not None for digest in manifest.objects
        }
        present = self.store.check(wanted) if wanted else set()
        for digest, manifest in manifests.items():
            self._whole[digest] = manifest is not None and present.issuperset(manifest.objects)

    def _read_manifests(self, results: Iterable[Result]) -> None:
        large = set()
        for result in results:
            if self._manifests.get(result.manifest) is None:
                self._manifests[result.manifest] = result.outputs
                if result.manifest_bytes is None:
                    large.add(result.manifest)
        if large:
            self._manifests.update(self.store.manifests(large))

    def manifest(self, result: Result) -> Manifest:
        """The manifest of a whole result."""
        self._read_manifests([result])
        manifest = self._manifests[result.manifest]
        assert manifest is not None, "asked for the manifest of a result that is not whole"
        return manifest

    def whole(self, result: Result) -> bool:
        """Whether all objects of *result* are there and verified, or promised by a remote."""
        if result.key in self._refused:
            return False
        if result.key in self._origins:
            return True
        if result.manifest not in self._whole:
            self._verify([result])
        return self._whole[result.manifest]

    def refuse(self, result: Result) -> None:
        """Count *result* as not whole from now on."""
        self._refused.add(result.key)

    def forget(self, *keys: Key | None) -> None:
        """Ask again the next time: another process may have made a result since."""
        for key in keys:
            if key is None:
                continue
            memos: tuple[_Memo[Any], ...] = (self._local, *self._memos.values())
            for memo in memos:
                for result in (memo.results.get(key), *memo.traced.get(key, ())):
                    if result is not None:
                        self._whole.pop(result.manifest, None)
                memo.forget(key)
