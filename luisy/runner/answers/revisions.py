"""Results of an old git revision: by what actions record, else by the keys that its code gives.

These keys are computed by a process of their own, in a temporary work tree of the revision, with the luisy that is
installed now. Nothing is executed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luisy.errors import NoSuchResult
from luisy.model import Key
from luisy.places import import_folder
from luisy.runner.pipeline.parts import parts_of
from luisy.runner.results.checkouts import Roots, commit_named, worktree
from luisy.runner.results.provenance import Commit, commit_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import luigi

    from luisy.model import Action
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session
    from luisy.settings import Settings

_PARAMETER = "parameter "
_BY_KEY = "name a result by its key; `luisy log` lists them"

# The folder of the work tree may hold a package that is called luisy: that of now is imported before it is looked at.
_START = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from luisy.cli import main
del sys.path[0]
main()
"""

_ALONE = {"LUISY_DOWNLOAD": "no", "LUISY_UPLOAD": "no", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the project's repository.

    :param root: of the work tree that the project's code is imported from.
    :param commit: its full name.
    :param folder: the folder that the task's module is imported from.
    """

    root: str
    commit: str
    folder: str

    @property
    def shown(self) -> str:
        """Short, to read."""
        return Commit(self.commit, dirty=False).shown


def revision_named(task: luigi.Task, name: str) -> Revision | None:
    """The commit that *name* means in the repository of the module of *task*; None if it means none."""
    folder = _import_folder(type(task).__module__)
    root = Roots().of(folder)
    commit = None if root is None else commit_named(root, name)
    return None if root is None or commit is None else Revision(root, commit, folder)


def _import_folder(module: str) -> str:
    """The folder that a module was imported from: above its packages. Without a file, where we are."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return os.path.realpath(os.getcwd()) if file is None else import_folder(module, os.path.realpath(file))


def recorded_at(session: Session, node: Node, revision: Revision) -> tuple[Action | None, list[Action]]:
    """The newest action of a task that was made at a revision, and those that were made with changes to it."""
    if node.facts is None:
        return None, []
    task = node.facts.project, node.facts.family, node.facts.params_digest()
    clean: Action | None = None
    dirty = []
    for row in session.store.recorded([task]).get(task, []):
        action = session.store.action(row.key)
        commit = None if action is None else commit_of(action)
        if action is None or commit is None or commit.name != revision.commit:
            continue
        if commit.dirty:
            dirty.append(action)
        elif clean is None:
            clean = action
    return clean, dirty


def keys_at(
    session: Session, nodes: Sequence[Node], revision: Revision, words: Sequence[str]
) -> dict[str, Key | None]:
    """The keys that tasks have with the code of *revision*, by their task ids now.

    :param words: the root task and its parameters, as they were given on the command line.
    :raises NoSuchResult: git cannot make a work tree, or the revision has no such task.
    """
    try:
        with worktree(revision.root, revision.commit) as tree:
            documents = _keys_in(tree, revision, session.settings, words)
    except OSError as error:
        raise NoSuchResult(
            f"there is no work tree of {revision.shown} to be had: {error.strerror}",
            hint=_BY_KEY,
        ) from error
    secret = session.store.secret()
    found = {}
    for node in nodes:
        same = [d for d in documents if d["family"] == node.family and _same_params(d["parts"], node, secret)]
        found[node.task_id] = Key(same[-1]["key"]) if same and same[-1]["key"] else None
    return found


def _same_params(parts: Mapping[str, str], node: Node, secret: bytes) -> bool:
    """Whether the parameters in *parts* have the values that they have now; they need not be the same ones."""
    own = parts_of(node, secret)
    return all(
        own.get(label, value) == value for label, value in parts.items() if label.startswith(_PARAMETER)
    )


def _keys_in(tree: str, revision: Revision, settings: Settings, words: Sequence[str]) -> list[dict[str, Any]]:
    """What ``luisy key --all`` says in a work tree, in a process of its own."""
    here = _Moved(revision.root, tree)
    luisy = os.path.dirname(os.path.dirname(os.path.realpath(sys.modules["luisy"].__file__ or "")))
    # First of all the folder of the module itself: an editable install may find it by other ways than sys.path.
    paths = [here.moved(path) for path in (revision.folder, *sys.path) if here.holds(path)]
    options = {"module": settings.module, "working-dir": settings.working_dir, "store": settings.store_path}
    if settings.requirements_path:
        options["requirements-path"] = here.moved(settings.requirements_path)
    arguments = [f"--{name}={value}" for name, value in options.items() if value]
    done = subprocess.run(  # noqa: S603 - no shell; the words are those that this process was given  # nosec B603
        [sys.executable, "-c", _START, luisy, "key", "--all", "--json", "--no-adopt", *arguments, *words],
        cwd=here.moved(os.getcwd()) if here.holds(os.getcwd()) else tree,
        env={**os.environ, **_ALONE, "PYTHONPATH": os.pathsep.join([*paths, *_given_paths()])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        document = json.loads(done.stdout)
    except ValueError:
        told = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise NoSuchResult(f"the code of {revision.shown} cannot be keyed: {told[0]}") from None
    if "error" in document:
        told = document["error"]["text"].replace(os.path.join(tree, ""), "")
        raise NoSuchResult(f"at {revision.shown}: {told}", hint=_BY_KEY)
    tasks: list[dict[str, Any]] = document["tasks"]
    return tasks


def _given_paths() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


@dataclass(frozen=True, slots=True)
class _Moved:
    """Paths of a checkout, in another work tree of it."""

    root: str
    tree: str

    def holds(self, path: str) -> bool:
        """Whether *path* lies in the checkout, and is none of what only this one has (an environment in it)."""
        real = os.path.realpath(path)
        inside = os.path.commonpath([real, self.root]) == self.root
        return inside and os.path.lexists(self.moved(path))

    def moved(self, path: str) -> str:
        """Where *path* is in the work tree; *path* itself where it is not in the checkout."""
        real = os.path.realpath(path)
        if os.path.commonpath([real, self.root]) != self.root:
            return real
        return os.path.join(self.tree, os.path.relpath(real, self.root))
