"""Inputs that took the place of others: of one task family, with other parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from luisy.model import Key, is_digest
from luisy.runner.pipeline.describe import shown_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from luisy.model import Action
    from luisy.runner.pipeline.graph import Node

_MOST_COMPARED = 50
"""Inputs of one family that are held against each other; of more, the first takes the place of the first."""


@dataclass(frozen=True, slots=True)
class Gone:
    """An input that is not required any more.

    :param counted: what it counted as then: a key or a content digest.
    :param action: at that key, if it had one and that is still recorded.
    """

    task_id: str
    counted: str
    action: Action | None

    @property
    def shown(self) -> str:
        """The task to read, as far as it is known."""
        if self.action is None:
            return self.task_id
        params = ", ".join(f"{name}={value}" for name, value in self.action.params.items())
        return f"{self.action.family}({params})"

    def is_of(self, family: str) -> bool:
        """Whether it was a task of *family*."""
        if self.action is not None:
            return self.action.family == family
        return self.task_id.startswith(f"{family}_")


def replacements(
    new: Mapping[str, Node], gone: Mapping[str, str], action_at: Callable[[Key], Action | None]
) -> dict[str, Gone]:
    """Which input of *gone* each of the *new* ones is most like, by the task id of the new one; each is used once.

    :param gone: what each counted as, by task id.
    :param action_at: finds the action at a key.
    """
    if not new or not gone:
        return {}
    left = [Gone(id_, old, action_at(Key(old)) if is_digest(old) else None) for id_, old in gone.items()]
    found = {}
    for task_id, node in new.items():
        alike = [one for one in left if one.is_of(node.family)]
        if len(alike) <= _MOST_COMPARED:
            alike.sort(key=partial(_differences, node))
        if alike:
            found[task_id] = alike[0]
            left.remove(alike[0])
    return found


def _differences(node: Node, one: Gone) -> int:
    """In how many public parameters the tasks differ."""
    if node.facts is None or one.action is None:
        return 0
    now, then = shown_parameters(node.facts.parameters), one.action.params
    return sum(now.get(name) != then.get(name) for name in {*now, *then})
