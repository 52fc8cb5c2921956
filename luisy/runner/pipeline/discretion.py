"""Tasks are named without the values that their authors marked as not public, also where Luigi names them.

Luigi writes every significant parameter into ``str(task)``, and with it into its log and its summary; from there
a password would reach luisy's warnings, and reasons that are kept with an action.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import luigi
import luigi.execution_summary
from luigi.parameter import ParameterVisibility

from luisy.runner.pipeline.params import replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOO_LONG = 1 << 20  # characters; from 61 on, Luigi's summary writes "..." for the parameters


@contextmanager
def discreet_names() -> Iterator[None]:
    """Show public parameters only, in the block; a class with a ``__repr__`` of its own answers for itself."""
    with (
        replaced(luigi.Task, "__repr__", "luigi.task", _repr_of),
        replaced(luigi.execution_summary, "_get_len_of_params", "luigi.execution_summary", _length_of),
    ):
        yield


def _has_secrets(task: luigi.Task) -> bool:
    return any(p.significant and p.visibility != ParameterVisibility.PUBLIC for _, p in task.get_params())


def _repr_of(original: Callable[[luigi.Task], str]) -> Callable[[luigi.Task], str]:
    def shown(self: luigi.Task) -> str:
        if not _has_secrets(self):
            return original(self)
        public: dict[str, str] = self.to_str_params(only_significant=True, only_public=True)
        return f"{self.get_task_family()}({', '.join(f'{name}={value}' for name, value in public.items())})"

    return shown


def _length_of(original: Callable[[luigi.Task], int]) -> Callable[[luigi.Task], int]:
    def length(task: luigi.Task) -> int:
        # Luigi's summary takes values from the tasks themselves, unless they are too long to be shown.
        has_secrets = any(p.visibility != ParameterVisibility.PUBLIC for _, p in task.get_params())
        return _TOO_LONG if has_secrets else original(task)

    return length
