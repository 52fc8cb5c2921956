"""Luigi's e-mails: when and to whom is Luigi's to say; values that are not public are in none of them.

Luigi writes every parameter into them, and the command line. What a central scheduler writes is its own.
"""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luigi import notifications
from luigi.batch_notifier import BatchNotifier
from luigi.parameter import ParameterVisibility
from luigi.task_register import Register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import luigi

NOT_SHOWN = "..."
"""What stands in the place of a value that is not public."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """As much of a task as Luigi's letters need; its public parameters alone."""

    task: luigi.Task

    def __str__(self) -> str:
        return str(self.task)

    @property
    def task_family(self) -> str:
        """As the task's."""
        family: str = self.task.task_family
        return family

    def to_str_params(self) -> dict[str, str]:
        """As the task's, without what is not public."""
        shown: dict[str, str] = self.task.to_str_params(only_public=True)
        return shown


def send_error(task: luigi.Task, traceback: str, subject: str, headline: str) -> None:
    """Luigi's letter about *task*, to whom it may concern."""
    command = subprocess.list2cmdline(public_arguments(sys.argv))
    message = notifications.format_task_error(headline, _Shown(task), command, traceback)
    notifications.send_error_email(subject, message, task.owner_email)


def public_arguments(arguments: Sequence[str]) -> list[str]:
    """A command line without the values of parameters that are not public."""
    flags = [
        f"--{prefix}{name}".replace("_", "-")
        for family, _, name, parameter in Register.get_all_params()
        if parameter.visibility != ParameterVisibility.PUBLIC
        for prefix in ("", f"{family}-")
    ]

    def private(flag: str) -> bool:  # argparse takes a flag's beginning for the flag
        return len(flag) > len("--") and any(known.startswith(flag.replace("_", "-")) for known in flags)

    shown = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        flag, equals, _ = argument.partition("=")
        if private(before):
            shown.append(NOT_SHOWN)
        else:
            shown.append(f"{flag}={NOT_SHOWN}" if equals and private(flag) else argument)
    return shown


class PublicBatchNotifier(BatchNotifier):
    """What the scheduler in the process collects for one letter about many tasks."""

    def _key(self, task_name: str, family: str, unbatched_args: Mapping[str, str]) -> Any:
        """What failures are counted under; *task_name* is made of public parameters only."""
        public = {name: text for name, text in unbatched_args.items() if f"{name}={text}" in task_name}
        return super()._key(task_name, family, public)
