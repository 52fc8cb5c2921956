"""What the arguments of an audit event say."""

from __future__ import annotations

import os
from enum import Enum
from typing import Any


class Access(Enum):
    """What an ``open`` is for."""

    READS = "reads"
    MAKES = "makes"  # the content is new: nothing of the old one is left
    ADDS = "adds"  # behind the old content, which cannot be read


def access_of(path: str, flags: int) -> Access:
    """What a file is opened for. One that is opened for update is read, unless it is made by that."""
    way = flags & os.O_ACCMODE
    if way == os.O_RDONLY:
        return Access.READS
    if flags & os.O_TRUNC or (flags & os.O_CREAT and not os.path.lexists(path)):
        return Access.MAKES
    return Access.ADDS if way == os.O_WRONLY else Access.READS


def database_file(database: Any) -> str | None:
    """The file that ``sqlite3.connect`` is given, as it is written there; None for a database in memory."""
    name = os.fsdecode(database)
    if name.startswith("file:"):
        from urllib.parse import unquote  # rare, and ``import luisy`` comes by here

        name = unquote(name[len("file:") :].split("?")[0].split("#")[0])
        name = "/" + name.lstrip("/") if name.startswith("/") else name
    return os.path.abspath(name) if name and name != ":memory:" else None
