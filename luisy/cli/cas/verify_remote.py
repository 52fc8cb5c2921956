"""``luisy cas verify --remote``: whether everything in the remote is what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import opened, remote_document, store_path
from luisy.cli.output import print_json
from luisy.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.remote import Traffic
    from luisy.cas.remote_verify import RemoteProblem
    from luisy.runner.remote.verifying import RemoteVerified
    from luisy.settings import Settings

_COUNTS = ("segments", "objects", "bytes", "actions", "signed", "unsigned", "refs")


def verify_remote(settings: Settings, *, mending: bool) -> int:
    """Look at the remote, mend what can be mended if that is wanted, and say what was found."""
    from luisy.cas import Store
    from luisy.runner.remote import verifying
    from luisy.runner.remote.mirroring import Mirrors

    found = Store.open(store_path(settings)) if mending else opened(settings) or Store.ephemeral()
    with found as store, Mirrors(store, settings, signs=mending) as mirrors:
        done = verifying.verify(store, mirrors, mending=mending)
    if settings.json:
        print_json(_document(done, mirrors.traffic))
    else:
        for line in _lines(done, quiet=settings.quiet):
            click.echo(line)
    left = any(one.left for one in done.projects.values())
    return ExitCode.CORRUPTION if left else ExitCode.DONE


def _document(done: RemoteVerified, traffic: Traffic) -> dict[str, Any]:
    return {
        **{name: sum(getattr(one, name) for one in done.projects.values()) for name in _COUNTS},
        "orphans": {"blobs": sum(one.orphans for one in done.projects.values())},
        "problems": [
            _problem(project, problem) for project, one in done.projects.items() for problem in one.problems
        ],
        "remote": remote_document(done.url, traffic),
    }


def _problem(project: str, problem: RemoteProblem) -> dict[str, Any]:
    return {
        "kind": problem.flaw.value,
        "name": problem.name or None,
        "path": problem.path,
        "project": project,
        "family": problem.family or None,
        "params": dict(problem.params),
        "repair": None if problem.mended is None else problem.mended.value,
    }


def _lines(done: RemoteVerified, *, quiet: bool) -> Iterator[str]:
    from luisy.report import human_bytes

    for project, found in done.projects.items():
        for problem in found.problems:
            mended = f": {problem.mended.value}" if problem.mended else ""
            yield f"{problem.flaw.value}  {_named(problem)}{mended}"
        if not quiet:
            yield (
                f"{project}: {found.objects} objects ({human_bytes(found.bytes)}), {found.actions} actions,"
                f" {found.segments} segments and {found.refs} refs looked at"
            )
            if found.orphans:
                yield f"  {found.orphans} blobs that nothing refers to"
    left = sum(len(one.left) for one in done.projects.values())
    if left:
        yield f"{left} problems; `luisy cas verify --remote --repair` mends what it can"
    elif not quiet:
        problems = any(one.problems for one in done.projects.values())
        yield "all problems are repaired" if problems else f"all of {done.url} is as it should be"


def _named(problem: RemoteProblem) -> str:
    from luisy.report import task_name

    if problem.family:
        return task_name(problem.family, problem.params)
    return f"{problem.name} in {problem.path}" if problem.name else problem.path
