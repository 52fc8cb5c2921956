"""What luisy has to know of a Luigi task, asked of the task itself: once.

``describe_outputs`` decides from the task alone whether it is cacheable; the rest are the facts of its key.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import luigi
from luigi.date_interval import DateInterval
from luigi.local_target import LocalFileSystem
from luigi.parameter import ParameterVisibility

from luisy.canonical import NotCanonicalError, canonical, tagged, text, type_name
from luisy.declarations import declaration_of
from luisy.errors import TaskError
from luisy.keys import Output, Parameter
from luisy.plan import Kind
from luisy.runner.pipeline.graph import flat
from luisy.targets import TableTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from luisy.runner.pipeline.graph import Node


def requirements_method(task: luigi.Task) -> str:
    """The most specific of Luigi's three ways to say what *task* requires."""
    for name in ("deps", "_requires"):
        if getattr(type(task), name) is not getattr(luigi.Task, name):
            return name
    return "requires"


def requirements_of(task: luigi.Task) -> Any:
    """What *task* requires, said in the most specific way."""
    return getattr(task, requirements_method(task))()


def yields(task: luigi.Task) -> bool:
    """Whether ``run()`` is a generator: its dependencies are known only after it ran."""
    return inspect.isgeneratorfunction(inspect.unwrap(type(task).run))


def is_external(task: luigi.Task) -> bool:
    """Whether *task* has no ``run()``: Luigi's own question."""
    return task.run is None or task.run == NotImplemented


def kind_of(task: luigi.Task) -> Kind:
    """How *task* takes part; a wrapper with a ``run()`` or ``complete()`` of its own is a plain task."""
    if is_external(task):
        return Kind.EXTERNAL
    if isinstance(task, luigi.WrapperTask) and not _has_own_run(task) and not has_own_complete(task):
        return Kind.WRAPPER
    return Kind.TASK


def _has_own_run(task: luigi.Task) -> bool:
    return type(task).run is not luigi.Task.run or "run" in vars(task)


def has_own_complete(task: luigi.Task) -> bool:
    """Whether *task* says by itself whether it is complete."""
    # Asked for at each call, since Luigi's is replaced during a run.
    standard = (luigi.Task.complete, luigi.WrapperTask.complete)
    return type(task).complete not in standard or "complete" in vars(task)


def _is_complete_by_inputs(task: luigi.Task) -> bool:
    return type(task).complete is luigi.WrapperTask.complete and "complete" not in vars(task)


def describe_outputs(node: Node) -> None:
    """Ask the task for its outputs and say why it cannot be cached, if it cannot."""
    outputs = node.task.output()
    if side := getattr(node.task, "side_outputs", None):
        outputs = {"output": outputs, "side": side}
    local: list[tuple[bytes, Any]] = []
    foreign: list[tuple[bytes, Any]] = []
    for name, target in named_targets(outputs):
        (local if is_local_file(target) else foreign).append((name, target))
    node.declaration = declaration_of(type(node.task))
    node.targets = tuple(target for _, target in local)
    node.outputs = tuple((name, os.path.abspath(target.path)) for name, target in local)
    node.countable = bool(local) and not foreign
    node.by_inputs = node.kind is Kind.TASK and _is_complete_by_inputs(node.task)
    declared = node.declaration.uncacheable if node.kind is Kind.TASK else ""
    node.uncacheable = declared or _why_uncacheable(node, [target for _, target in foreign])
    tables = all(isinstance(target, TableTarget) for _, target in foreign)
    if tables and not (declared or local or node.by_inputs or has_own_complete(node.task)):
        node.tables = tuple(foreign)


def _why_uncacheable(node: Node, foreign: list[Any]) -> str:
    """Why the results of a node's task cannot be kept, seen from the task alone; empty if they can.

    :param foreign: its targets that are no local files.
    """
    if node.kind is Kind.WRAPPER:
        return ""
    if foreign:
        return f"its output is {_what_else(foreign[0])} ({type_name(type(foreign[0]))})"
    if has_own_complete(node.task):
        return "it has its own complete()"
    if isinstance(node.task, luigi.WrapperTask):
        return "it is a wrapper with a run() of its own"
    if not node.targets:
        return "it has no output"
    return ""


def _what_else(target: Any) -> str:
    """What a target is that is no local file."""
    if isinstance(target, TableTarget):
        return "a table, which stays where it is"
    is_temporary = isinstance(target, luigi.LocalTarget) and target.is_tmp
    return "a temporary file" if is_temporary else "not a local file"


def is_local_file(target: Any) -> bool:
    """Whether *target* is a file or folder on this machine that outlives the process.

    Asked by type, never by attributes: a stand-in that answers to every name is not a file.
    """
    if not isinstance(target, luigi.target.FileSystemTarget):
        return False
    return isinstance(target.fs, LocalFileSystem) and not getattr(target, "is_tmp", False)


def named_targets(outputs: Any, prefix: bytes = b"") -> Iterator[tuple[bytes, Any]]:
    """The targets of ``output()``, each with its place in it: ``b""`` for the only one, else labels by ``/``."""
    if isinstance(outputs, luigi.Target):
        yield prefix, outputs
        return
    if isinstance(outputs, Mapping):
        items: Any = ((_label(name), value) for name, value in outputs.items())
    elif isinstance(outputs, (list, tuple, set, frozenset)) or _is_plain_iterable(outputs):
        items = ((str(i).encode(), value) for i, value in enumerate(outputs))
    else:
        yield prefix, outputs
        return
    for label, value in items:
        yield from named_targets(value, prefix + b"/" + label if prefix else label)


