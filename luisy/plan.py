"""What becomes of a task, and why. Pure: the same situation gives the same decision, no file is touched.

``decide`` walks one list of rules; ``luisy plan`` asks it before a run and the runner asks it again whenever
more is known, so that what was announced and what happens cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from luisy.model import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from luisy.model import Key


class Kind(Enum):
    """How a task takes part."""

    TASK = "task"
    EXTERNAL = "external"
    WRAPPER = "wrapper"


class Found(Enum):
    """What the store holds at a task's key."""

    NOTHING = "nothing"
    SOUND = "sound"  # a result, made from the inputs that its inputs' results are now
    SUPERSEDED = "superseded"  # a result, but made from other content of an input
    UNPROVEN = "unproven"  # a result, but older than something that inputs without a result rest on
    EXPIRED = "expired"  # a result, but older than the time to live that the task declares
    GONE = "gone"  # an action whose objects are not there, or not what they were


UNCERTAIN = frozenset({Found.SUPERSEDED, Found.UNPROVEN})
"""A result that counts again if the inputs turn out to be what it was made from."""


class Table(Enum):
    """What is known of the tables that are a task's output."""

    HELD = "held"  # this task wrote them last, and nobody since
    UNKNOWN = "unknown"  # nobody noted who wrote one of them
    OPEN = "open"  # the task's own key is not known before its inputs are
    OTHER = "other"  # another task, or this one as it was, wrote one of them last
    CHANGED = "changed"  # this task wrote them last, and somebody else has changed one of them since


class History(Enum):
    """What was ever recorded for a task's family and parameters."""

    NEVER = "never"
    OTHER_CODE = "other-code"
    SAME_CODE = "same-code"


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the decision on one task rests on.

    :param problem: why the task cannot take part (``requires()`` raised, ...), empty if it can.
    :param uncacheable: why its results cannot be kept, empty if they can.
    :param complete: for a task that is not cacheable: Luigi finds it done, and by this code.
    :param missing: paths that an external task lacks.
    :param accepted: the beginning of the key of the earlier result that was accepted for the task's code.
    :param table: where its output is tables: what is known of them; *found* tells then how they stand to the inputs.
    :param remote: what was found is in a remote and has to be fetched.
    :param settled: the content of every input is known.
    :param equal_inputs: a result at the shallow key.
    :param cutoff_possible: some result of this code and these parameters might be found at a shallow key,
        or the task waits for a task whose dependencies are not known before it ran.
    :param inputs: what becomes of the direct inputs.
    """

    kind: Kind = Kind.TASK
    problem: str = ""
    uncacheable: str = ""
    complete: bool = False
    missing: tuple[str, ...] = ()
    forced: bool = False
    adopted: bool = False
    accepted: str = ""
    found: Found = Found.NOTHING
    table: Table | None = None
    remote: bool = False
    equal_inputs: bool = False
    settled: bool = True
    cutoff_possible: bool = False
    history: History = History.NEVER
    inputs: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome and its reason."""

    outcome: Outcome
    reason: Reason


SERVED = frozenset({Outcome.LOCAL, Outcome.REUSED, Outcome.REMOTE, Outcome.COMPLETE})
"""The outcomes of tasks whose result is there without an execution."""

_STOPPED = frozenset({Outcome.FAILED, Outcome.MISSING, Outcome.BLOCKED})

# From bad to good; a wrapper is as good as its worst input.
_WORST_FIRST = (
    Outcome.FAILED,
    Outcome.MISSING,
    Outcome.BLOCKED,
    Outcome.UNDECIDED,
    Outcome.NOT_NEEDED,
)


def _stopped(s: Situation) -> bool:
    return any(outcome in _STOPPED for outcome in s.inputs)


def _worst(s: Situation) -> Outcome:
    return next((outcome for outcome in _WORST_FIRST if outcome in s.inputs), Outcome.LOCAL)


_WHY_NOT_HELD = {
    Table.UNKNOWN: Reason("table-unknown", "luisy does not know who wrote its table"),
    Table.OTHER: Reason("table-rewritten", "other code, parameters or inputs wrote its table last"),
    Table.CHANGED: Reason("table-changed", "its table is not as it left it: somebody else has changed it"),
}

