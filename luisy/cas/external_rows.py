"""Rows about the files of external tasks: what they were when a run looked at them last, and where they came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.model import Digest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from luisy.cas.database import Database


@dataclass(frozen=True, slots=True)
class RawBlob:
    """A version of another system's blob.

    :param size: bytes.
    """

    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class ExternalFiles:
    """The files of one external task.

    :param name: of its ref: the path of its first output below its project's folder.
    :param content: digest of their manifest.
    :param outputs: name and absolute path of each output.
    :param url: the remote that they came from, without secrets; empty for this machine's own files.
    :param raw: the plain blobs there that they were hashed from, by their names below ``raw/``.
    """

    name: str
    content: Digest
    outputs: tuple[tuple[bytes, str], ...]
    url: str = ""
    raw: Mapping[str, RawBlob] = field(default_factory=dict)


class ExternalRows:
    """The external files that a store knows of, by project and name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, project: str) -> dict[str, ExternalFiles]:
        """Those of a project, by name; one query."""
        rows = self._database.query(
            "SELECT name, manifest, outputs, url, raw FROM externals WHERE project = ?", (project,)
        )
        return {row[0]: _files(*row) for row in rows}

    def put(self, connection: sqlite3.Connection, project: str, files: Iterable[ExternalFiles]) -> None:
        """Remember these, each in place of what was known of its name."""
        connection.executemany(
            "INSERT OR REPLACE INTO externals VALUES (?, ?, ?, ?, ?, ?)",
            [(project, one.name, bytes.fromhex(one.content), *_texts(one)) for one in files],
        )


def _files(name: str, manifest: bytes, outputs: str, url: str, raw: str) -> ExternalFiles:
    return ExternalFiles(
        name,
        Digest(manifest.hex()),
        tuple((bytes.fromhex(output), path) for output, path in json.loads(outputs)),
        url,
        {blob: RawBlob(etag, size) for blob, (etag, size) in json.loads(raw).items()},
    )


def _texts(files: ExternalFiles) -> tuple[str, str, str]:
    """The columns ``outputs``, ``url`` and ``raw``. JSON escapes what of a path is not UTF-8."""
    outputs = [(name.hex(), path) for name, path in files.outputs]
    raw = {blob: (version.etag, version.size) for blob, version in files.raw.items()}
    return json.dumps(outputs), files.url, json.dumps(raw)
