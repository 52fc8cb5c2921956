"""The task classes that users derive theirs from.

A task says by ``get_outdir()`` and ``get_file_name()`` (which the decorators write) where its output lies.
While luisy plans, naming an output touches no disk: folders are made when something is written, and by Luigi's
worker just before ``run()``, for tasks that write to ``self.output().path`` by themselves. Elsewhere the folder is
made when the output is named, as in luisy 1.x.
"""

from __future__ import annotations

import importlib
import logging
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import luigi

from luisy import settings
from luisy.decorators import auto_filename, pickle_output
from luisy.errors import TaskError, UsageError
from luisy.gone import attributes_of
from luisy.naming import fitting, project_of_module
from luisy.targets import CloudTarget
from luisy.tasks import port
from luisy.tasks.related import related_instances

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


_flatten: Any = luigi.task.flatten  # not annotated
_plain_target: Any = luigi.LocalTarget


class NoOutput(TaskError, ValueError):
    """A task's output is to be read and is not there (a ``ValueError``, as in luisy 1.x)."""

    slug = "no-output"


class _ProjectName:
    """``project_name`` of a task and of its class, unless one is set: what the module says."""

    def __get__(self, _task: object, owner: type) -> str:
        return project_of_module(owner.__module__)


@pickle_output
@auto_filename
class Task(luigi.Task):
    """A task with one output that luisy can read and write.

    Without other decorators the output is a pickle named after the task and its parameters, directly in the
    working dir (or in the folder that ``get_sub_dir()`` names).
    """

    target_cls: ClassVar[type[Any]]
    target_kwargs: ClassVar[Mapping[str, Any]]
    side_output_names: ClassVar[Sequence[str]] = ()
    project_name: ClassVar[Any] = _ProjectName()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take ``side_outputs = ("a.png",)`` in a class's body for the decorator of that name."""
        super().__init_subclass__(**kwargs)
        names = cls.__dict__.get("side_outputs")
        if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
            cls.side_output_names = tuple(names)
            del cls.side_outputs

    @cached_property
    def logger(self) -> logging.Logger:
        """A logger with the name of the class."""
        return logging.getLogger(type(self).__name__)

    def get_outdir(self) -> str:
        """The folder of the output: the working dir and ``get_sub_dir()``; the layer decorators replace it."""
        return os.path.join(settings.current().required_working_dir, self.get_sub_dir())

    def get_sub_dir(self) -> str:
        """A folder below the layer; none unless overridden."""
        return ""

    if TYPE_CHECKING:  # Luigi's methods, annotated for those who check their pipelines strictly

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            """Take the parameters, by position or by name."""

        def input(self) -> Any:
            """The outputs of the required tasks, in the shape of ``requires()``."""

        def requires(self) -> Any:
            """The tasks that must be complete before: one, or a list, tuple or dict of them."""

        def complete(self) -> bool:
            """Whether all outputs are there."""

        @classmethod
        def get_task_family(cls) -> str:
            """The name of the class, after its namespace if it has one."""

        def get_file_name(self) -> str:
            """The output's name, with or without the ending of its format; ``auto_filename`` writes this method."""

        def get_folder_name(self) -> str:
            """The output's name if it is a folder; written by the user or ``parquetdir_output(outdir=...)``."""

    def get_outfile(self) -> str:
        """The path of the output."""
        ending = self.target_cls.file_ending
        if not ending and hasattr(self, "get_folder_name"):
            return os.path.join(self.get_outdir(), self.get_folder_name())
        suffix = f".{ending}" if ending else ""
        folder, name = os.path.split(self.get_file_name().removesuffix(suffix))
        return os.path.join(self.get_outdir(), folder, fitting(name, suffix) + suffix)

    def output(self) -> Any:
        """The target of the output."""
        kind: Any = self.target_cls
        if issubclass(kind, CloudTarget):
            return kind(outdir=self.get_outdir(), **self.target_kwargs)
        path = self.get_outfile()
        port.make_folder(os.path.dirname(path))
        return kind(path, **self.target_kwargs)

    @property
    def side_outputs(self) -> Any:
        """The targets of further files that the task writes: a dict by the names under which they were declared."""
        if not self.side_output_names:
            return {}
        name = self.get_file_name().removesuffix(f".{self.target_cls.file_ending}")
        return {
            declared: _plain_target(os.path.join(self.get_outdir(), declared.replace("{name}", name)))
            for declared in self.side_output_names
        }

    def read(self) -> Any:
        """The content of the output. If it is not there, the ``ResultSource`` is asked first.

        :raises NoOutput: if there is none.
        """
        if not self.complete() and not (port.fetched(self) and self.complete()):
            raise NoOutput(
                f"{self} has no output yet: {_told(self.output())}",
                hint=f"run it first: luisy run {self.get_task_family()}, or luisy.build(task)",
            )
        return _content(self.output(), self)

    def write(self, obj: Any) -> None:
        """Make *obj* the content of the output, atomically."""
        target = self.output()
        target.make_dir(self.get_outdir())
        target.write(obj)

    def read_input(self) -> Any:
        """The content of the inputs, in the shape of ``requires()``: one value, a list, a tuple or a dict."""
        if type(self).input is not luigi.Task.input:
            return _content(self.input(), self)
        return _read(self.requires(), self)

    def _take(self, task: Task) -> Any:
        """The content of *task*, as this one wants it."""
        return task.read()

    def clean(self) -> None:
        """Remove the output and the side outputs from the workspace.

        :raises UsageError: slug ``external-task``, if luisy could not make them again.
        """
        if isinstance(self, luigi.ExternalTask):
            raise ExternalOutput(
                f"{self} is external: its output was made by somebody else", hint="remove it yourself"
            )
        self.logger.info("Cleaning %s", self)
        for target in (*_flatten(self.output()), *self.side_outputs.values()):
            if target.exists():
                target.remove()

    @classmethod
    def get_related_instances(cls, regex_placeholder: str = r"[\S]*") -> list[Any]:
        """The tasks of this class whose outputs lie in the workspace, sorted by path.

        :param regex_placeholder: what the spelling of a parameter's value looks like.
        :raises UsageError: slug ``no-file-pattern``, if the output's name cannot be read backwards.
        """
        return related_instances(cls, regex_placeholder)

    def visualize(
        self,
        ax: Any = None,
        unique_children: bool = True,  # noqa: FBT001, FBT002 - luisy 1.x's signature
        parameters_to_exclude: Sequence[str] = (),
    ) -> Any:
        """Draw the task with what it requires; see ``luisy.visualize.visualize_task``."""
        above = importlib.import_module("luisy.visualize")  # a layer above: nothing here rests on it
        return above.visualize_task(self, ax, unique_children, parameters_to_exclude)

    def download(self) -> bool:
        """Fetch the output; False if there is no result anywhere.

        :raises RemoteError: slug ``no-remote``, if nothing to ask is set.
        """
        return port.source_for("download", self).fetch(self)

    def upload(self, overwrite: bool = False) -> None:  # noqa: FBT001, FBT002 - luisy 1.x's signature
        """Upload the result; one that is there already stays unless *overwrite*.

        :raises RemoteError: slug ``no-remote``, if nowhere to upload is set.
        """
        port.source_for("upload", self).upload(self, overwrite=overwrite)