_WHY_NOT_SOUND = {
    Found.GONE: Reason("result-gone", "its earlier result is no longer whole in the store"),
    Found.SUPERSEDED: Reason(
        "input-superseded", "its earlier result was made from another content of an input"
    ),
    Found.UNPROVEN: Reason("input-renewed", "something upstream was made anew since its earlier result"),
    Found.EXPIRED: Reason("expired", "its earlier result is older than the time to live that it declares"),
}


def _why_executed(s: Situation) -> Reason:
    """Why nothing in the store serves: the first predicate that holds."""
    if s.forced:
        return Reason("forced", "executes because it was asked for by --force")
    if s.table in _WHY_NOT_HELD:
        return _WHY_NOT_HELD[s.table]
    if s.found in _WHY_NOT_SOUND:
        return _WHY_NOT_SOUND[s.found]
    if s.history is History.NEVER:
        return Reason("no-result", "no result for these parameters yet")
    if s.history is History.OTHER_CODE:
        return Reason("code-changed", "its code changed since its last result")
    return Reason("input-changed", "an input changed since its last result")


@dataclass(frozen=True, slots=True)
class Rule:
    """One predicate with what follows from it."""

    holds: Callable[[Situation], bool]
    outcome: Callable[[Situation], Outcome]
    reason: Callable[[Situation], Reason]


def _always(outcome: Outcome) -> Callable[[Situation], Outcome]:
    return lambda _: outcome


def _says(slug: str, text: str) -> Callable[[Situation], Reason]:
    return lambda _: Reason(slug, text)


def _holds_table(s: Situation) -> bool:
    """Whether its tables are what the task left last."""
    return s.table is Table.HELD and not s.forced


def _waits_with_table(s: Situation) -> bool:
    """Whether its tables may turn out to be what the task as it will be left last."""
    unsettled = _holds_table(s) and not s.settled and s.found in UNCERTAIN
    return (unsettled or s.table is Table.OPEN) and not s.forced


RULES: tuple[Rule, ...] = (
    Rule(lambda s: bool(s.problem), _always(Outcome.FAILED), lambda s: Reason("broken", s.problem)),
    Rule(
        lambda s: s.kind is Kind.EXTERNAL and bool(s.missing),
        _always(Outcome.MISSING),
        lambda s: Reason("missing-file", f"not there: {', '.join(s.missing)}"),
    ),
    Rule(
        lambda s: s.kind is Kind.EXTERNAL and not s.settled,
        _always(Outcome.UNDECIDED),
        _says(
            "raw-not-hashed", "a remote has the file, and its content is not known before it is downloaded"
        ),
    ),
    Rule(
        lambda s: s.kind is Kind.EXTERNAL and s.remote,
        _always(Outcome.REMOTE),
        _says("remote-file", "a remote has the file"),
    ),
    Rule(
        lambda s: s.kind is Kind.EXTERNAL,
        _always(Outcome.LOCAL),
        _says("external", "the file is there"),
    ),
    Rule(lambda s: s.kind is Kind.WRAPPER, _worst, _says("wrapper", "stands for its inputs")),
    Rule(
        lambda s: _holds_table(s) and s.found is Found.SOUND,
        _always(Outcome.COMPLETE),
        _says("table", "it wrote its table last, and the table is as it left it"),
    ),
    Rule(
        lambda s: bool(s.uncacheable) and s.complete,
        _always(Outcome.COMPLETE),
        lambda s: Reason("complete", f"Luigi finds it done; not cacheable: {s.uncacheable}"),
    ),
    Rule(
        lambda s: s.found is Found.SOUND and bool(s.accepted) and not s.forced,
        lambda s: Outcome.REMOTE if s.remote else Outcome.LOCAL,
        lambda s: Reason("accepted", f"the result at {s.accepted} was accepted for its code as it is now"),
    ),
    Rule(
        lambda s: s.adopted and not s.forced,
        _always(Outcome.LOCAL),
        _says(
            "adopted",
            "its files were there before luisy and were taken over as they are; their code cannot be verified",
        ),
    ),
    Rule(
        lambda s: s.found is Found.SOUND and s.remote and not s.forced,
        _always(Outcome.REMOTE),
        _says("remote", "the remote has its result"),
    ),
    Rule(
        lambda s: s.found is Found.SOUND and not s.forced,
        _always(Outcome.LOCAL),
        _says("stored", "the store has its result"),
    ),
    Rule(
        lambda s: s.equal_inputs and not s.forced,
        _always(Outcome.REUSED),
        _says("equal-inputs", "its code and the content of its inputs are those of an earlier result"),
    ),
    Rule(_stopped, _always(Outcome.BLOCKED), _says("blocked", "waits for a task that failed or is missing")),
    Rule(
        _waits_with_table,
        _always(Outcome.UNDECIDED),
        _says("inputs-open", "depends on what its inputs turn out to be"),
    ),
    Rule(lambda s: s.table is not None, _always(Outcome.EXECUTED), _why_executed),
    Rule(
        lambda s: bool(s.uncacheable),
        _always(Outcome.EXECUTED),
        lambda s: Reason("uncacheable", f"not cacheable: {s.uncacheable}"),
    ),
    Rule(
        lambda s: not s.settled and s.cutoff_possible and not s.forced,
        _always(Outcome.UNDECIDED),
        _says("inputs-open", "depends on what its inputs turn out to be"),
    ),
    Rule(lambda _: True, _always(Outcome.EXECUTED), _why_executed),
)


