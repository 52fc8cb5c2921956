"""What was tried, in a file of one JSON object a line: a run goes on where another one stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Result:
    """What became of one mutant.

    :param name: the mutant's, which lines added above it do not change.
    :param killer: the case or test that noticed it; None if none did.
    :param asked: how many cases and tests were asked.
    :param seconds: how long it took.
    :param others: cases whose answer was another one, though not a wrong one.
    """

    name: str
    line: int
    killer: str | None
    asked: int
    seconds: float
    others: tuple[str, ...] = ()


class Results:
    """The results in *file*, the last one of each mutant."""

    def __init__(self, file: Path) -> None:
        self._file = file
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        rows = (json.loads(line) for line in lines)
        self.by_name = {row["name"]: Result(**{**row, "others": tuple(row["others"])}) for row in rows}

    def add(self, result: Result) -> None:
        """Note *result*, at once on disk."""
        self.by_name[result.name] = result
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(result)) + "\n")

    def survivors(self) -> list[Result]:
        """Those that nothing noticed, by module and line."""
        found = (result for result in self.by_name.values() if result.killer is None)
        return sorted(found, key=lambda result: (result.name.partition(":")[0], result.line))
