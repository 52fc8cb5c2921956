"""Machines that share a remote, and what can happen between them."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from luisy.cas import Store
from luisy.cas.transfer import Mirror, Offer
from tests.unit.cas.values import action, digest, key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from luisy.cas.remote import Remote
    from luisy.cas.signing import Authority
    from luisy.cas.transfer import Pushed, Ref
    from luisy.model import Key

_CALLS = ("check", "list", "head", "get", "read", "put", "touch", "delete")


class Killed(BaseException):
    """The process dies here: nothing catches it."""


@dataclass
class Call:
    """One call of a remote: its number, counted from 1, what is called, and with what."""

    number: int
    method: str
    args: tuple[Any, ...]


class Interposed:
    """A remote with something between it and its caller.

    :param before: called before each call; may raise.
    :param after: called after each call that succeeded; may raise, and the answer is lost.
    """

    def __init__(
        self,
        remote: Remote,
        before: Callable[[Call], None] = lambda _: None,
        after: Callable[[Call], None] = lambda _: None,
    ) -> None:
        self._remote = remote
        self._before = before
        self._after = after
        self._lock = threading.Lock()
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._remote, name)
        if name not in _CALLS:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                made = Call(len(self.calls) + 1, name, args)
                self.calls.append(made)
            self._before(made)
            answer = found(*args, **kwargs)
            self._after(made)
            return answer

        return call

    @property
    def counted(self) -> Counter[str]:
        """How often each method was called."""
        return Counter(call.method for call in self.calls)


def killed_at(number: int) -> Callable[[Call], None]:
    """A hook that kills at the call of this number and at all later ones."""

    def hook(call: Call) -> None:
        if call.number >= number:
            raise Killed(call)

    return hook


@dataclass
class Machine:
    """A store, and the remote as it sees it."""

    store: Store
    mirror: Mirror
    folder: Path
    made: dict[Key, bytes] = field(default_factory=dict)

    def result(self, number: int, data: bytes | Mapping[str, bytes], **changes: Any) -> Key:
        """A result with this content, a file or a folder of files, at key *number*."""
        path = self.folder / f"output-{number}"
        if isinstance(data, bytes):
            path.write_bytes(data)
        else:
            path.mkdir(exist_ok=True)
            for name, content in data.items():
                (path / name).write_bytes(content)
        manifest = self.store.keep([(b"", str(path))])
        values = {"params_digest": digest(number), "size": manifest.size, "inputs": (), **changes}
        self.store.record(action(manifest, number, **values), superseding=True)
        return key(number)

    def content(self, name: Key) -> bytes | dict[str, bytes] | None:
        """What the store has at a key, read back from its objects."""
        found = self.store.results([name]).get(name)
        manifest = None if found is None else self.store.manifests([found.manifest]).get(found.manifest)
        if manifest is None:
            return None
        files = {
            entry.path.decode(): self.store.get(entry.digest) for entry in manifest.entries if entry.digest
        }
        return files.get("", files)

    def pull(self, *keys: Key) -> dict[Key, Any]:
        """Refresh, fetch these, and what is there then."""
        self.mirror.refresh()
        self.mirror.fetch(keys)
        return {name: self.content(name) for name in keys}


def machine(
    folder: Path, name: str, remote: Any, project: str = "weather", authority: Authority | None = None
) -> Machine:
    """A machine with an empty store of its own, or the one that it had before."""
    (folder / name).mkdir(exist_ok=True)
    store = Store.open(folder / name / "store")
    return Machine(store, Mirror(store, remote, project, authority), folder / name)


def offered(one: Machine, refs: Mapping[str, Ref]) -> dict[str, Offer]:
    """*refs* as that machine may publish them: to files that it keeps."""
    return {
        name: Offer(ref, find=lambda ref=ref: one.store.manifests([ref.manifest]).get(ref.manifest))  # type: ignore[misc]
        for name, ref in refs.items()
    }


def put_refs(one: Machine, refs: Mapping[str, Ref], *, force: bool = False) -> Pushed:
    """Publish refs, and nothing else."""
    return one.mirror.push((), offers=offered(one, refs), replace_refs=force)
