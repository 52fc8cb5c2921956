"""The docs say what the code does: each slug, link and make target that one of them names exists in the other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from luisy import decorators, settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("examples/**/*.md"),
]


def places_of_slug(trees: Iterable[ast.AST]) -> dict[str, int]:
    """Each function and value type of the code that takes a slug, with the slug's place among its arguments."""
    places = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef):
            names = _arguments(node)
        elif isinstance(node, ast.ClassDef):
            names = [name for statement in node.body for name in _fields(statement)]
        else:
            continue
        if "slug" in names:
            places[node.name] = names.index("slug")
    return places


def _arguments(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args if argument.arg != "self"]


def _fields(statement: ast.stmt) -> list[str]:
    """What a class takes by *statement* of its body: a field of a dataclass, or the arguments of its constructor."""
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.FunctionDef(name="__init__"):
            return _arguments(statement)
    return []


def slug_expressions(node: ast.AST, places: Mapping[str, int]) -> Iterator[ast.expr]:
    """What stands where *node* gives a slug: to a call, to a class, or row by row in a loop over a table."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "slug")
            if name in places:
                yield from node.args[places[name] :][:1]
        case ast.Assign(targets=[ast.Name(id="slug")], value=value):
            yield value
        case ast.AnnAssign(target=ast.Name(id="slug"), value=ast.expr() as value):
            yield value
        case ast.For(target=ast.Tuple(elts=names), iter=ast.Tuple(elts=rows)):
            for place, column in enumerate(names):
                if isinstance(column, ast.Name) and column.id == "slug":
                    yield from (row.elts[place] for row in rows if isinstance(row, ast.Tuple))


def slugs_in(trees: Collection[ast.AST]) -> set[str]:
    """Every slug that stands literally in the code, also as one branch of a condition."""
    places = places_of_slug(trees)
    return {
        part.value
        for tree in trees
        for node in ast.walk(tree)
        for expression in slug_expressions(node, places)
        for part in (
            [expression.body, expression.orelse] if isinstance(expression, ast.IfExp) else [expression]
        )
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def slugs_in_code() -> set[str]:
    return slugs_in([ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "luisy").rglob("*.py")])


def headings(page: Path, level: int) -> list[str]:
    return re.findall(
        rf"^{'#' * level} `([a-z0-9-]+)`$", page.read_text(encoding="utf-8"), flags=re.MULTILINE
    )


def test_slugs_are_found_in_each_way_to_write_them() -> None:
    """A slug is seen as keyword, class attribute, argument of what takes a slug, branch, and column of a table."""
    code = """
class Reason:
    slug: str
    text: str
def says(text, slug): ...
f(slug="keyword")
f(slug="yes" if x else "no")
class E:
    slug = "attribute"
    slug: str = "annotated"
class Refusal(Exception):
    def __init__(self, slug, text): ...
raise Refusal("raised", "no slug")
Reason("value", "no slug")
model.Reason(slug, "no slug")
says("no slug", "argument")
other("no slug")
for sign, slug in (("no slug", "table"), ("no slug", "row")): ...
"""
    found = slugs_in([ast.parse(code)])
    assert found == {
        "keyword",
        "yes",
        "no",
        "attribute",
        "annotated",
        "value",
        "argument",
        "raised",
        "table",
        "row",
    }


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


def test_every_setting_has_its_row() -> None:
    """The table in docs/cli.md has the settings of the code, in their order."""
    part = (ROOT / "docs/cli.md").read_text(encoding="utf-8").split("## Settings")[1].split("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE)) == settings.NAMES


def test_every_output_decorator_is_told_among_the_formats() -> None:
    """docs/guide/formats.md names each decorator that sets a format, and no other."""
    page = (ROOT / "docs/guide/formats.md").read_text(encoding="utf-8")
    assert set(re.findall(r"@luisy\.(\w+_output)\b", page)) == {
        n for n in vars(decorators) if n.endswith("_output") and n[0] != "_"
    }


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
