"""The workspace: the files that tasks and users see, held against what the store knows of them.

Nothing here decides what a task's result is; it makes paths hold a result, takes stale files away, and never
throws bytes away that exist nowhere else.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from blake3 import blake3

from luisy.cas import Placement, output_of, stat_token
from luisy.model import SHOWN_DIGITS, Key, LinkMode, Reason
from luisy.runner.results.luisy1 import Luisy1Files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from luisy.cas import Store
    from luisy.model import Action, Digest, Manifest
    from luisy.runner.pipeline.graph import Graph, Node

Tokens: TypeAlias = "dict[str, bytes | None]"
"""How files were by :func:`stat_token`, by their paths; None for one that was not there."""


_BESIDE = "side_files"


class Workspace:
    """The output paths of a run.

    :param root: the working dir, or None where tasks lie anywhere.
    :param link: how results are materialised.
    """

    def __init__(self, store: Store, root: str | None, link: LinkMode) -> None:
        self.store = store
        self.root = root
        self.link = link
        self.notes: list[Reason] = []
        self._placements: dict[str, Placement] = {}
        self._tokens: Tokens = {}
        # A forked child inherits the locks themselves along with this.
        self._reserved: set[str] = set()
        self._meant: dict[str, Digest] = {}
        self._luisy_1 = Luisy1Files(root)
        self._watched: tuple[int, list[str]] | None = None
        # On the first use every file that is there was there before luisy, but not those that another run makes
        # from now on.
        first_used = store.first_used(root or "")
        self._is_new = first_used is None
        self._first_used = store.use_begins() if first_used is None else first_used

    def load(self, nodes: Iterable[Node]) -> None:
        """Ask the index, at once, what it knows of all output paths of *nodes*."""
        self._placements.update(self.store.placements([path for node in nodes for _, path in node.outputs]))

    def watched(self, graph: Graph) -> list[str]:
        """The folders whose files are the workspace: the working dir, and where outputs lie outside it."""
        if self._watched is None or self._watched[0] != len(graph.nodes):
            self._watched = (len(graph.nodes), self._watched_folders(graph))
        return self._watched[1]

    def _watched_folders(self, graph: Graph) -> list[str]:
        folders = {os.path.dirname(path) for node in graph for _, path in node.outputs}
        if self.root is None:
            return sorted(folders)
        inside = os.path.join(self.root, "")
        return [self.root, *sorted(folder for folder in folders if not f"{folder}/".startswith(inside))]

    def open(self) -> None:
        """Note that luisy now uses this workspace."""
        if self._is_new and not self.store.read_only:
            self.store.mark_used(self.root or "")

    def holds(self, node: Node, manifest: Manifest) -> bool:
        """Whether every output path holds what *manifest* says, by one stat each."""
        return all(self._holds(path, manifest, name) for name, path in node.outputs)

    def _holds(self, path: str, manifest: Manifest, name: bytes) -> bool:
        meant = self._meant[path] = output_of(manifest, name).digest
        placement = self._placements.get(path)
        return placement is not None and placement.content == meant and placement.token == stat_token(path)

    def expect(self, node: Node) -> Tokens:
        """Note how the files of *node*, which luisy did not write, are now; before they are hashed."""
        tokens = {path: stat_token(path) for _, path in node.outputs}
        self.hold_to(tokens)
        return tokens

    def hold_to(self, tokens: Tokens) -> None:
        """Take what another process has noted by :meth:`expect`, before it hashed these files."""
        self._tokens.update(tokens)

    def wrote(self, node: Node) -> bool:
        """Whether luisy itself brought the files that now lie at all outputs of *node*."""
        rows = [(self._placements.get(path), path) for _, path in node.outputs]
        return all(row is not None and row.token == stat_token(path) for row, path in rows)

    def unchanged(self, node: Node) -> bool:
        """Whether the outputs of *node* are what they were when they were restored, kept or hashed."""
        return all(self._as_meant(path) for _, path in node.outputs)

    def _as_meant(self, path: str) -> bool:
        placement = self._placements.get(path)
        if placement is None or path in self._tokens:
            return self._tokens.get(path) == stat_token(path)
        # The index may by now know of a file that another run, of other code, has put in this place.
        return placement.content == self._meant.get(
            path, placement.content
        ) and placement.token == stat_token(path)

    def kept(self, node: Node, manifest: Manifest) -> None:
        """Note that *node* was executed and its outputs were kept as *manifest* says."""
        self.load([node])
        self._meant.update({path: output_of(manifest, name).digest for name, path in node.outputs})
        self._forget_tokens(node)

    def restore(self, node: Node, manifest: Manifest) -> None:
        """Make every output path of *node* hold what *manifest* says; what is already in place stays.

        :raises OSError: where a path cannot be written.
        """
        self._forget_tokens(node)
        if self.holds(node, manifest):
            return
        with self.reserved(node):
            self.load([node])  # another run may have put it there since we asked
            self._restore(node, manifest)

    def _restore(self, node: Node, manifest: Manifest) -> None:
        wanting = {
            name: path
            for name, path in node.outputs
            if not self._holds(path, manifest, name) and not self._recognise(node, path, manifest, name)
        }
        if wanting:
            self.store.restore(manifest, wanting, mode=self.link)
            self._placements.update(self.store.placements(wanting.values()))

    def _forget_tokens(self, node: Node) -> None:
        """From now on the files of *node* are held to what luisy has put there."""
        for _, path in node.outputs:
            self._tokens.pop(path, None)

    def _recognise(self, node: Node, path: str, manifest: Manifest, name: bytes) -> bool:
        """Take note of a file that is what it should be, whoever put it there; any other is preserved.

        It is not written anew: another run may be reading it, and would have to think that it changed.
        """
        token = stat_token(path)
        content = self._preserve(node, path)
        if token is None or content != output_of(manifest, name).digest or token != stat_token(path):
            return False
        if not self.store.read_only:
            placed = Placement(path, content, token, LinkMode.COPY)
            self.store.place([placed])
            self._placements[path] = placed
        return True

    @contextmanager
    def reserved(self, node: Node) -> Iterator[None]:
        """Let no other run write to the paths of *node* while it executes, is restored or is cleared.

        The key's own lock does not see to that: another version of the code writes to the same paths under
        another key, and what one of them wrote would be kept as the other's result. Whoever has reserved a path
        may do so again.
        """
        fresh = sorted({path for _, path in node.outputs} - self._reserved)
        with ExitStack() as stack:
            for path in fresh:
                stack.enter_context(self.store.lock(_lock_of(path)))
            self._reserved.update(fresh)
            try:
                yield
            finally:
                self._reserved.difference_update(fresh)

    def clear(self, node: Node) -> None:
        """Take away what lies at the output paths of *node*, which is about to be made anew.

        Bytes that are nowhere else are rescued first.
        """
        if any(os.path.lexists(path) for _, path in node.outputs):
            with self.reserved(node):
                self._clear(node)

    def _clear(self, node: Node) -> None:
        present = [path for _, path in node.outputs if os.path.lexists(path)]
        for path in present:
            self._preserve(node, path)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        self.store.unplace(present)
        for path in present:
            self._placements.pop(path, None)

    def _preserve(self, node: Node, path: str) -> Digest | None:
        """Rescue what lies at *path* unless the store has these bytes; returns the digest of its manifest."""
        if not os.path.lexists(path):
            return None
        placement = self._placements.get(path)
        if placement is not None and placement.token == stat_token(path):
            content = placement.content
        else:
            content = self.store.snapshot([(b"", path)]).digest
        manifest = self.store.manifests([content]).get(content)
        if manifest is not None and self.store.check(manifest.objects) >= set(manifest.objects):
            return content
        digest = self.store.rescue(path)
        command = f"luisy get {node.family} ... --at {digest[:SHOWN_DIGITS]} --to PATH"
        self.notes.append(
            Reason(
                "rescued", f"{path} was not written by luisy; it was kept before it was replaced: {command}"
            )
        )
        return content

    @staticmethod
    def present(node: Node) -> bool:
        """Whether something lies at every output path."""
        return all(os.path.exists(path) for _, path in node.outputs)

    def made_by(self, node: Node) -> Digest | None:
        """What is recorded beside the files of a task that is not cacheable; None where nothing is."""
        rows = (self._placements.get(path) for _, path in node.outputs)
        return next((row.made_by for row in rows if row is not None and row.made_by is not None), None)

    def mark_made(self, node: Node, manifest: Manifest, maker: Digest | None) -> None:
        """Record which code and parameters made the files of a task that is not cacheable.

        :param manifest: of the files as they were at :meth:`expect`.
        """
        rows = [
            Placement(path, output_of(manifest, name).digest, token, LinkMode.COPY, made_by=maker)
            for name, path in node.outputs
            if (token := self._tokens.get(path)) is not None
        ]
        self.store.place(rows)

    def described_beside(self, paths: Iterable[str]) -> dict[str, str]:
        """What an action says of the files at *paths*, which its task wrote beside its outputs; it never goes to a remote."""
        contents = {path: self._content_of(path) for path in paths}
        return {_BESIDE: json.dumps(contents)} if contents else {}

    def are_beside(self, action: Action, writer_of: Callable[[str], Node | None]) -> bool:
        """Whether the files that a task wrote beside its outputs lie there as it left them.

        :param writer_of: the task of this run whose output a path is: such a file, as a batch writes it, comes back
            under a key of its own.
        """
        contents: dict[str, str | None] = json.loads(action.provenance.get(_BESIDE, "{}"))
        return all(
            self._content_of(path) == digest for path, digest in contents.items() if writer_of(path) is None
        )

    def _content_of(self, path: str) -> Digest | None:
        try:
            return self.store.snapshot([(b"", path)]).digest
        except OSError:
            return None

    def adoptable(self, node: Node) -> bool:
        """Whether the outputs of *node* are files from before luisy, to be taken as Luigi would take them."""
        return bool(node.outputs) and all(self._from_before(path) for _, path in node.outputs)

    def _from_before(self, path: str) -> bool:
        if path in self._placements:
            return False
        try:
            status = os.stat(path)
        except OSError:
            return False
        if max(status.st_mtime, status.st_ctime) >= self._first_used:
            return False
        return not self._luisy_1.leaves_out(path)


def _lock_of(path: str) -> Key:
    """What to lock where an output path is meant."""
    name = blake3(os.fsencode(path), derive_key_context="luisy 1 output path", max_threads=1)
    return Key(name.hexdigest())
