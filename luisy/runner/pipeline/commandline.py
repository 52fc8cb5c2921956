"""A task from command line arguments: Luigi's own parsing, with errors that say what to do."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import io
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import luigi
import luigi.configuration
import luigi.retcodes  # the options of [retcode] are flags of Luigi's, too
from luigi.cmdline_parser import CmdlineParser
from luigi.parameter import ParameterVisibility
from luigi.task_register import Register, TaskClassAmbigiousException, TaskClassNotFoundException

from luisy.errors import LuisyError, TaskError, UsageError
from luisy.gone import GoneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def import_module(name: str | None) -> None:
    """Import the user's module, from the current directory too.

    :raises UsageError: where there is none, or none is set.
    :raises TaskError: where its own code raises.
    """
    if name is None:
        raise UsageError(
            "no module is set: luisy does not know where the tasks are",
            slug="no-module",
            hint="pass --module MODULE, set LUISY_MODULE, module in [tool.luisy] of pyproject.toml, or module in "
            "[luisy] of luigi.cfg",
        )
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(
                f"there is no module {name}",
                slug="no-such-module",
                hint=f"it is looked for in {os.getcwd()} and on PYTHONPATH",
            ) from error
        raise _import_error(name, error) from error
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise _import_error(name, error) from error


def _import_error(name: str, error: BaseException) -> TaskError:
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename
    ]
    if isinstance(error, SyntaxError):
        place = f" ({error.filename}, line {error.lineno})"
    else:
        place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if len(frames) > 1 else ""
    return TaskError(
        f"importing {name} failed: {type(error).__name__}: {error}{place}",
        slug="import-failed",
        hint="mend the module; -v shows the traceback",
    )


class _Parser(CmdlineParser):
    """Luigi's parser, but a parameter may have the name of one of Luigi's options, and errors name the parameter."""

    _without_root: argparse.ArgumentParser | None = None

    @staticmethod
    def _attempt_load_module(_known_args: argparse.Namespace) -> None:
        """The module is loaded: by :func:`import_module`, before there is a parser."""

    def _build_parser(self, root_task: str | None = None, help_all: bool = False) -> argparse.ArgumentParser:  # type: ignore[override]  # noqa: FBT001, FBT002 - Luigi's signature, but for self
        # Luigi makes three, since it loads the module between them; an argument for every parameter that is known.
        parser = self._without_root
        if parser is None or help_all:
            parser = CmdlineParser._build_parser(help_all=help_all)  # noqa: SLF001
            self._without_root = parser
        root = None if root_task is None else Register.get_all_params()
        for family, _, name, parameter in root or ():
            if family != root_task:
                continue
            try:
                parser.add_argument(_flag(name), help=parameter.description, **parameter._parser_kwargs(name))  # noqa: SLF001
            except argparse.ArgumentError:  # Luigi's own option has the name; --<Family>-<name> is left
                parser.set_defaults(**{name: None})
        return parser

    def _get_task_kwargs(self) -> dict[str, Any]:
        """The values that are given for the task; those from elsewhere are looked at, too, so that errors are clear.

        :raises UsageError: a parameter has no value, or one that it cannot have.
        """
        family = self._get_task_cls().get_task_family()
        values, missing = {}, []
        for name, parameter in self._get_task_cls().get_params():
            text = getattr(self.known_args, name)
            try:
                if text:
                    values[name] = parameter.parse(text)
                    parameter.normalize(values[name])
                elif not parameter.has_task_value(family, name):
                    missing.append(_flag(name))
            except Exception as error:  # noqa: BLE001 - a parameter may raise whatever it likes
                raise self._unfit(name, parameter, error) from None
        if missing:
            raise self._bad(f"{', '.join(missing)} must be given")
        return values

    def _unfit(self, name: str, parameter: luigi.Parameter, error: Exception) -> UsageError:
        """The error for a value. One that is not public is not repeated, neither is what its parser says of it."""
        if parameter.visibility != ParameterVisibility.PUBLIC:
            return self._bad(f"{_flag(name)} has a value that it cannot have")
        family = self._get_task_cls().get_task_family()
        text = getattr(self.known_args, name) or getattr(self.known_args, f"{family}_{name}", None)
        shown = f"be {text!r}" if text else "have its value from the configuration"
        return self._bad(f"{_flag(name)} cannot {shown}: {error}")

    def _bad(self, text: str) -> UsageError:
        family = str(self.known_args.root_task)
        known = ", ".join(_flag(name) for name, _ in self._get_task_cls().get_params())
        return UsageError(
            f"{family}: {text}", slug="bad-parameter", hint=f"parameters of {family}: {known or 'none'}"
        )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


@contextlib.contextmanager
def parsed_task(arguments: Sequence[str]) -> Iterator[luigi.Task]:
    """The task that *arguments* name, with Luigi's options among them in force for the length of the block.

    :raises UsageError: for an unknown task, or parameters that do not fit.
    """
    before = CmdlineParser.get_instance()
    try:
        with _understood(arguments):
            parser = _Parser(list(arguments))
            CmdlineParser._instance = parser  # noqa: SLF001 - parameters look here for their values
            task = parser.get_task_obj()
        yield task
    finally:
        CmdlineParser._instance = before  # noqa: SLF001


def given_options() -> dict[str, Any]:
    """What the command line says of parameters and of Luigi's options, by argparse's names; empty without one."""
    parser = CmdlineParser.get_instance()
    return {} if parser is None else {n: v for n, v in vars(parser.known_args).items() if v is not None}


class _Given(CmdlineParser):
    """The command line of another process, as it was parsed there."""

    def __init__(
        self, options: Mapping[str, Any]
    ) -> None:  # Luigi's own would parse; values are strings already
        self.known_args = argparse.Namespace(**options)


@contextlib.contextmanager
def options_in_force(options: Mapping[str, Any]) -> Iterator[None]:
    """Take parameters from *options*, which :func:`given_options` returned elsewhere, for the length of the block."""
    before = CmdlineParser.get_instance()
    CmdlineParser._instance = _Given(options)  # noqa: SLF001 - parameters look here for their values
    try:
        yield
    finally:
        CmdlineParser._instance = before  # noqa: SLF001


def log_level_given() -> bool:
    """Whether the command line or luigi.cfg say how much Luigi logs."""
    parser = CmdlineParser.get_instance()
    on_command_line = parser is not None and parser.known_args.core_log_level is not None
    config = luigi.configuration.get_config()
    return on_command_line or any(config.has_option("core", name) for name in ("log_level", "log-level"))


@contextlib.contextmanager
def _understood(arguments: Sequence[str]) -> Iterator[None]:
    """Luigi's and argparse's complaints as ours. argparse prints and exits; what it prints is caught."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            yield
    except LuisyError:
        raise
    except TaskClassNotFoundException as error:
        raise _no_such_task(arguments) from error
    except TaskClassAmbigiousException as error:
        raise UsageError(
            str(error), slug="ambiguous-task", hint="give one of the classes a task_namespace"
        ) from error
    except SystemExit as error:
        if isinstance(error.code, str):
            raise UsageError(
                "no task is named", slug="no-task", hint=f"name one of: {', '.join(_own_tasks())}"
            ) from error
        lines = [line for line in complaint.getvalue().splitlines() if ": error: " in line]
        if error.code and lines:
            raise _bad_argument(lines[-1].split(": error: ", 1)[1], arguments) from error
        raise
    except Exception as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        raise _bad_argument(f"{type(error).__name__}: {error}{cause}", arguments) from error


