"""``luisy signing generate|list|resign``: the keys that results are signed with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import error_document, opened, remote_document, store_path
from luisy.cli.lazy import LazyGroup
from luisy.cli.options import flag, general, loaded, remote_url, remote_urls
from luisy.cli.output import print_json, say
from luisy.errors import ExitCode, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.remote import Traffic
    from luisy.runner.remote.signatures import Resignings
    from luisy.settings import Settings

_COMMANDS = {name: f"luisy.cli.signing:{name}" for name in ("generate", "resign")}
_COMMANDS["list"] = "luisy.cli.signing:list_keys"


@click.group(cls=LazyGroup, commands_in=_COMMANDS)
def signing() -> None:
    """Keys: who signs what is pushed, and who is trusted."""


@click.command
@click.argument("file", required=False, type=click.Path(path_type=Path))
@general
def generate(file: Path | None, **flags: Any) -> int:
    """Make a new signing key and write it to FILE, which nobody else may read.

    By default to the file that signing_key names, else to luisy/signing-key in the user's configuration. What is
    printed is the public key, for everybody's trusted_keys.
    """
    from luisy.cas.signing import generate as make

    settings = loaded(flags)
    path = (file or _default_path(settings)).absolute()
    public = make(path).public.hex()
    if settings.json:
        print_json({"path": os.fspath(path), "public_key": public})
        return ExitCode.DONE
    click.echo(public)
    if not settings.quiet:
        click.echo(
            f"the private key is in {path}: set LUISY_SIGNING_KEY to that path where results are pushed, and"
            " trusted_keys to the line above where they are read",
            err=True,
        )
    return ExitCode.DONE


def _default_path(settings: Settings) -> Path:
    if settings.signing_key is not None:
        return Path(settings.signing_key)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base, "luisy", "signing-key")


@click.command("list")
@flag("--remote", help="Look at what is in the remote now.")
@remote_urls
@general
def list_keys(**flags: Any) -> int:
    """List the signing key, the trusted keys, and whose results there are.

    By what was merged of the remote last; --remote asks it. Signatures are verified.
    """
    from luisy.cas import Store
    from luisy.runner.remote.mirroring import Mirrors
    from luisy.runner.remote.signatures import Signatures, signatures

    asks = bool(flags.pop("remote"))
    settings = loaded(flags)
    with opened(settings) or Store.ephemeral() as store, Mirrors(store, settings) as mirrors:
        try:
            found = signatures(store, mirrors, refresh=asks)
        except RemoteError:
            if asks:
                raise
            found = Signatures()  # no remote is set: the keys are known without one
    document = _keys(settings, found.results)
    if settings.json:
        print_json(
            {"keys": document, "forged": found.forged, "remote": remote_document(None, mirrors.traffic)}
        )
        return ExitCode.DONE
    for one in document:
        click.echo(_line(one))
    if found.forged:
        click.echo(f"{found.forged} results name a key that has not signed them")
    return ExitCode.DONE


def _keys(settings: Settings, results: Any) -> list[dict[str, Any]]:
    from luisy.cas.signing import UNSIGNED, PublicKey, load

    own = None if settings.signing_key is None else load(Path(settings.signing_key)).public
    trusted = [PublicKey(bytes.fromhex(key)) for key in settings.trusted_keys]
    keys = dict.fromkeys([*([own] if own else []), *trusted, *sorted(results)])
    return [
        {
            "public_key": key.hex() or None,
            "signing": key == own,
            "trusted": key in trusted or not trusted,
            "results": results[key],
        }
        for key in keys
        if key != UNSIGNED or results[UNSIGNED]
    ]


def _line(one: dict[str, Any]) -> str:
    said = [name for name in ("signing", "trusted") if one[name]] or ["not trusted"]
    return f"{one['public_key'] or 'not signed'}  {one['results']} results, {', '.join(said)}"


@click.command
@flag("--dry-run", help="Say what would be signed.")
@remote_url
@general
def resign(**flags: Any) -> int:
    """Sign with signing_key what a trusted key has signed, or what the store has itself.

    For a new key: once its results are signed again, the old one may be taken out of trusted_keys.
    """
    from luisy.cas import Store
    from luisy.runner.remote import signatures
    from luisy.runner.remote.mirroring import Mirrors

    dry_run = bool(flags.pop("dry_run"))
    settings = loaded(flags)
    with Store.open(store_path(settings)) as store, Mirrors(store, settings, signs=True) as mirrors:
        done = signatures.resign(mirrors, dry_run=dry_run)
    if settings.json:
        print_json(_document(done, mirrors.authority.own.hex(), mirrors.traffic, dry_run=dry_run))
    elif not settings.quiet:
        for line in _lines(done, dry_run=dry_run):
            click.echo(line)
    if done.error is not None:
        say(done.error)
    return ExitCode.DONE if done.error is None else ExitCode.REMOTE


def _document(done: Resignings, own: str, traffic: Traffic, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "error": error_document(done.error),
        "public_key": own,
        "projects": [
            {
                "project": project,
                "actions": list(one.actions),
                "refs": list(one.refs),
                "there": one.there,
                "left": list(one.left),
            }
            for project, one in done.projects.items()
        ],
        "remote": remote_document(done.url, traffic),
    }


def _lines(done: Resignings, *, dry_run: bool) -> Iterator[str]:
    verb = "to sign" if dry_run else "signed"
    for project, one in done.projects.items():
        yield f"{project}: {len(one.actions)} results {verb}, {one.there} signed before"
        if one.refs:
            yield f"  raw files {verb}: {', '.join(one.refs)}"
        if one.left:
            yield f"  {len(one.left)} for which neither a trusted key nor this store vouches"
    if not done.projects and done.error is None:
        yield "the remote has no results"
