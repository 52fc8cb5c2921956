"""Zip files without the time of day, so that equal contents give equal bytes."""

from __future__ import annotations

import os
import re
import zipfile

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can tell
_STAMP = re.compile(rb"(<dcterms:(created|modified)\b[^>]*>)[^<]*(</dcterms:\2>)")
_PROPERTIES = "docProps/core.xml"  # ECMA-376 part 2, 8: core properties of an Office document


def forget_time(path: str) -> None:
    """Rewrite the zip file at *path* with the same members in the same order, all dated 1980-01-01 UTC.

    In an Office document the times in its core properties are set likewise.
    """
    rewritten = path + ".timeless"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(rewritten, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == _PROPERTIES:
                content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z\g<3>", content)
            timeless = zipfile.ZipInfo(member.filename, _EPOCH)
            timeless.compress_type = member.compress_type
            timeless.external_attr = member.external_attr
            target.writestr(timeless, content)
    os.replace(rewritten, path)
