"""``luisy key``: what a key is made of; with ``-v`` also the code behind the fingerprint and its blind spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.project import Project

BLIND = """

@luisy.interim
class Blind(luisy.Task):
    def run(self):
        return getattr(self, self.task_id)
"""


def test_verbose_shows_the_code(project: Project) -> None:
    """Each statement behind the fingerprint is named with its file and lines, and that nothing was missed."""
    lines = project.luisy("key", "Upper", "-v").out.splitlines()
    tasks = project.folder / "pipe" / "tasks.py"
    (place,) = [line for line in lines if line.startswith("  code pipe.tasks:Upper: ")]
    path, _, span = place.removeprefix("  code pipe.tasks:Upper: ").rpartition(":")
    first, last = map(int, span.split("-"))
    assert path == str(tasks)
    assert tasks.read_text(encoding="utf-8").splitlines()[first - 1 : last][0] == "@luisy.interim"
    assert lines[-1] == "  no blind spots"


def test_verbose_shows_blind_spots(project: Project) -> None:
    """What could not be followed is named with file and line, for people and as JSON."""
    tasks = project.folder / "pipe" / "tasks.py"
    tasks.write_text(tasks.read_text(encoding="utf-8") + BLIND, encoding="utf-8")
    line = len(tasks.read_text(encoding="utf-8").splitlines())
    document = project.luisy("key", "Blind", "-v", "--json").document
    text = "getattr(self, self.task_id) reads an attribute with a computed name"
    assert document["blind_spots"] == [{"file": str(tasks), "line": line, "text": text}]
    said = project.luisy("key", "Blind", "-v").out
    assert f"  blind spot: {tasks}:{line}: {text}" in said


def test_documents_have_the_code_only_on_request(project: Project) -> None:
    """Without ``-v`` the document has the fields of the page and no others."""
    document = project.luisy("key", "Upper", "--json").document
    assert set(document) == {"family", "key", "code_hash", "parts", "inputs"}
