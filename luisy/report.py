"""Reports as text for people: a summary of what happened, or will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from luisy.plan import Report, TaskReport

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024

_ORDER = (
    (Outcome.EXECUTED, "executed", "to execute"),
    (Outcome.UNDECIDED, "undecided", "undecided until their inputs have run"),
    (
        Outcome.REUSED,
        "reused, since the inputs' content is the same",
        "to reuse, since the inputs' content is the same",
    ),
    (Outcome.LOCAL, "from the store, or there already", "in the store, or there already"),
    (Outcome.REMOTE, "downloaded", "to download"),
    (Outcome.COMPLETE, "not cacheable, and found done", "not cacheable, and found done"),
    (Outcome.NOT_NEEDED, "not needed", "not needed"),
    (Outcome.FAILED, "failed", "cannot run"),
    (Outcome.MISSING, "missing", "missing"),
    (Outcome.BLOCKED, "blocked", "blocked"),
)

# Outcomes that a reader wants explained task by task; the others are counted.
_EXPLAINED = (
    Outcome.EXECUTED,
    Outcome.UNDECIDED,
    Outcome.REUSED,
    Outcome.FAILED,
    Outcome.MISSING,
    Outcome.BLOCKED,
)


def human_bytes(size: float) -> str:
    """*size* in bytes as people write it: ``1.5 MiB``."""
    for unit in _UNITS:
        if size < _STEP or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _STEP
    raise AssertionError  # the last unit always returns


def task_name(family: str, params: Mapping[str, str]) -> str:
    """A task as Luigi writes it, in one line: what moves a cursor is escaped, since others may have chosen it."""
    return printable(f"{family}({', '.join(f'{name}={value}' for name, value in params.items())})")


def printable(text: str) -> str:
    """*text* with what a terminal would act upon escaped; names that are not UTF-8 stay."""
    if text.isprintable():
        return text
    kept = ("\t", *map(chr, range(0xDC80, 0xDD00)))
    return "".join(one if one.isprintable() or one in kept else ascii(one)[1:-1] for one in text)


def explained(report: Report) -> Iterator[str]:
    """One line for each task whose outcome wants a reason."""
    for outcome in _EXPLAINED:
        for task in report.tasks:
            if task.outcome is outcome:
                yield f"{outcome.value:<10} {task_name(task.family, task.params)}: {task.reason.text}{_measured(task)}"


def _measured(task: TaskReport) -> str:
    if task.outcome is not Outcome.EXECUTED or not task.seconds:
        return ""
    return f" ({task.seconds:.2f} s, {human_bytes(task.bytes)})"


def counted(report: Report, *, planned: bool = False) -> Iterator[str]:
    """One line for each outcome that occurs."""
    counts = report.counts
    for outcome, past, future in _ORDER:
        if number := counts[outcome.value]:
            yield f"{number:>6} {future if planned else past}"


def warnings(report: Report) -> Iterator[str]:
    """What the user should read besides: results that were not kept, adopted files, rescued ones."""
    for name, reason in report.not_kept:
        yield f"not kept: {name}: {reason.text}"
    if adopted := [task_name(task.family, task.params) for task in report.tasks if task.adopted]:
        yield (
            f"adopted: {len(adopted)} results are files from before luisy, whose code cannot be verified"
            f" ({adopted[0]}{', ...' if len(adopted) > 1 else ''}); --no-adopt executes instead"
        )
    if report.incomplete is not None:
        yield f"{report.incomplete.slug}: {report.incomplete.text}"
    for note in report.notes:
        yield f"{note.slug}: {note.text}"


def told_traffic(report: Report) -> str:
    """What the run asked of the remote, to go behind its time; empty if nothing."""
    traffic = report.remote
    if traffic.url is None:
        return ""
    down, up = human_bytes(traffic.bytes_down), human_bytes(traffic.bytes_up)
    return f"; {traffic.requests} requests, {down} down, {up} up ({traffic.url})"
