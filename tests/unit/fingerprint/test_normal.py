"""The normal form where no source of this Python's shows it."""

from __future__ import annotations

import ast

from luisy.fingerprint.normal import normal_form, readable


def _joined(*texts: str) -> ast.AST:
    value = ast.FormattedValue(ast.Name("x", ast.Load()), -1)
    return ast.JoinedStr([*map(ast.Constant, texts), value, *map(ast.Constant, texts)])


def test_neighbouring_texts_of_an_f_string_are_one() -> None:
    """Pythons cut the text between two values of an f-string in several ways."""
    assert (
        normal_form([_joined("a", "b")]) == normal_form([_joined("ab")]) == normal_form([_joined("", "ab")])
    )
    assert normal_form([_joined("a", "b")]) != normal_form([_joined("a")])


def test_f_string_without_a_value_is_its_text() -> None:
    """An f that does nothing is not in the normal form."""
    assert normal_form([ast.JoinedStr([ast.Constant("a"), ast.Constant("b")])]) == normal_form(
        [ast.Constant("ab")]
    )


def test_text_to_show_is_the_code_without_docstrings() -> None:
    """All code is shown, whatever it stands in."""
    text = '''\
class C:
    """Doc."""

    def f(self):
        """Doc."""

        async def g():
            """Doc."""
            return 5
        return g

    def h(self):
        """Doc."""
'''
    assert readable(ast.parse(text)).split() == (
        [
            "class",
            "C:",
            "def",
            "f(self):",
            "async",
            "def",
            "g():",
            "return",
            "5",
            "return",
            "g",
            "def",
            "h(self):",
            "pass",
        ]
    )
