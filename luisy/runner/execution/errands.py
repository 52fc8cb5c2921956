"""What goes to a cluster's worker and what comes back: plain values, readable by both, silent in logs.

A cluster's scheduler and its workers show and log the arguments of what they run by ``repr``. Parameters may be
private, so the ``repr`` of an errand tells no more than a public name.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.model import Digest, Key
    from luisy.runner.pipeline.given import Given
    from luisy.runner.results.keeping import Execution


def own_version() -> str:
    """The version of this luisy; of both ends it has to be the same."""
    return str(sys.modules["luisy"].__version__)  # the facade is imported by nobody


@dataclass(frozen=True, slots=True, repr=False)
class Errand:
    """One task to be run elsewhere, and what it has to be there.

    :param version: luisy's at the driver. The first field, so that another version can read it.
    :param number: tells attempts apart, also of one task.
    :param module: the module that defines the task, and *modules* all to import before it.
    :param params: all of its parameters, serialised.
    :param key: the task's key. What has another one on the worker is not run.
    :param fingerprint: of its class, and *facts* the digest of all that is in the key beside the inputs: they tell
        why a key is another one.
    :param given: the results of its inputs, and of what it yielded in an earlier attempt, by task id.
    :param options: values of Luigi's command line at the driver, by their argparse names.
    :param settings: those that change what becomes of the task; none that names or opens anything.
    """

    version: str
    number: int
    task_id: str
    family: str
    module: str
    modules: tuple[str, ...]
    params: Mapping[str, str]
    key: Key
    fingerprint: Digest
    facts: Digest
    given: Mapping[str, Given] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Errand({self.name})"

    @property
    def name(self) -> str:
        """What people may see of it: family and the beginning of its key."""
        return f"{self.family}-{self.key[:SHOWN_DIGITS]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an errand.

    :param status: Luigi's, with *explanation*, *missing* and *new* as in its processes' messages.
    :param action: the key of the action that was pushed; the task's own key may lead there by equal inputs.
    :param where: the machine.
    :param remote: the URL of the remote that was pushed to, without secrets.
    """

    status: str
    explanation: Any
    missing: list[str]
    new: list[Any]
    execution: Execution | None
    where: str
    action: Key | None = None
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way back, as bytes that only the driver looks into; or why there is none.

    :param lost: what the cluster says.
    """

    number: int
    answer: bytes | None
    lost: str = ""