def decide(situation: Situation) -> Decision:
    """The outcome of a task in *situation*, with the reason of the first rule that holds."""
    rule = next(rule for rule in RULES if rule.holds(situation))
    return Decision(rule.outcome(situation), rule.reason(situation))


@dataclass(frozen=True, slots=True)
class TaskReport:
    """One task of a plan or a run; the fields of the JSON in ``docs/cli.md``.

    :param params: public parameters, serialised.
    :param seconds: time to execute or to fetch.
    :param bytes: size of the outputs.
    :param outputs: absolute paths.
    """

    family: str
    params: Mapping[str, str]
    key: Key | None
    outcome: Outcome
    cacheable: bool
    adopted: bool
    reason: Reason
    seconds: float
    bytes: int
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a run asked of the remote, in requests and bytes."""

    url: str | None = None
    requests: int = 0
    bytes_down: int = 0
    bytes_up: int = 0


@dataclass(frozen=True, slots=True)
class Root:
    """The task that was asked for."""

    family: str
    key: Key | None


class Status(Enum):
    """How a plan or a run ended."""

    SUCCESS = "success"
    FAILED = "failed"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class Report:
    """A plan, or what became of it.

    :param notes: sentences that the user should read: results not kept, rescued files, adopted ones.
    :param incomplete: why an upload that was asked for did not complete.
    :param not_kept: tasks that were executed and whose output is not in the store, with the reason.
    """

    status: Status
    root: Root
    tasks: tuple[TaskReport, ...]
    seconds: float
    remote: Traffic = field(default_factory=Traffic)
    notes: tuple[Reason, ...] = ()
    not_kept: tuple[tuple[str, Reason], ...] = ()
    incomplete: Reason | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks have each outcome; all outcomes are listed."""
        counts = {outcome.value: 0 for outcome in Outcome}
        for task in self.tasks:
            counts[task.outcome.value] += 1
        return counts

    def as_json(self) -> dict[str, Any]:
        """The document that ``--json`` prints."""
        return {
            "status": self.status.value,
            "error": None,
            "root": {"family": self.root.family, "key": self.root.key},
            "counts": self.counts,
            "tasks": [_task_json(task) for task in self.tasks],
            "remote": {
                "url": self.remote.url,
                "requests": self.remote.requests,
                "bytes_down": self.remote.bytes_down,
                "bytes_up": self.remote.bytes_up,
            },
            "seconds": self.seconds,
        }


def _task_json(task: TaskReport) -> dict[str, Any]:
    return {
        "family": task.family,
        "params": dict(task.params),
        "key": task.key,
        "outcome": task.outcome.value,
        "cacheable": task.cacheable,
        "adopted": task.adopted,
        "reason": {"slug": task.reason.slug, "text": task.reason.text},
        "seconds": task.seconds,
        "bytes": task.bytes,
        "outputs": list(task.outputs),
    }


def needed(
    roots: Iterable[str], inputs: Callable[[str], Sequence[str]], served: Callable[[str], bool]
) -> set[str]:
    """The tasks that a run has to look after: the roots, and the inputs of what is not served.

    :param inputs: the direct inputs of a task, by name.
    :param served: whether a task's result is there, so that nothing above it is needed.
    """
    found: set[str] = set()
    open_tasks = list(roots)
    while open_tasks:
        name = open_tasks.pop()
        if name not in found:
            found.add(name)
            if not served(name):
                open_tasks.extend(inputs(name))
    return found