def _is_plain_iterable(value: Any) -> bool:
    return not isinstance(value, (str, bytes)) and hasattr(type(value), "__iter__")


def _label(name: object) -> bytes:
    """A dict's key as one path component: never empty, ``.``, ``..`` or with a slash; other keys, other labels."""
    raw = name.encode("utf-8", "surrogatepass") if isinstance(name, str) else canonical(name)
    escaped = raw.replace(b"%", b"%25").replace(b"/", b"%2F").replace(b"\0", b"%00")
    if escaped in (b".", b".."):
        escaped = escaped.replace(b".", b"%2E")
    return (b"" if isinstance(name, str) else b"%k") + (escaped or b"%")


def held_tasks(task: luigi.Task) -> tuple[luigi.Task, ...]:
    """Tasks that are parameter values of *task*: they count by their own keys."""
    values = [value for value in task.param_kwargs.values() if not isinstance(value, (str, int, float))]
    return tuple(v for value in values for v in flat(value) if isinstance(v, luigi.Task))


def significant_parameters(task: luigi.Task, fingerprint: Callable[[type], str]) -> tuple[Parameter, ...]:
    """The significant parameters of *task*, in the order of their names.

    :param fingerprint: the fingerprint of a class that is a parameter's value.
    :raises TaskError: for a value that says nothing that is the same in every process.
    """
    found = []
    for name, param in task.get_params():
        if not param.significant:
            continue
        value = task.param_kwargs[name]
        public = param.visibility == ParameterVisibility.PUBLIC
        try:
            encoded = canonical(value, _OtherValues(param, fingerprint))
        except NotCanonicalError as error:
            raise TaskError(
                f"its parameter {name} has no canonical form: {error}", slug="bad-parameter"
            ) from None
        found.append(Parameter(name, str(param.serialize(value)), encoded, public))
    return tuple(sorted(found, key=lambda p: p.name))


@dataclass(frozen=True, slots=True)
class _OtherValues:
    """Canonical bytes of the values of a parameter that only Luigi and luisy know."""

    param: luigi.Parameter[Any]
    fingerprint: Callable[[type], str]

    def __call__(self, value: object) -> bytes:
        if isinstance(value, luigi.Task):  # its key stands among the inputs; here, which one it is
            return tagged(b"K", text(str(value.task_id)))
        if isinstance(value, type):
            return tagged(b"C", text(type_name(value)), bytes.fromhex(self.fingerprint(value)))
        if isinstance(value, DateInterval) or type(self.param).serialize is not luigi.Parameter.serialize:
            # An interval's text, or what the parameter's author says that the value is written as, tells it.
            return tagged(b"O", text(type_name(type(value))), text(str(self.param.serialize(value))))
        raise NotCanonicalError(f"a value of type {type_name(type(value))} is not the same in every process")


class Promises:
    """What tasks promise to write.

    Luigi shares one format among all targets that name none, so targets of one class mostly promise the same.

    :param fingerprint: the fingerprint of a target's class.
    """

    def __init__(self, fingerprint: Callable[[type], str]) -> None:
        self._fingerprint = fingerprint
        # With each promise, the format that it was made from: while it lives, its id is no other format's.
        self._known: dict[tuple[object, ...], tuple[object, Output]] = {}

    def of(self, node: Node) -> tuple[Output, ...]:
        """Place, target class with its project code, and format options of each output of *node*'s task."""
        files = zip(node.outputs, node.targets, strict=True)
        return (
            *(self._output(name, target) for (name, _), target in files),
            *(self._described(name, type(table), None, dict(table.options)) for name, table in node.tables),
        )

    def _output(self, name: bytes, target: Any) -> Output:
        form, kwargs = getattr(target, "format", None), getattr(target, "kwargs", None)
        if kwargs:
            return self._described(name, type(target), form, kwargs)
        alike = (name, type(target), id(form), kwargs is None)
        if alike not in self._known:
            self._known[alike] = form, self._described(name, type(target), form, kwargs)
        return self._known[alike][1]

    def _described(self, name: bytes, kind: type, form: object, kwargs: object) -> Output:
        """One output, with the format of Luigi's targets and the keyword options of luisy's own."""
        options = canonical({"format": form, "kwargs": kwargs}, described_object)
        return Output(name, type_name(kind), options + bytes.fromhex(self._fingerprint(kind)))


def described_object(value: object) -> bytes:
    """Canonical bytes of a value of no type that ``canonical`` knows: functions by name, others by their attributes."""
    if isinstance(value, type) or callable(value):
        return tagged(b"N", text(f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"))
    public = dict(sorted(getattr(value, "__dict__", {}).items()))
    return tagged(b"O", text(type_name(type(value))), canonical(public, described_object))


def shown_parameters(parameters: tuple[Parameter, ...]) -> Mapping[str, str]:
    """The parameters that may be seen: public ones, serialised."""
    return {p.name: p.serialised for p in parameters if p.public}