def _bad_argument(complaint: str, arguments: Sequence[str]) -> UsageError:
    """The error for arguments that do not fit; of unknown ones only the names are repeated, not the values."""
    name = next((a for a in arguments if a in Register.task_names()), "the task")
    names = {_flag(n) for family, _, n, _ in Register.get_all_params() if family == name}
    if complaint.startswith("unrecognized arguments:"):
        flags = [word.partition("=")[0] for word in complaint.split()[2:] if word.startswith("--")]
        if "--spark" in flags:
            return GoneError(
                "--spark is gone: a session has no name that a command line could tell",
                hint='call luisy.Config().set_param("spark", session) where the tasks are',
            )
        complaint = f"unknown parameter {', '.join(flags)}" if flags else complaint
    hint = f"parameters of {name}: {', '.join(sorted(names)) or 'none'}"
    return UsageError(f"{name}: {complaint}", slug="bad-parameter", hint=hint)


def _own_tasks() -> list[str]:
    """The tasks that are not Luigi's own."""
    known = Register._get_reg()  # noqa: SLF001 - Luigi has no public list with classes
    return sorted(
        name
        for name, kind in known.items()
        if not isinstance(kind, str) and kind.__module__.partition(".")[0] not in ("luigi", "luisy")
    )


def _no_such_task(arguments: Sequence[str]) -> UsageError:
    names = _own_tasks()
    wanted = next((a for a in arguments if not a.startswith("-") and a not in Register.task_names()), "")
    folded = {name.lower(): name for name in names}
    near = [folded[match] for match in difflib.get_close_matches(wanted.lower(), folded, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known tasks are {', '.join(names) or 'none'}"
    return UsageError(f"there is no task {wanted}", slug="no-such-task", hint=hint)
