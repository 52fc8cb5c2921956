"""How text is escaped in names."""

from __future__ import annotations

import re

_MUST_ESCAPE = re.compile("[\0/ \ud800-\udfff]|%(?=[0-9A-Za-z,()[\\]{}:~-])")


def escaped(text: str) -> str:
    """*text* without what cannot stand in a name, and without anything that reads as an escape."""
    return _MUST_ESCAPE.sub(lambda found: _percent(found.group()), str.__str__(text))


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
