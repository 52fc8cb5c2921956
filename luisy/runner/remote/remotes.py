"""The remotes of a run: opened when they are asked for, switched off for the run when they stop answering."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.cas.remote import Misconfigured, Unreachable, WrongClock
from luisy.cas.remote.counting import Meter
from luisy.cas.remote.credentials import Credentials
from luisy.cas.remote.opening import open_remote
from luisy.cas.remote.retry import Backoff
from luisy.cas.signing import Authority, PublicKey, load
from luisy.cas.transfer import Mirror
from luisy.errors import RemoteError, StoreError
from luisy.model import Reason
from luisy.plan import Traffic
from luisy.runner.remote.publishing import offers_of, take_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from luisy.cas import ExternalFiles, Store
    from luisy.cas.remote import Remote
    from luisy.model import Digest, Key
    from luisy.runner.remote.lookup import RemoteSource
    from luisy.settings import Settings

logger = logging.getLogger("luisy")

_OLD_VARIABLES = {
    "azure_account_name": "LUISY_AZURE_ACCOUNT_NAME",
    "azure_storage_key": "LUISY_AZURE_STORAGE_KEY",
    "azure_container_name": "LUISY_AZURE_CONTAINER_NAME",
}


def credentials_of(settings: Settings) -> Credentials:
    """What opens Azure, out of the settings."""
    return Credentials(
        settings.azure_account_name or "",
        settings.azure_storage_key or "",
        settings.azure_sas_token or "",
        settings.azure_connection_string or "",
        settings.azure_endpoint or "",
    )


def authority_of(settings: Settings, *, signs: bool) -> Authority:
    """Whom the settings trust, and as whom they speak.

    :param signs: whether anything is going to be pushed; else the signing key is left alone.
    :raises UsageError: the signing key cannot be used (slug ``bad-signing-key``).
    """
    trusted = frozenset(PublicKey(bytes.fromhex(key)) for key in settings.trusted_keys) or None
    signer = load(Path(settings.signing_key)) if signs and settings.signing_key is not None else None
    authority = Authority(trusted, signer)
    if signs and trusted is not None and authority.own not in trusted:
        logger.warning(
            "what is uploaded is %s: whoever trusts the same keys does not read it",
            "not signed"
            if signer is None
            else f"signed by {signer.public.hex()}, which is none of trusted_keys",
        )
    return authority


def remote_at(url: str, settings: Settings, meter: Meter | None = None) -> Remote:
    """The remote at *url*, opened and asked as *settings* say; sends nothing yet."""
    return open_remote(
        url,
        credentials=credentials_of(settings),
        meter=meter,
        backoff=Backoff.within(settings.retry_seconds),
    )


def default_url(settings: Settings) -> str:
    """The remote that is meant where none is named for reading or writing.

    :raises Misconfigured: there is none; it lists which of luisy 1.x's variables are missing.
    """
    if settings.remote is not None:
        return settings.remote
    proof = settings.azure_sas_token or settings.azure_connection_string
    missing = [
        variable
        for name, variable in _OLD_VARIABLES.items()
        if getattr(settings, name) is None and not (proof and name == "azure_storage_key")
    ]
    if missing:
        raise Misconfigured(
            f"no remote is set: {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing",
            hint="set remote (azure://CONTAINER or file:///DIR), or these variables in the environment",
        )
    return f"azure://{settings.azure_container_name}"


_COMPLETES = "`luisy cas push` completes the upload"


class Remotes:
    """Mirrors of the projects of one run.

    :param settings: say whether results are downloaded, uploaded or both; without either, no request is made.
    :raises UsageError: results are to be uploaded, and the signing key cannot be used.
    :ivar required: fail, instead of going on without, where a remote does not answer.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._authority = authority_of(settings, signs=settings.upload)
        self._meter = Meter()
        self._open: dict[str, Remote] = {}
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._fresh: set[tuple[str, str]] = set()
        self.required = settings.require_remote
        self._off = ""
        self._checked = False
        self.incomplete: Reason | None = None

    @property
    def traffic(self) -> Traffic:
        """What was asked of the remotes so far; the first one's URL stands for them."""
        so_far = self._meter.traffic
        url = next((remote.url for remote in self._open.values()), None)
        return Traffic(url, so_far.requests, so_far.bytes_down, so_far.bytes_up)

    def check(self, projects: Iterable[str]) -> None:
        """Make sure that the remotes are what the settings say, before any work.

        Of those to read that is found out by what will be asked of them anyway.

        :param projects: of which results are wanted.
        :raises RemoteError: one is misconfigured; or, where one is required, it does not answer.
        """
        for project in projects:
            self.sources(project)
        if self._settings.upload:
            self.guarded(lambda: self._remote(self._write_url()).check(write=True))
        self._checked = True

    def sources(self, project: str) -> Sequence[Mirror]:
        """The mirrors to ask for results of *project*, in order, each refreshed once a run."""
        if self._off or not self._settings.download:
            return ()
        urls = self._read_urls()
        return [
            self._mirror(url, project)
            for url in urls
            if self.guarded(lambda url=url: self._refresh(url, project))  # type: ignore[misc]
        ]

    def refresh(self) -> None:
        """Look again, the next time that results are asked for: other machines may have pushed."""
        self._fresh.clear()

    def fetch(self, wanted: Mapping[RemoteSource, Sequence[Key]]) -> dict[Key, Reason]:
        """Bring results into the store; those that could not be had, and why."""
        failed: dict[Key, Reason] = {}
        for mirror, keys in wanted.items():
            assert isinstance(mirror, Mirror)  # the only source beside the store
            done: list[Key] = []

            def fetch(mirror: Mirror = mirror, keys: Sequence[Key] = keys, done: list[Key] = done) -> None:
                fetched = mirror.fetch(keys, extras=False)
                failed.update(fetched.failed)
                done.extend(keys)

            self.guarded(fetch)
            failed.update({key: Reason("remote-off", self._off) for key in keys if key not in done})
        return failed

    def fetch_objects(self, mirror: RemoteSource, digests: Iterable[Digest]) -> None:
        """Bring single objects into the store; those that are not to be had are left out."""
        assert isinstance(mirror, Mirror)

        def fetch() -> None:
            mirror.fetch_objects(digests)

        self.guarded(fetch)

    def push(
        self,
        keys: Mapping[str, Iterable[Key]],
        files: Mapping[str, Mapping[str, ExternalFiles]],
        superseding: frozenset[Key],
    ) -> None:
        """Bring everything that the write remote lacks of these results there, by project, and publish refs.

        What does not get through is told in ``incomplete``; ``luisy cas push`` completes it.

        :param files: those of external tasks, by project and the name of their ref.
        """
        for project in {**keys, **files}:
            if (
                self._off
            ):  # it did not answer before; its retries take their time, and the results are safe here
                self.incomplete = Reason("upload-incomplete", f"{self._off}; {_COMPLETES}")
                return
            try:
                self._push(project, list(keys.get(project, ())), files.get(project, {}), superseding)
            except (RemoteError, StoreError) as error:
                what_to_do = error.hint if error.slug == "ref-moved" else _COMPLETES
                self.incomplete = Reason("upload-incomplete", f"{error.text}; {what_to_do}")
                return

    def _push(
        self,
        project: str,
        keys: Sequence[Key],
        files: Mapping[str, ExternalFiles],
        superseding: frozenset[Key],
    ) -> None:
        mirror = self._mirror(self._write_url(), project)
        plan = mirror.plan_push(
            keys,
            superseding=superseding,
            offers=offers_of(self._store, files.values(), mirror.url),
            replace_refs=self._settings.force,
        )
        take_in(self._store, plan, files)
        mirror.push(plan)

    def close(self) -> None:
        """Let go of all connections."""
        for remote in self._open.values():
            remote.close()

    def _read_urls(self) -> Sequence[str]:
        if not self._settings.download:
            return ()
        return self._settings.read or (default_url(self._settings),)

    def _write_url(self) -> str:
        return self._settings.write or default_url(self._settings)

    def _remote(self, url: str) -> Remote:
        if url not in self._open:
            self._open[url] = remote_at(url, self._settings, self._meter)
        return self._open[url]

    def _mirror(self, url: str, project: str) -> Mirror:
        place = (url, project)
        if place not in self._mirrors:
            self._mirrors[place] = Mirror(
                self._store, self._remote(url), project, self._authority, self.guarded
            )
        return self._mirrors[place]

    def _refresh(self, url: str, project: str) -> None:
        if (url, project) not in self._fresh:
            self._mirror(url, project).refresh()
            self._fresh.add((url, project))

    def guarded(self, call: Callable[[], None]) -> bool:
        """Ask the remote; where it does not answer, or the store is full, go on without for this run, with one warning."""
        if self._off:
            return False
        try:
            call()
        except StoreError as error:  # what a remote has is of no use where it cannot be written
            self._off = error.text
            logger.warning("this run goes on without the remote: %s", error.text)
            return False
        except WrongClock as error:
            self._off = error.text
            if self.required:
                raise
            logger.warning("this run goes on without the remote: %s; %s", error.text, error.hint)
            return False
        except (Unreachable, Misconfigured) as error:
            self._off = error.text
            # What was right when the run began and is refused now (a token that expired) is no reason to stop it.
            if self.required or (isinstance(error, Misconfigured) and not self._checked):
                raise
            logger.warning("the remote does not answer, this run goes on without it: %s", error.text)
            return False
        return True
