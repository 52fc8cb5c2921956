"""``luisy cas export|import``: results from store to store in one file, without a remote."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import needed, store_path
from luisy.cli.cas.names import names_in
from luisy.cli.options import TASK_CONTEXT, flag, general, loaded
from luisy.cli.output import print_json
from luisy.cli.progress import transfer_progress
from luisy.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from luisy.cas import Store
    from luisy.cas.exporting import Export
    from luisy.cas.importing import Imported
    from luisy.cli.progress import TransferProgress
    from luisy.model import Key
    from luisy.runner.remote.mirroring import Names

_STANDARD = "-"


@click.command(context_settings=TASK_CONTEXT)
@click.argument("names", nargs=-1, type=click.UNPROCESSED, metavar="KEY ... | TASK [--PARAMETER VALUE ...]")
@click.option(
    "-o", "--output", metavar="FILE", default=_STANDARD, help="Where to write it; stdout by default."
)
@flag("--all", help="Everything that the store has.")
@general
def export(names: tuple[str, ...], output: str, **flags: Any) -> int:
    """Write results to one file, which `luisy cas import` brings into another store.

    KEYs, of each 6 or more digits, or the results of TASK, or --all. The file is not compressed: pipe it where that pays.
    """
    from luisy.cas import exporting

    wanted = _wanted(names, everything=bool(flags.pop("all")))
    settings = loaded(flags)
    if output == _STANDARD and (settings.json or sys.stdout.isatty()):
        raise UsageError("the export would go to stdout, among what is printed", hint="name a file with -o")
    with needed(settings) as store, store.running(), transfer_progress(settings) as progress:
        made = exporting.plan(store, _keys(store, wanted))
        with _target(output) as target:
            exporting.write(store, made, target, _told(progress, "export"))
    if settings.json:
        print_json(_exported(made, output))
    elif not settings.quiet:
        click.echo(_line(made), err=output == _STANDARD)
    return ExitCode.DONE


@click.command("import")
@click.argument("file", metavar="FILE")
@flag("--unsigned", help="Also with trusted_keys set: you trust who made the file.")
@general
def import_(file: str, **flags: Any) -> int:
    """Bring the results of an export file into the store.

    FILE: as `luisy cas export` wrote it; - for stdin. All of it is verified before any result counts, and results that the
    store has stay. `luisy get` puts them in place.
    """
    from luisy.cas import Store, importing

    unsigned = bool(flags.pop("unsigned"))
    settings = loaded(flags)
    if settings.trusted_keys and not unsigned:
        raise UsageError(
            "with trusted_keys set only signed results count, and an export file is not signed",
            slug="unsigned-export",
            hint="if you trust who made it, say --unsigned",
        )
    with (
        _source(file) as source,
        Store.open(store_path(settings)) as store,
        store.telling(),
        transfer_progress(settings) as progress,
    ):
        done = importing.take(store, source, _told(progress, "import"))
    if settings.json:
        print_json(_imported(done, file))
    elif not settings.quiet:
        for line in _lines(done):
            click.echo(line)
    return ExitCode.DONE


def _wanted(words: tuple[str, ...], *, everything: bool) -> Names:
    if everything == bool(words):
        raise UsageError(
            "--all stands beside a name" if words else "nothing is named to export",
            hint="name keys or a task, or say --all",
        )
    return names_in(words)


def _keys(store: Store, names: Names) -> list[Key]:
    from luisy.runner.remote.pushing import chosen_here

    if not names.names:
        return [item.key for item in store.list_actions()]
    return [key for keys in chosen_here(store, names).values() for key in keys or ()]


def _told(progress: TransferProgress | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(what, done, total)


@contextmanager
def _target(path: str) -> Iterator[BinaryIO]:
    """The file to write to; it takes its name when it is whole.

    :raises UsageError: it cannot be written (``cannot-write``).
    """
    try:
        if path == _STANDARD:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe
            with open(path, "wb") as file:
                yield file
        else:
            with _replacing(path) as file:
                yield file
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", slug="cannot-write", hint="name another file with -o"
        ) from error


@contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    partial = f"{path}.{os.urandom(4).hex()}.partial"
    try:
        with open(partial, "xb") as file:
            yield file
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


@contextmanager
def _source(path: str) -> Iterator[BinaryIO]:
    """The file to read from.

    :raises UsageError: it cannot be read (``cannot-read``).
    """
    from luisy.cas.exports import unreadable

    if path == _STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; what the block raises is not about opening it
    except OSError as error:
        raise unreadable(path, error) from error
    with file:
        yield file


def _exported(made: Export, output: str) -> dict[str, Any]:
    return {
        "file": output,
        "actions": sorted(made.actions),
        "aliases": len(made.aliases),
        "objects": len(made.objects),
        "bytes": made.head.object_bytes,
    }


def _imported(done: Imported, file: str) -> dict[str, Any]:
    return {
        "file": file,
        "actions": done.actions,
        "present": done.present,
        "outvoted": done.outvoted,
        "aliases": done.aliases,
        "objects": done.objects,
        "bytes": done.bytes,
    }


def _line(made: Export) -> str:
    from luisy.report import human_bytes

    return f"{len(made.actions)} results exported, {len(made.objects)} objects, {human_bytes(made.head.object_bytes)}"


def _lines(done: Imported) -> Iterator[str]:
    from luisy.report import human_bytes

    yield (
        f"{len(done.actions)} results imported, {done.present} here already, {done.objects} objects,"
        f" {human_bytes(done.bytes)}"
    )
    if done.outvoted:
        yield f"{len(done.outvoted)} for which the store has another result, which stays"
