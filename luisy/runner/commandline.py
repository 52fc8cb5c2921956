"""A task from command line arguments: Luigi's own parsing, with errors that say what to do."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import os
import sys
import traceback
from typing import TYPE_CHECKING

from luigi.cmdline_parser import CmdlineParser
from luigi.parameter import ParameterException
from luigi.task_register import Register, TaskClassAmbigiousException, TaskClassNotFoundException

from luisy.errors import LuisyError, TaskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import luigi


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
    except Exception as error:
        raise _import_error(name, error) from error


def _import_error(name: str, error: Exception) -> TaskError:
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


@contextlib.contextmanager
def parsed_task(arguments: Sequence[str]) -> Iterator[luigi.Task]:
    """The task that *arguments* name, with Luigi's options among them in force for the length of the block.

    :raises UsageError: for an unknown task, or parameters that do not fit.
    """
    with contextlib.ExitStack() as stack:
        with _understood(arguments):
            parser = stack.enter_context(CmdlineParser.global_instance(list(arguments)))
            task = parser.get_task_obj()
        yield task


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
    except ParameterException as error:
        raise UsageError(
            str(error), slug="bad-parameter", hint="see the parameters in the task's class"
        ) from error
    except SystemExit as error:
        if isinstance(error.code, str):
            raise UsageError(
                "no task is named", slug="no-task", hint=f"name one of: {', '.join(_own_tasks())}"
            ) from error
        lines = [line for line in complaint.getvalue().splitlines() if ": error: " in line]
        if error.code and lines:
            text = lines[-1].split(": error: ", 1)[1]
            raise UsageError(
                text, slug="bad-parameter", hint="see the parameters in the task's class"
            ) from error
        raise
    except Exception as error:
        raise UsageError(
            f"the parameters of {' '.join(arguments[:1])} do not fit: {type(error).__name__}: {error}",
            slug="bad-parameter",
            hint="see the parameters in the task's class",
        ) from error


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
