"""The docs say what the code does: each slug, link and make target that one of them names exists in the other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("examples/**/*.md"),
]
REASONS = {"Reason", "_says"}
"""What is called with a slug as its first argument."""


def slugs_in(tree: ast.AST) -> Iterator[str]:
    """Every literal slug: ``slug="..."`` in a call, ``slug = "..."`` in a class, the first word of a reason."""
    for node in ast.walk(tree):
        candidates: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            candidates += [keyword.value for keyword in node.keywords if keyword.arg == "slug"]
            name = node.func.id if isinstance(node.func, ast.Name) else None
            candidates += node.args[:1] if name in REASONS else []
        elif isinstance(node, ast.Assign):
            candidates += [node.value for t in node.targets if isinstance(t, ast.Name) and t.id == "slug"]
        elif (
            isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "slug"
        ):
            candidates.append(node.value)
        for value in candidates:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def slugs_in_code() -> set[str]:
    return {
        slug
        for path in (ROOT / "luisy").rglob("*.py")
        for slug in slugs_in(ast.parse(path.read_text(encoding="utf-8")))
    }


def headings(page: Path, level: int) -> list[str]:
    return re.findall(
        rf"^{'#' * level} `([a-z0-9-]+)`$", page.read_text(encoding="utf-8"), flags=re.MULTILINE
    )


def test_slugs_are_found_in_each_way_to_write_them() -> None:
    """A slug is seen as a keyword, as a class attribute and as the first argument of a reason."""
    code = 'f(slug="a")\nclass E:\n    slug = "b"\n    slug: str = "c"\nReason("d", "x")\nother("e")\nReason(slug, "f")'
    assert set(slugs_in(ast.parse(code))) == {"a", "b", "c", "d"}


def test_every_slug_has_an_entry_in_messages() -> None:
    """What luisy can say is explained in docs/messages.md."""
    assert sorted(slugs_in_code() - set(headings(ROOT / "docs/messages.md", 3))) == []


def test_every_entry_in_messages_is_a_slug() -> None:
    """docs/messages.md explains nothing that luisy cannot say."""
    assert sorted(set(headings(ROOT / "docs/messages.md", 3)) - slugs_in_code()) == []


def test_entries_in_messages_are_sorted_and_unique() -> None:
    """Within each part of the page the entries stand in order, each once."""
    page = (ROOT / "docs/messages.md").read_text(encoding="utf-8")
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        entries = re.findall(r"^### `([a-z0-9-]+)`$", part, flags=re.MULTILINE)
        assert entries == sorted(set(entries))


def test_every_make_target_that_the_docs_name_exists() -> None:
    """``make X`` in the docs is a target of the Makefile, and `make help` tells each of those."""
    targets = set(
        re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    named = {
        target
        for page in PAGES
        for code in re.findall(r"`[^`]+`|^    .+$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for target in re.findall(r"\bmake ([a-z-]+)", code)
    }
    assert {"demo", "test"} <= named <= targets


def test_every_link_between_the_pages_leads_somewhere() -> None:
    """A relative link in the docs is a file of the repository."""
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target
    ]
    assert links
    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []
