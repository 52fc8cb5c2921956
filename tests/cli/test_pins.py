"""``luisy cas pin|unpin|pins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.project import Project


def test_a_pin_from_beginning_to_end(project: Project, snapshot: Callable[[str, str], None]) -> None:
    """Set, listed, shown with its result, refused for another one, taken away."""
    project.luisy("run", "Both")
    said = []
    for code, command in (
        (0, "pin first Upper"),
        (2, "pin first Count"),
        (0, "pins"),
        (0, "ls Upper"),
        (0, "unpin first"),
        (1, "unpin first"),
        (1, "pin first Nothing"),
        (0, "pins"),
    ):
        done = project.luisy("cas", *command.split())
        said.append(f"--- cas {command}\n{done.out}{done.err}")
        assert done.code == code
    snapshot("pins", "\n".join(said))


def test_the_document_of_a_result_names_its_pins(project: Project) -> None:
    """In ``ls`` and ``show``; by a key as by a task."""
    project.luisy("run", "Upper")
    (item,) = project.luisy("cas", "ls", "Upper", "--json").document["actions"]
    project.luisy("cas", "pin", "one", item["key"][:8])
    project.luisy("cas", "pin", "two", "Upper")
    assert project.luisy("cas", "show", "Upper", "--json").document["pins"] == ["one", "two"]
    (item,) = project.luisy("cas", "ls", "Upper", "--json").document["actions"]
    assert item["pins"] == ["one", "two"]


def test_without_a_store_there_are_no_pins(project: Project) -> None:
    """And none is made."""
    assert project.luisy("cas", "pins", "--json").document == {"pins": []}
    assert project.luisy("cas", "pin", "name", "abcdef").code == 1
    assert not project.store.exists()
