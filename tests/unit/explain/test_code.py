"""What differs between two fingerprints."""

from __future__ import annotations

import pytest

from luisy.explain import Part, code_changes
from luisy.fingerprint import Source
from luisy.fingerprint.kept import Kept


def code(**texts: str) -> Kept:
    """The code of ``pkg.f``, a statement for each name; its digest is its text."""
    sources = {f"code pkg.f:{name}": (Source("pkg/f.py", 1, text),) for name, text in texts.items()}
    return Kept({label: source[0].text for label, source in sources.items()}, sources)


def test_a_function_is_named_with_its_file_and_diff() -> None:
    """Name, file and a unified diff of the source say which function changed, and how."""
    (change,) = code_changes(
        code(clean="def clean(x):\n    return x\n"), code(clean="def clean(x):\n    return -x\n")
    )
    assert (change.part, change.name, change.shown) == (Part.CODE, "pkg/f.py:clean", "clean() in pkg/f.py")
    assert change.diff.splitlines() == [
        "--- pkg/f.py",
        "+++ pkg/f.py",
        "@@ -1,2 +1,2 @@",
        " def clean(x):",
        "-    return x",
        "+    return -x",
    ]
    assert change.told() == "code changed: clean() in pkg/f.py"


CLASS = "class T(Task):\n    unit = 1\n\n    def run(self):\n        return 1\n\n    def more(self):\n        return 2\n"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("return 1", "return 3", "T.run()"),
        ("unit = 1", "unit = 2", "T.unit"),
        ("(Task)", "(Other)", "T"),
        ("return", "yield", "T"),
        ("    def more(self):\n        return 2\n", "", "T.more()"),
    ],
)
def test_of_a_class_the_member_is_named_that_alone_differs(old: str, new: str, named: str) -> None:
    """One method or attribute that changed is named; where more did, or the bases, the class is."""
    (change,) = code_changes(code(T=CLASS), code(T=CLASS.replace(old, new)))
    assert change.shown == f"{named} in pkg/f.py"
    assert change.name == f"pkg/f.py:{named.removesuffix('()')}"


def test_what_changed_stands_before_what_is_new_and_what_is_gone() -> None:
    """A function that calls a new one is the cause; the new one follows."""
    old = code(a="def a():\n    pass\n", z="def z():\n    pass\n")
    new = code(b="def b():\n    pass\n", z="def z():\n    b()\n")
    assert [change.told() for change in code_changes(old, new)] == [
        "code changed: z() in pkg/f.py",
        "code is gone: a() in pkg/f.py",
        "code is new: b() in pkg/f.py",
    ]


def test_code_that_is_new_or_gone_has_a_diff_of_all_its_lines() -> None:
    """The diff of a new constant is its definition; the other way round for one that is gone."""
    (new,) = code_changes(code(), code(LIMIT="LIMIT = 1\n"))
    assert (new.shown, new.old) == ("LIMIT in pkg/f.py", None)
    assert "--- /dev/null" in new.diff
    assert "+LIMIT = 1" in new.diff
    (gone,) = code_changes(code(LIMIT="LIMIT = 1\n"), code())
    assert gone.new is None
    assert "-LIMIT = 1" in gone.diff


def test_packages_are_told_by_version() -> None:
    """A distribution that was updated, one that is new, one that is gone."""
    old, new = (
        Kept({"package numpy": "1.26", "package a": "1"}, {}),
        Kept({"package numpy": "2.0", "package b": "1"}, {}),
    )
    found = [(change.part, change.name, change.old, change.new) for change in code_changes(old, new)]
    assert found == [
        (Part.PACKAGE, "a", "1", None),
        (Part.PACKAGE, "b", None, "1"),
        (Part.PACKAGE, "numpy", "1.26", "2.0"),
    ]


def test_what_has_no_text_is_told_in_words() -> None:
    """A value that a factory left in a class has no source; its name is told."""
    label = "value pkg.f:make.<locals>.T.factor"
    (change,) = code_changes(Kept({label: "a"}, {}), Kept({label: "b"}, {}))
    assert (
        change.told()
        == "code changed: the value that pkg.f:make.<locals>.T.factor was given when it was made"
    )


def test_of_several_statements_the_one_that_differs_is_named() -> None:
    """A registry is made of the functions that register themselves; the one that was edited is told, with its file."""
    label = "code pkg.f:HANDLERS"
    made = Source("pkg/f.py", 1, "HANDLERS = []\n")
    one = Source("pkg/f.py", 3, "@register\ndef one():\n    return 1\n")
    two = Source("pkg/other.py", 3, "@register\ndef two():\n    return 2\n")
    edited = Source("pkg/other.py", 3, "@register\ndef two():\n    return 3\n")
    (change,) = code_changes(
        Kept({label: "a"}, {label: (made, one, two)}), Kept({label: "b"}, {label: (made, one, edited)})
    )
    assert change.shown == "two() in pkg/other.py, which HANDLERS is made of"
    assert change.name == "pkg/other.py:two"
    assert change.diff.startswith("--- pkg/other.py\n+++ pkg/other.py\n")
    assert "-    return 2\n+    return 3\n" in change.diff


def test_what_has_a_text_is_enough() -> None:
    """The order of statements is told only where no statement is."""
    old, new = code(f="def f():\n    pass\n"), code(f="def f():\n    return\n")
    order = {"order pkg.f": "1"}
    found = code_changes(Kept({**old.parts}, old.sources), Kept({**new.parts, **order}, new.sources))
    assert [change.shown for change in found] == ["f() in pkg/f.py"]
    assert [c.shown for c in code_changes(Kept({}, {}), Kept(order, {}))] == [
        "the order of statements in pkg.f"
    ]


def test_where_the_text_is_the_same_a_name_means_something_else() -> None:
    """The parts tell whether something changed; an equal text is shown with the reason."""
    old = code(f="def f():\n    return g()\n")
    (change,) = code_changes(old, Kept(dict.fromkeys(old.parts, "other"), old.sources))
    assert change.shown == "f() in pkg/f.py"
    assert change.diff.startswith("the text is the same, but a name in it stands for something else")


def test_a_text_of_another_python_does_not_disturb() -> None:
    """A text that this Python cannot parse is compared line by line."""
    (change,) = code_changes(code(T="class T[X]: pass pass\n"), code(T="class T:\n    pass\n"))
    assert change.shown == "T in pkg/f.py"
    assert "-class T[X]: pass pass" in change.diff
