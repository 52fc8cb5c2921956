"""``luisy accept``: declare changed code equivalent, so that existing results count for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.opening import task_and_session
from luisy.cli.options import TASK_CONTEXT, flag, loaded, remote_url, with_task
from luisy.cli.output import print_json
from luisy.errors import ExitCode
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from luisy.runner.session import Session
    from luisy.settings import Settings


@click.command(context_settings=TASK_CONTEXT)
@flag(
    "--prove", help="First execute one task of each family elsewhere, and refuse if it makes something else."
)
@flag("--undo", help="Take back what was accepted for the code as it is now.")
@flag("--dry-run", help="Say what would be recorded, or taken back, and stop.")
@remote_url
@with_task
def accept(
    task: tuple[str, ...],
    *,
    prove: bool | None,
    undo: bool | None,
    dry_run: bool | None,
    **flags: Any,
) -> int:
    """Let the existing results of TASK, and of all that it needs, count for their code as it is now.

    For after a refactoring. Refused if anything but code has changed. Without --prove nothing is executed.
    """
    if prove and undo:
        raise click.UsageError("--undo proves nothing")
    settings = loaded(flags)
    if undo:
        return undo_accepting(task, settings, dry_run=bool(dry_run))
    return accept_results(task, settings, prove=bool(prove), dry_run=bool(dry_run))


def accept_results(
    task: tuple[str, ...],
    settings: Settings,
    *,
    prove: bool = False,
    dry_run: bool = False,
    ask: bool = False,
) -> int:
    """Accept *task*, and say what was accepted.

    :param ask: whether the user has to agree first.
    """
    document = _accepted(task, settings, prove=prove, dry_run=dry_run, ask=ask)
    if settings.json:
        print_json(document)
    elif not settings.quiet:
        _show_accepted(document)
    return ExitCode.DONE


def _show_accepted(document: dict[str, Any]) -> None:
    for item in document["accepted"]:
        _show("accept" if document["dry_run"] else "accepted", item)
    for proof in document["proofs"]:
        click.echo(f"proved {proof['task']}: the same {proof['same']} ({proof['seconds']:.2f} s)")
    if not document["accepted"]:
        click.echo("nothing to accept: what is needed has results for its code as it is now")


def undo_accepting(task: tuple[str, ...], settings: Settings, *, dry_run: bool) -> int:
    """Take back what was accepted for *task*, and say so."""
    document = _undone(task, settings, dry_run=dry_run)
    if settings.json:
        print_json(document)
    elif not settings.quiet:
        for item in document["undone"]:
            _show("undo" if dry_run else "undone", item)
    return ExitCode.DONE


def _show(what: str, item: dict[str, Any]) -> None:
    from luisy.report import task_name

    action, key = (item[name][:SHOWN_DIGITS] for name in ("action", "key"))
    made = f" (made {item['made']})" if "made" in item else ""
    click.echo(f"{what} {task_name(item['family'], item['params'])}: the result at {action}{made} for {key}")


def _settled(settings: Settings) -> Settings:
    """What would be executed or taken over in a run is to be accepted here."""
    return replace(settings, force=False, force_all=False, adopt=False)


def _document(session: Session, *, dry_run: bool, **lists: list[dict[str, Any]]) -> dict[str, Any]:
    root = session.roots[0]
    return {
        "root": {"family": root.family, "key": root.own_key},
        "dry_run": dry_run,
        "accepted": [],
        "proofs": [],
        "undone": [],
    } | lists


def _accepted(
    task: tuple[str, ...], settings: Settings, *, prove: bool, dry_run: bool, ask: bool
) -> dict[str, Any]:
    from luisy.runner.answers.accepting import apply_acceptances, plan_acceptances
    from luisy.runner.answers.proving import prove as proved

    with task_and_session(task, _settled(settings)) as (root, session):
        planned = plan_acceptances(session, root)
        proofs = proved(session, planned.accepted) if prove else []
        if ask and not dry_run and planned.accepted:
            click.confirm(
                f"Let {len(planned.accepted)} existing results count for code that has changed?",
                abort=True,
                err=True,
            )
        if not dry_run and planned.accepted:
            planned = apply_acceptances(session, planned, [proof.fingerprint for proof in proofs])
        return _document(
            session,
            dry_run=dry_run,
            accepted=[item.as_json() for item in planned.accepted],
            proofs=[proof.as_json() for proof in proofs],
        )


def _undone(task: tuple[str, ...], settings: Settings, *, dry_run: bool) -> dict[str, Any]:
    from luisy.runner.answers.accepting import acceptance_document, plan_undoing

    with task_and_session(task, _settled(settings)) as (root, session):
        found = plan_undoing(session, root)
        if not dry_run:
            found = session.store.withdraw([item.key for item in found])
        return _document(session, dry_run=dry_run, undone=[acceptance_document(item) for item in found])