class ExternalTask(Task, luigi.ExternalTask):
    """A task whose output somebody else makes."""


class WrapperTask(Task, luigi.WrapperTask):
    """A task that only requires others. It has no output of its own."""

    def output(self) -> Any:
        """Nothing."""
        return []

    def read(self) -> Any:
        """What the required tasks read, in the shape of ``requires()``: one value, a list, a tuple or a dict."""
        return _read(self.requires(), self)

    def download(self) -> bool:
        """Nothing: there is no file."""
        return False

    def upload(self, overwrite: bool = False) -> None:  # noqa: FBT001, FBT002 - luisy 1.x's signature
        """Nothing: there is no file."""


class ConcatenationTask(Task):
    """Puts the data frames of its inputs below each other, in the order of ``requires()``."""

    def preprocess(self, df: Any) -> Any:
        """Change the whole data frame before it is written."""
        return df

    def run(self) -> None:
        """Read the inputs one after the other, concatenate them, and write what ``preprocess`` returns."""
        import pandas as pd

        frames = list(self._frames(self.requires()))
        if not frames:
            raise TaskError(
                f"{self} requires nothing, so there is nothing to concatenate",
                slug="no-inputs",
                hint="let requires() return at least one task",
            )
        self.write(self.preprocess(pd.concat(frames)))

    def _frames(self, required: Any) -> Iterator[Any]:
        for task in _flatten(required):
            if _is_wrapper(task):
                yield from self._frames(task.requires())
            else:
                self.logger.info("Reading the output of %s", task)
                yield _read(task, self)


class ExternalOutput(UsageError, ValueError):
    """The output of an external task is not luisy's to remove (a ``ValueError``, as in luisy 1.x)."""

    slug = "external-task"


def _make_outdir(task: Task) -> None:
    """Tasks that write by themselves count on their folder. Where a test has put another ``output``, there is none."""
    standard = type(task).output is Task.output and "output" not in vars(task)
    if standard and not isinstance(task, luigi.WrapperTask) and not issubclass(task.target_cls, CloudTarget):
        os.makedirs(task.get_outdir(), exist_ok=True)


_registry: Any = Task  # Luigi's side of the class, not annotated
_registry.event_handler(luigi.Event.START)(_make_outdir)


def _read(required: Any, reader: Task) -> Any:
    """What *required* reads, in its own shape."""
    if isinstance(required, luigi.Task):
        task: Any = required  # of Luigi, not annotated
        if isinstance(task, Task):
            return reader._take(task)  # noqa: SLF001 - of the class above
        return _read(task.requires(), reader) if _is_wrapper(task) else _content(task.output(), reader)
    if isinstance(required, dict):
        return {name: _read(task, reader) for name, task in required.items()}
    contents = (_read(task, reader) for task in required)
    return tuple(contents) if isinstance(required, tuple) else list(contents)


def _is_wrapper(task: Any) -> bool:
    return isinstance(task, luigi.WrapperTask)


def _content(output: Any, reader: luigi.Task) -> Any:
    """What the targets in *output* read, in its own shape."""
    if isinstance(output, dict):
        return {name: _content(target, reader) for name, target in output.items()}
    if isinstance(output, (list, tuple)):
        return type(output)(_content(target, reader) for target in output)
    if not callable(getattr(output, "read", None)):
        raise TaskError(
            f"{reader} cannot read {_told(output)}: a {type(output).__name__} has no read()",
            slug="no-reader",
            hint="open it with input().open(), or give the task that writes it one of luisy's output decorators",
        )
    return output.read()


def _told(output: Any) -> str:
    return ", ".join(str(getattr(target, "path", target)) for target in _flatten(output))


if not TYPE_CHECKING:  # for type checkers, what is not there is not there

    def __getattr__(name: str) -> Any:
        if name == "SparkTask":  # where luisy 1.x had it
            return importlib.import_module("luisy.tasks.spark").SparkTask
        return attributes_of(__name__)(name)
