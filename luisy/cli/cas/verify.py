"""``luisy cas verify``: whether everything in the store is what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import opened, store_path
from luisy.cli.options import flag, general, loaded, remote_urls
from luisy.cli.output import print_json, say_warning
from luisy.errors import ExitCode, RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from luisy.cas import Store
    from luisy.cas.rebuilding import Rebuilt
    from luisy.cas.verify import Inspection, Problem
    from luisy.model import Key
    from luisy.settings import Settings


@click.command
@flag("--remote", help="The remote; with --repair, good copies go up from the store.")
@flag("--repair", help="Put damaged files aside; what needs them executes again.")
@flag("--rebuild", help="Make the index again from the files first.")
@flag("--download", help="With --repair: fetch good copies from the remote.")
@remote_urls
@general
def verify(**flags: Any) -> int:
    """Hash every object of the store, and compare the files with the index.

    It changes nothing unless it is told to. Exit code 4 if something is wrong and not repaired.
    """
    mending, rebuilding = bool(flags.pop("repair")), bool(flags.pop("rebuild"))
    remote = bool(flags.pop("remote"))
    settings = loaded(flags)
    if remote:
        from luisy.cli.cas.verify_remote import verify_remote

        if rebuilding:
            raise UsageError("--rebuild is for the store", hint="leave out --remote, or --rebuild")
        return verify_remote(settings, mending=mending)
    rebuilt = _rebuilt(settings) if rebuilding else None
    found = _inspected(settings, rebuilt, mending=mending)
    if settings.json:
        print_json(_document(settings, found, rebuilt))
    else:
        for line in _lines(found, rebuilt, quiet=settings.quiet):
            click.echo(line)
    return ExitCode.CORRUPTION if found.left else ExitCode.DONE


def _rebuilt(settings: Settings) -> Rebuilt | None:
    import os

    from luisy.cas import Store

    path = store_path(settings)
    return Store.rebuild_at(path) if os.path.isdir(path) else None


def _inspected(settings: Settings, rebuilt: Rebuilt | None, *, mending: bool) -> Inspection:
    """What is wrong with the store; with one that is not there, nothing."""
    from luisy.cas import verify

    found = opened(settings)
    if found is None:
        return verify.Inspection()
    with found as store:
        inspection = verify.inspect(store, unreadable=() if rebuilt is None else rebuilt.damaged)
        if mending and inspection.problems:
            fetch = _Copies(store, settings).fetch if settings.download else None
            verify.repair(store, inspection, fetch)
        return inspection


class _Copies:
    """Whole results from the remotes, in place of damaged ones."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def fetch(self, keys: Sequence[Key]) -> None:
        """Bring what there is; without the remote, the results execute again."""
        from luisy.runner.remote.mirroring import Mirrors

        try:
            with Mirrors(self._store, self._settings) as mirrors:
                for mirror in mirrors.readable(discover=False):
                    mirror.fetch(list(mirror.results(keys)))
        except RemoteError as error:
            say_warning(f"no copies from the remote: {error.text}")


def _document(settings: Settings, found: Inspection, rebuilt: Rebuilt | None) -> dict[str, Any]:
    return {
        "store": store_path(settings),
        "objects": found.objects,
        "bytes": found.bytes,
        "actions": found.actions,
        "records": found.records,
        "orphans": {kind: found.orphans[kind] for kind in ("objects", "actions", "records")},
        "problems": [_problem(problem) for problem in found.problems],
        "rebuilt": None
        if rebuilt is None
        else {
            "objects": rebuilt.objects,
            "actions": rebuilt.actions,
            "aliases": rebuilt.aliases,
            "rescued": rebuilt.rescued,
            "damaged": list(rebuilt.damaged),
        },
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "kind": problem.flaw.value,
        "name": problem.name or None,
        "path": problem.path,
        "family": problem.family or None,
        "params": dict(problem.params),
        "repair": None if problem.mended is None else problem.mended.value,
    }


def _lines(found: Inspection, rebuilt: Rebuilt | None, *, quiet: bool) -> Iterator[str]:
    from luisy.report import human_bytes

    if rebuilt is not None and not quiet:
        yield f"the index was made again: {rebuilt.objects} objects, {rebuilt.actions} actions"
    for problem in found.problems:
        yield f"{problem.flaw.value}  {_named(problem)}{f': {problem.mended.value}' if problem.mended else ''}"
    if not quiet:
        yield (
            f"{found.objects} objects ({human_bytes(found.bytes)}), {found.actions} actions and"
            f" {found.records} records looked at"
        )
        if orphans := found.orphans.total():
            yield f"{orphans} files that nothing refers to"
    if found.left:
        yield f"{len(found.left)} problems; `luisy cas verify --repair` puts aside what is damaged"
    elif not quiet:
        yield "all of it is as it should be" if not found.problems else "all problems are repaired"


def _named(problem: Problem) -> str:
    from luisy.report import task_name

    return task_name(problem.family, problem.params) if problem.family else problem.path
