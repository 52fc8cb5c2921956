"""``luisy run``: resolve a task, run what is left, report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.opening import task_of
from luisy.cli.options import TASK_CONTEXT, flag, loaded, remote_url, run_options, with_task
from luisy.cli.output import print_json, reserved_stdout, say_warning
from luisy.cli.plan import show_plan
from luisy.errors import ExitCode
from luisy.model import Outcome

if TYPE_CHECKING:
    from luisy.plan import Report
    from luisy.settings import Settings


@click.command(context_settings=TASK_CONTEXT)
@run_options
@click.option("--workers", type=int, metavar="N", help="How many tasks may run at once.")
@click.option("--scheduler-host", metavar="HOST", help="Luigi's central scheduler.")
@click.option("--scheduler-port", type=int, metavar="PORT", help="Its port.")
@flag("--local-scheduler", help="Schedule in this process.")
@flag("--dry-run", help="Say what would be done, and stop.")
@flag("--hash-update-mode", help="luisy 1.x's way to say `luisy accept`.")
@flag("-y", "--no-ask", help="Ask nothing.")
@remote_url
@with_task
def run(
    task: tuple[str, ...],
    *,
    local_scheduler: bool | None,
    dry_run: bool | None,
    hash_update_mode: bool | None,
    **flags: Any,
) -> int:
    """Resolve and run TASK: local store, then execution of what is left.

    Options of luisy and of Luigi may stand before or after TASK. A task parameter that has the name of an
    option is reached as --<Family>-<name>.
    """
    settings = loaded(flags)
    if hash_update_mode:
        from luisy.cli.accept import accept_results

        return accept_results(
            task, settings, dry_run=bool(dry_run), ask=not settings.no_ask and sys.stdin.isatty()
        )
    if dry_run:
        show_plan(task, settings)
        return ExitCode.DONE
    from luisy.report import warnings

    with reserved_stdout(settings.json):
        report, luigi_code = _run(task, settings, local=local_scheduler)
    if settings.json:
        print_json(report.as_json())
    elif not settings.quiet:
        show(report)
    for line in warnings(report):
        say_warning(line)
    return exit_code(report, luigi_code)


def _run(task: tuple[str, ...], settings: Settings, *, local: bool | None) -> tuple[Report, int]:
    from luisy.cli.progress import Progress
    from luisy.runner.build import central_scheduler, luigi_code, run_session, session_for
    from luisy.runner.pipeline.commandline import log_level_given

    with task_of(task, settings) as root, session_for(settings, create=True) as session:
        progress = session.listener = Progress.for_terminal(settings)
        options: dict[str, object] = {}
        if not settings.verbose and not log_level_given():
            options["log_level"] = "ERROR" if settings.quiet else "WARNING"
        options |= {"local_scheduler": True} if local else central_scheduler(settings)
        try:
            outcomes = run_session(session, [root], options)
        finally:
            if progress is not None:
                progress.close()
        return outcomes.report, luigi_code(outcomes.report)


def exit_code(report: Report, luigi_code: int) -> int:
    """What ``run`` exits with; *luigi_code* is that for a run after which something is left undone."""
    counts = report.counts
    if counts[Outcome.FAILED.value] or counts[Outcome.MISSING.value] or counts[Outcome.BLOCKED.value]:
        return luigi_code
    if report.incomplete is not None:
        return ExitCode.REMOTE
    return ExitCode.NOT_KEPT if report.not_kept else ExitCode.DONE


def show(report: Report) -> None:
    """The summary for people."""
    from luisy.report import counted, explained, told_traffic

    for line in (*explained(report), *counted(report)):
        click.echo(line)
    click.echo(f"{len(report.tasks)} tasks in {report.seconds:.2f} s{told_traffic(report)}")
