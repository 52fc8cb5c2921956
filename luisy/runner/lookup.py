"""What the index says about keys, asked for in bulk and remembered for the length of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.cas import Result, Store
    from luisy.model import Digest, Key, Manifest


class Lookup:
    """A memo in front of the store: one bulk query first, single ones for what it did not foresee."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._results: dict[Key, Result | None] = {}
        self._traced: dict[Key, list[Result]] = {}
        self._manifests: dict[Digest, Manifest | None] = {}
        self._whole: dict[Digest, bool] = {}

    def prefetch(self, keys: list[Key]) -> None:
        """Ask for all *keys* and verify the objects of what is found."""
        found = self.store.results(keys)
        missed = [key for key in keys if key not in found]
        traced = self.store.traced(missed) if missed else {}
        self._results.update({key: found.get(key) for key in keys})
        self._traced.update({key: traced.get(key, []) for key in missed})
        self._verify(found.values())

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
            if result.manifest not in self._manifests:
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

    def result(self, key: Key) -> Result | None:
        """The result at exactly this key (or aliased to it)."""
        if key not in self._results:
            self._results[key] = self.store.results([key]).get(key)
        return self._results[key]

    def traced(self, key: Key) -> list[Result]:
        """The results whose key is this one and a trace, newest first."""
        if key not in self._traced:
            self._traced[key] = self.store.traced([key]).get(key, [])
        return self._traced[key]

    def equal_inputs(self, shallow_key: Key) -> Result | None:
        """A result of the same code made from inputs of the same content."""
        return self.store.by_shallow(shallow_key)

    def whole(self, result: Result) -> bool:
        """Whether all objects of *result* are there and verified."""
        if result.manifest not in self._whole:
            self._verify([result])
        return self._whole[result.manifest]

    def refuse(self, result: Result) -> None:
        """Count *result* as not whole from now on."""
        self._whole[result.manifest] = False

    def forget(self, *keys: Key | None) -> None:
        """Ask again the next time: another process may have made a result since."""
        for key in keys:
            if key is not None:
                result = self._results.pop(key, None)
                self._traced.pop(key, None)
                if result is not None:
                    self._whole.pop(result.manifest, None)
