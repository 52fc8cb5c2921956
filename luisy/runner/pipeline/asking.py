"""What user code asks in the middle of a run: whether a task is complete, whether a target exists.

Luigi answers by the files that lie there; a stale one would count as made. Within ``answered`` the session answers, by
key, for every task that is answered by key itself. What was asked counts as an input of who asked: a ``run()`` that
asks for a task depends on it as if it had yielded it, and a ``requires()`` that leaves out what is complete already
still depends on that.

A target does not say whose it is. It is looked for among the outputs of the run's tasks, and of the tasks that the
asking code has made.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import luigi
import luigi.interface
from luigi.target import FileSystemTarget
from luigi.task import flatten
from luigi.task_register import Register

from luisy.plan import SERVED, Kind
from luisy.runner.pipeline.describe import has_own_complete, is_local_file
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.pipeline.params import replaced
from luisy.targets import LuisyTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from luisy.runner.pipeline.graph import Node

logger = logging.getLogger("luisy")


class Code(Enum):
    """The user code that asks."""

    REQUIRES = "requires"
    COMPLETE = "complete"
    RUN = "run"
    BUILD = "build"  # Luigi itself, within a build in the middle of a plan


@dataclass(slots=True)
class Asker:
    """User code of a task that is being called.

    :param answers: the tasks that it asked about, in order, and what it was told.
    :param made: tasks that it has made, and whose outputs nobody has looked at yet.
    """

    task_id: str
    code: Code
    answers: dict[str, tuple[Node, bool]] = field(default_factory=dict)
    made: list[luigi.Task] = field(default_factory=list)
    writers: dict[str, luigi.Task] = field(default_factory=dict)

    def writer_of(self, path: str) -> luigi.Task | None:
        """The task, among those that were made here, that writes *path*."""
        while self.made:
            task = self.made.pop()
            try:
                targets = flatten(task.output())
            except Exception:
                logger.debug("output() of %s raised", task, exc_info=True)
                continue
            self.writers.update({os.path.abspath(t.path): task for t in targets if is_local_file(t)})
        return self.writers.get(path)


class Knowing(Protocol):
    """Who knows the answers: a session.

    :param eager: a result is put in its place as soon as user code is told that it is there.
    """

    eager: bool
    running: bool

    @property
    def running_task(self) -> str | None:
        """The id of the task whose ``run()`` this process is in."""

    def consider(self, task: luigi.Task, *, hand_out: bool = True) -> Node | None:
        """The node of *task*, decided; None where that waits for this answer.

        :param hand_out: it may be read at once, if it is there.
        """


@dataclass(slots=True)
class Oracle:
    """Answers for one session.

    :param writer_of: the task that writes a path, as far as is known.
    """

    session: Knowing
    writer_of: Callable[[str], Node | None]
    _askers: list[Asker] = field(default_factory=list)
    _given: dict[str, bool] = field(default_factory=dict)

    @contextmanager
    def asked_by(self, task: luigi.Task, code: Code) -> Iterator[Asker]:
        """Note what the user code that runs in the block asks."""
        asker = Asker(str(task.task_id), code)
        self._askers.append(asker)
        try:
            yield asker
        finally:
            self._askers.pop()

    @contextmanager
    def building(self, tasks: Iterable[luigi.Task]) -> Iterator[None]:
        """Let plain Luigi build *tasks*, which whoever asks depends on; in a run, builds are luisy's own."""
        if self.session.running or not self._askers:
            yield
            return
        outer = self._askers[-1]
        self._askers.append(Asker("", Code.BUILD))
        try:
            yield
        finally:
            self._askers.pop()
        for task in tasks:
            node = self.session.consider(task, hand_out=False)
            if node is not None:
                outer.answers[node.task_id] = node, True

    def note_made(self, task: luigi.Task) -> None:
        """Remember that whoever may ask has made *task*."""
        if self._askers:
            self._askers[-1].made.append(task)

    def is_complete(self, task: luigi.Task) -> bool | None:
        """Whether *task* has a result; None where that is Luigi's to answer."""
        return None if has_own_complete(task) else self._answer(task)

    def is_served(self, task: luigi.Task) -> bool:
        """Whether *task*, one of a Range's dates, has a result: a Range requires those, too."""
        node = self.session.consider(task, hand_out=False)
        if node is None:
            return False
        leaves = input_leaves(node) if node.kind is Kind.WRAPPER else (node,)
        return all(leaf.done or leaf.outcome in SERVED for leaf in leaves)

    def exists(self, target: Any) -> bool | None:
        """Whether *target* holds a result; None where that is for the file to say."""
        if not is_local_file(target):
            return None
        path = os.path.abspath(target.path)
        node = self.writer_of(path)
        task = node.task if node is not None else self._askers and self._askers[-1].writer_of(path)
        return self._answer(task) if task else None

    def _answer(self, task: luigi.Task) -> bool | None:
        asker = self._askers[-1] if self._askers else None
        task_id = str(task.task_id)
        if asker is not None and asker.code is Code.REQUIRES and asker.task_id == task_id:
            return False  # its requirements are asked for because it has no result
        if task_id in (self.session.running_task, asker and asker.task_id):
            return None
        if asker is not None and asker.code is Code.BUILD and task_id in asker.answers:
            return None  # it was answered with no before it was executed; now its files say
        node = self.session.consider(task)
        if node is None:  # it needs an answer to this very question
            return False
        known = not node.uncacheable or bool(node.tables)
        answer = self._is_there(node) if known else node.complete
        if asker is None or asker.code in (
            Code.REQUIRES,
            Code.COMPLETE,
        ):  # requires() says the same whenever it is called
            answer = self._given.setdefault(task_id, answer)
        if asker is not None:
            asker.answers[task_id] = node, answer
        return answer if known else None

    def _is_there(self, node: Node) -> bool:
        """Whether *node* has a result; where files may be put in their places, whether they are there."""
        return node.done or (not self.session.eager and node.outcome in SERVED)


@contextmanager
def answered(oracle: Oracle) -> Iterator[None]:
    """Let *oracle* answer ``Task.complete()`` and ``exists()`` of files in the block; it has to know who asks."""
    with (
        replaced(luigi.Task, "complete", "luigi.task", lambda original: _asked(original, oracle.is_complete)),
        replaced(
            FileSystemTarget, "exists", "luigi.target", lambda original: _asked(original, oracle.exists)
        ),
        replaced(LuisyTarget, "exists", "luisy.targets", lambda original: _asked(original, oracle.exists)),
        replaced(
            luigi.interface, "_schedule_and_run", "luigi.interface", lambda original: _built(original, oracle)
        ),
        replaced(Register, "__call__", "luigi.task_register", lambda original: _noted(original, oracle)),
    ):
        yield


def _asked(original: Callable[[Any], bool], ask: Callable[[Any], bool | None]) -> Callable[[Any], bool]:
    def answer(self: Any) -> bool:
        known = ask(self)
        return original(self) if known is None else known

    return answer


def _built(original: Callable[..., Any], oracle: Oracle) -> Callable[..., Any]:
    def build(tasks: Any, *args: Any, **kwargs: Any) -> Any:
        tasks = list(tasks)
        with oracle.building(tasks):
            return original(tasks, *args, **kwargs)

    return build


def _noted(original: Callable[..., luigi.Task], oracle: Oracle) -> Callable[..., luigi.Task]:
    def make(cls: Any, *args: Any, **kwargs: Any) -> luigi.Task:
        task = original(cls, *args, **kwargs)
        oracle.note_made(task)
        return task

    return make
