"""What a command about the store names: a task with parameters, or several tasks and keys. Imports no pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from luisy.runner.remote.mirroring import Names


def filters(words: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """The family and the parameters that *words* name, parameters as Luigi spells them on a command line.

    :raises UsageError: there is more than one task, or parameters without one.
    """
    family, params = None, {}
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            if family is not None:
                raise UsageError(f"{word} stands where no task can be", hint="name one task")
            family = word
            continue
        name, equals, value = word[2:].partition("=")
        if not equals:  # a flag has no value
            value = left.pop(0) if left and not left[0].startswith("--") else "true"
        params[name] = value
    if params and family is None:
        raise UsageError(f"--{next(iter(params))} is a parameter of no task", hint="name the task first")
    prefix = f"{family}-"
    return family, {name.removeprefix(prefix).replace("-", "_"): value for name, value in params.items()}


def names_in(words: Sequence[str]) -> Names:
    """Names of tasks or beginnings of keys; with parameters, of one task.

    :raises UsageError: parameters stand with several names, or with none.
    """
    from luisy.runner.remote.mirroring import Names

    if not any(word.startswith("--") for word in words):
        return Names(tuple(words))
    family, params = filters(words)
    return Names((family,) if family is not None else (), params)
