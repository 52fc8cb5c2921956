"""What a run has found of the files of external tasks, noted for whoever publishes them or downloads them again."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from luisy.cas import ExternalFiles
from luisy.errors import StoreError
from luisy.naming import project_of
from luisy.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from luisy.cas import Store
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.results.workspace import Workspace

logger = logging.getLogger("luisy")


@contextmanager
def dispensable(what: str) -> Iterator[None]:
    """Go on where the store cannot be written: *what* is only noted there to save work, and found again without."""
    try:
        yield
    except (OSError, StoreError) as error:
        logger.debug("%s is not noted: %s", what, error)


def ref_name(node: Node, working_dir: str | None) -> str | None:
    """The name of an external task's ref: the path of its first output below the project's folder.

    None where it lies outside: then it means nothing on other machines.
    """
    if working_dir is None or not node.outputs:
        return None
    return name_below(os.path.join(working_dir, project_of(node.task)), node.outputs[0][1])


def name_below(folder: str, path: str) -> str | None:
    """What *path* is called as seen from *folder*; None where it does not lie below."""
    start = os.path.join(folder, "")
    return path[len(start) :] if path.startswith(start) else None


def note_externals(store: Store, workspace: Workspace, nodes: Iterable[Node]) -> None:
    """Note what the files of those of *nodes* are that are external tasks and have their files here.

    What is not noted is not published either.
    """
    found: dict[str, list[ExternalFiles]] = {}
    for node in nodes:
        if node.kind is not Kind.EXTERNAL or not node.done or node.uncacheable:
            continue
        name, taken = ref_name(node, workspace.root), node.elsewhere
        if name is None or node.content is None or (taken is None and workspace.wrote(node)):
            continue  # what luisy brought earlier was noted then
        files = ExternalFiles(name, node.content, node.outputs)
        if taken is not None:
            files = ExternalFiles(name, node.content, node.outputs, taken.mirror.url, taken.raw)
        found.setdefault(project_of(node.task), []).append(files)
    with dispensable("what external tasks' files are"):
        for project, some in found.items():
            store.note_externals(project, some)


def note_end(store: Store) -> None:
    """Bring to the disk what a run has kept; what is not there is hashed again after a boot."""
    if store.read_only:
        return
    with dispensable("that what was kept is on the disk"):
        store.sync()


def note_uses(store: Store, nodes: Iterable[Node], roots: Sequence[Node]) -> None:
    """Note which results a run has used, so that gc knows; of a run whose roots are done, as its project's newest."""
    used = [node.result.key for node in nodes if node.done and node.result is not None]
    with dispensable("which results were used"):
        store.note_uses(used)
        if all(root.done for root in roots):
            for project in {project_of(root.task) for root in roots}:
                store.note_complete_run(project, used)
