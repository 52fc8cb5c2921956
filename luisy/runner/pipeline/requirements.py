"""What a task requires while it runs, held against what it was keyed with.

Answers are taken as the task gets them, on its own ``input()`` and on Luigi's questions: nobody is asked on luisy's
behalf.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from luisy.errors import LuisyError
from luisy.keys import encode_structure
from luisy.plan import Kind
from luisy.runner.pipeline.describe import requirements_method
from luisy.runner.pipeline.graph import structure_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import luigi

    from luisy.runner.pipeline.graph import Node


class Requirements:
    """Listens to what *task*, and the wrappers that it requires, answer while it runs.

    :param node: the task as it was keyed.
    :param asking: entered while the requirements of a task are asked for.
    :ivar changed: the first of them that answered otherwise; None while all say what they said then.
    """

    def __init__(
        self, node: Node, task: luigi.Task, asking: Callable[[luigi.Task], AbstractContextManager[object]]
    ) -> None:
        self.changed: luigi.Task | None = None
        self._asking = asking
        self._keyed = [(task, node), *((wrapper.task, wrapper) for wrapper in _wrappers(node))]

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen while the block runs."""
        with ExitStack() as stack:
            for task, node in self._keyed:
                method = requirements_method(task)
                stack.enter_context(self._hearing(task, method, partial(_same, node)))
                if method != "requires":  # it may say less than the method that Luigi asks, nothing else
                    stack.enter_context(self._hearing(task, "requires", partial(_among, node)))
            yield

    @contextmanager
    def _hearing(self, task: luigi.Task, method: str, agrees: Callable[[Any], bool]) -> Iterator[None]:
        """Put an ear on the instance: its class, which others share and which is fingerprinted, stays as it is."""
        own = vars(task)
        before = own.get(method)
        own[method] = _Heard(
            getattr(task, method),
            partial(self._asking, task),
            lambda answer: self._note(task, agrees(answer)),
        )
        try:
            yield
        finally:
            if before is None:
                del own[method]
            else:
                own[method] = before

    def _note(self, task: luigi.Task, agrees: bool) -> None:  # noqa: FBT001 - what was just found
        if not agrees and self.changed is None:
            self.changed = task


class _Heard:
    """A method called within *asking*, whose answers are told to *tell*. In a pickle, or a deep copy, it is the method alone."""

    def __init__(
        self,
        method: Callable[[], Any],
        asking: Callable[[], AbstractContextManager[object]],
        tell: Callable[[Any], None],
    ) -> None:
        self._method = method
        self._asking = asking
        self._tell = tell

    def __call__(self) -> Any:
        with self._asking():
            answer = self._method()
            settled = _settled(answer)
        self._tell(settled)
        return iter(settled) if isinstance(answer, Iterator) else settled

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self._method,)


def _itself(value: Any) -> Any:
    return value


def _wrappers(node: Node) -> Iterator[Node]:
    """The wrappers that stand between *node* and its inputs, each once."""
    seen: set[str] = set()
    pending = list(node.deps)
    while pending:
        dep = pending.pop()
        if dep.kind is Kind.WRAPPER and dep.task_id not in seen:
            seen.add(dep.task_id)
            pending.extend(dep.deps)
            yield dep


def _settled(answer: Any) -> Any:
    """*answer* with lists in place of what can be iterated only once; itself where there is nothing of the kind."""
    if isinstance(answer, Iterator):
        return [_settled(item) for item in answer]
    if type(answer) in (list, tuple):
        items = [_settled(item) for item in answer]
        same = all(new is old for new, old in zip(items, answer, strict=True))
        return answer if same else type(answer)(items)
    if type(answer) is dict:
        return {name: _settled(value) for name, value in answer.items()}
    return answer


def _same(node: Node, answer: Any) -> bool:
    """Whether *answer* names the tasks that *node* was keyed with, under the same labels and in the same order."""
    try:
        structure = structure_of(answer, _name)
        return encode_structure(structure, str.encode) == encode_structure(node.structure, _encoded_name)
    except (TypeError, LuisyError):
        return False


def _among(node: Node, answer: Any) -> bool:
    """Whether *answer* names no other tasks than *node* was keyed with."""
    names: set[str] = set()
    try:
        structure_of(answer, lambda task: names.add(_name(task)))
    except TypeError:
        return False
    return names <= {dep.task_id for dep in node.deps}


def _name(task: luigi.Task) -> str:
    return str(task.task_id)


def _encoded_name(node: Node) -> bytes:
    return node.task_id.encode()
