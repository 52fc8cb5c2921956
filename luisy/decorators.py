"""Decorators for task classes: where the output lies, what it is called, which format it has.

Each returns the class that it was given and changes nothing else. Those whose arguments are all optional
may stand with or without parentheses.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

import luigi
import luigi.util
from luigi.parameter import ParameterVisibility

from luisy import settings, targets
from luisy.declarations import Declaration, DeclaredFile, DecoratorError, IgnoredName, declare
from luisy.gone import attributes_of
from luisy.naming import automatic_name, not_ending_in
from luisy.table_decorators import (
    azure_blob_storage_input,
    azure_blob_storage_output,
    deltatable_input,
    deltatable_output,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "DecoratorError",
    "LayerDecorator",
    "OutputDecorator",
    "auto_filename",
    "azure_blob_storage_input",
    "azure_blob_storage_output",
    "csv_output",
    "declares",
    "deltatable_input",
    "deltatable_output",
    "feather_output",
    "final",
    "hdf_output",
    "inherits",
    "interim",
    "json_output",
    "make_directory_output",
    "parquet_output",
    "parquetdir_output",
    "pickle_output",
    "project_name",
    "raw",
    "requires",
    "side_outputs",
    "xlsx_output",
]

TaskClass = TypeVar("TaskClass", bound=type)

_luigi_util: Any = luigi.util  # not annotated


class OutputDecorator(Protocol):
    """A decorator that takes options for the functions of pandas that write and read the output."""

    @overload
    def __call__(self, task_class: TaskClass, /) -> TaskClass: ...

    @overload
    def __call__(self, **options: Any) -> Callable[[TaskClass], TaskClass]: ...


class LayerDecorator(Protocol):
    """A decorator without arguments."""

    @overload
    def __call__(self, task_class: TaskClass, /) -> TaskClass: ...

    @overload
    def __call__(self) -> Callable[[TaskClass], TaskClass]: ...


def _output(target_cls: type[targets.LocalTarget]) -> OutputDecorator:
    def decorator(task_class: Any = None, /, **options: Any) -> Any:
        def decorate(cls: Any) -> Any:
            cls.target_cls = target_cls
            cls.target_kwargs = options
            return cls

        return decorate if task_class is None else decorate(task_class)

    decorator.__doc__ = f"The task's output is a {target_cls.__name__}; options go to pandas."
    return decorator


csv_output = _output(targets.CSVTarget)
feather_output = _output(targets.FeatherTarget)
hdf_output = _output(targets.HDFTarget)
json_output = _output(targets.JSONTarget)
parquet_output = _output(targets.ParquetTarget)
pickle_output = _output(targets.PickleTarget)
xlsx_output = _output(targets.XLSXTarget)


@overload
def parquetdir_output(task_class: TaskClass, /) -> TaskClass: ...


@overload
def parquetdir_output(*, outdir: str | None = None, **options: Any) -> Callable[[TaskClass], TaskClass]: ...


def parquetdir_output(task_class: Any = None, /, *, outdir: str | None = None, **options: Any) -> Any:
    """The task's output is a folder of parquet files.

    :param outdir: the folder's name; else the class has a method ``get_folder_name``.
    :param options: go to pandas and pyarrow.
    :raises DecoratorError: if there is neither.
    """

    def decorate(cls: Any) -> Any:
        if outdir is not None:
            cls.get_folder_name = lambda _self: outdir
        _check_folder_name(cls, "parquetdir_output")
        cls.target_cls = targets.ParquetDirTarget
        cls.target_kwargs = options
        return cls

    return decorate if task_class is None else decorate(task_class)


def make_directory_output(
    read_file_func: Callable[[str], Any], regex_pattern: str | None = None
) -> Callable[[TaskClass], TaskClass]:
    """The output of an external task is a folder, read file by file in the order of the names.

    :param read_file_func: is given the path of a file and returns its content, or None to leave it out.
    :param regex_pattern: only files whose name it is found in are read.
    :raises DecoratorError: for a task that is not external, or has no ``get_folder_name``.
    """

    def decorate(cls: Any) -> Any:
        if not issubclass(cls, luigi.ExternalTask):
            raise DecoratorError(
                f"make_directory_output stands at {cls.__name__}, which is no ExternalTask",
                hint="derive the class from luisy.ExternalTask",
            )
        _check_folder_name(cls, "make_directory_output")
        cls.target_cls = type(
            f"{cls.__name__}Directory",
            (targets.DirectoryTarget,),
            {
                # Where pickle finds it again.
                "__module__": cls.__module__,
                "__qualname__": f"{cls.__qualname__}.target_cls",
                "__doc__": f"The folder of {cls.__name__}.",
                "read_file": staticmethod(read_file_func),
                "regex_pattern": regex_pattern,
            },
        )
        cls.target_kwargs = {}
        return cls

    return decorate


def _check_folder_name(cls: type, decorator: str) -> None:
    if not callable(getattr(cls, "get_folder_name", None)):
        raise DecoratorError(
            f"{decorator} stands at {cls.__name__}, which has no method get_folder_name()",
            hint="let get_folder_name(self) return the folder's name below the task's get_outdir()",
        )


def side_outputs(*names: str) -> Callable[[TaskClass], TaskClass]:
    """The task also writes the files *names*: they are kept and restored with its output.

    :param names: relative to ``get_outdir()``; ``{name}`` in them stands for the task's ``get_file_name()``, so that
        tasks with other parameters have other files.
    """

    def decorate(cls: Any) -> Any:
        cls.side_output_names = names
        return cls

    return decorate


def declares(
    *,
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    env: str | Iterable[str] = (),
    version: str | int | None = None,
    ignore: str | Iterable[str] = (),
    time_to_live: float | dt.timedelta | None = None,
    uncacheable: str = "",
) -> Callable[[TaskClass], TaskClass]:
    """Say of a task what its code does not show. Stands at any ``luigi.Task``, also several times.

    A subclass inherits everything and adds files, variables and names to it; its own version, time to live and
    reason take the place of inherited ones.

    :param files: paths or globs of files that it reads, relative to the folder of the class's module; they count by
        their content. A folder counts with all that is below it. One that is not there counts as absent.
    :param env: environment variables that it reads. Their values count; they are shown and kept as keyed digests only.
    :param version: counts as it is: another version, other results.
    :param ignore: names that its fingerprint leaves out with all that only they lead to: ``NAME`` in the class's
        module, ``package.module.NAME``, or a whole ``package.module``.
    :param time_to_live: seconds, or a ``timedelta``: a result older than that counts as none.
    :param uncacheable: why its results cannot be kept; it runs as under Luigi.
    :raises DecoratorError: a value is not of its kind.
    """
    names = {"env": _several(env), "ignore": _several(ignore)}
    for option, given in names.items():
        if wrong := [name for name in given if not isinstance(name, str) or not name or "=" in name]:
            raise DecoratorError(
                f"declares({option}=...) names {wrong[0]!r}, which is no name",
                hint="give one name, or a list of names",
            )
    if not isinstance(uncacheable, str):
        raise DecoratorError(
            f"declares(uncacheable={uncacheable!r}): it takes a sentence that says why",
            hint='for instance uncacheable="it asks a web page"',
        )
    seconds = _seconds(time_to_live)
    patterns = [os.fspath(path) for path in _several(files)]

    def decorate(cls: Any) -> Any:
        module = cls.__module__
        declaration = Declaration(
            tuple(DeclaredFile(pattern, module) for pattern in patterns),
            tuple(names["env"]),
            "" if version is None else str(version),
            tuple(IgnoredName(name, module) for name in names["ignore"]),
            seconds,
            uncacheable,
        )
        declare(cls, declaration)
        return cls

    return decorate


def _several(given: Any) -> list[Any]:
    """*given* as a list: one path or name may stand by itself."""
    return [given] if isinstance(given, (str, os.PathLike)) else list(given)


def _seconds(time_to_live: float | dt.timedelta | None) -> float | None:
    if time_to_live is None:
        return None
    seconds = time_to_live.total_seconds() if isinstance(time_to_live, dt.timedelta) else time_to_live
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise DecoratorError(
            f"declares(time_to_live={time_to_live!r}): it takes seconds, or a timedelta, of more than 0",
            hint="for instance time_to_live=datetime.timedelta(days=1)",
        )
    return float(seconds)


def project_name(project_name: str) -> Callable[[TaskClass], TaskClass]:
    """The task belongs to the project *project_name* rather than to the one that its module names."""

    def decorate(cls: Any) -> Any:
        cls.project_name = project_name
        return cls

    return decorate


def _layer(name: str) -> LayerDecorator:
    def get_outdir(self: Any) -> str:
        working_dir = settings.current().required_working_dir
        return os.path.join(working_dir, self.project_name, name, self.get_sub_dir())

    def decorator(task_class: Any = None, /) -> Any:
        def decorate(cls: Any) -> Any:
            cls.get_outdir = get_outdir
            return cls

        return decorate if task_class is None else decorate(task_class)

    decorator.__doc__ = f"The output lies in the {name} layer: ``WORKING_DIR/<project>/{name}/<sub dir>``."
    return decorator


raw = _layer("raw")
interim = _layer("interim")
final = _layer("final")


@overload
def auto_filename(task_class: TaskClass, /) -> TaskClass: ...


@overload
def auto_filename(
    *, excl_params: Iterable[str] | None = None, excl_none: bool = False
) -> Callable[[TaskClass], TaskClass]: ...


def auto_filename(
    task_class: Any = None, /, *, excl_params: Iterable[str] | None = None, excl_none: bool = False
) -> Any:
    """The file is named by the task's family and its significant public parameters (``luisy.naming``).

    :param excl_params: names of parameters that are not told; tasks that differ in nothing else share a file.
    :param excl_none: parameters that are None are not told.
    """
    excluded = frozenset(excl_params or ()) | {"working_dir"}

    def get_file_name(self: Any) -> str:
        """The automatic name, without the file's ending."""
        told = sorted(
            (name, p)
            for name, p in self.get_params()
            # Names of files are seen by everybody, and tasks that differ in nothing else are one to Luigi (task_id).
            if p.significant and p.visibility == ParameterVisibility.PUBLIC and name not in excluded
        )
        values = ((name, parameter, getattr(self, name)) for name, parameter in told)
        shown = [item for item in values if not (excl_none and item[2] is None)]
        name = automatic_name(self.get_task_family(), shown, [name for name, _ in told])
        ending = self.target_cls.file_ending
        return not_ending_in(name, f".{ending}") if ending else name

    def decorate(cls: Any) -> Any:
        cls.get_file_name = get_file_name
        return cls

    return decorate if task_class is None else decorate(task_class)


def inherits(*tasks: type[luigi.Task], **named_tasks: type[luigi.Task]) -> Callable[[TaskClass], TaskClass]:
    """The class gets the parameters of *tasks*, and ``clone_parent`` or ``clone_parents``, as in Luigi."""
    if not tasks and not named_tasks:
        raise TypeError("inherits needs at least one task class")
    decorator: Callable[[TaskClass], TaskClass] = _luigi_util.inherits(*tasks, **named_tasks)
    return decorator


def requires(
    *tasks: type[luigi.Task], as_dict: bool = False, **named_tasks: type[luigi.Task]
) -> Callable[[TaskClass], TaskClass]:
    """The class gets the parameters of *tasks* and requires them.

    One task is required as it is, several as a list, and *named_tasks* as a dict.

    :param as_dict: require several as a dict by their family.
    """
    if not tasks and not named_tasks:
        raise TypeError("requires needs at least one task class")

    def decorate(cls: Any) -> Any:
        cls = _luigi_util.requires(*tasks, **named_tasks)(cls)
        if as_dict and len(tasks) > 1:
            families: Any = tasks
            cls.requires = lambda self: {task.get_task_family(): self.clone(task) for task in families}
        return cls

    return decorate


if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)
