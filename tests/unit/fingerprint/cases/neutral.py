"""Edits that cannot change what a task does."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import case, edit, task

PROGRAM = {
    "helpers.py": '''
        """Helpers."""
        import functools
        import os
        import sys
        from typing import TYPE_CHECKING, Any, final

        LIMIT = 10
        NAMES = {"a": 1, "b": (2, 3)}


        def first(x, y=LIMIT):
            """Return x."""
            return x + y


        def second(rows):
            return [first(row) for row in rows if row]


        class Cleaner:
            """Cleans."""

            mode = "soft"

            def __init__(self, n):
                self.n = n

            def clean(self, rows):
                """Clean."""
                with open(os.devnull) as stream:
                    return second(rows) + [stream.read(), self.n]


        def nobody():
            return 99
    ''',
    "tasks.py": '''
        import luigi

        from .helpers import NAMES, Cleaner


        class T(luigi.Task):
            """The task."""

            n = luigi.IntParameter(default=3)

            def run(self):
                cleaner = Cleaner(self.n)
                return cleaner.clean([1, 2]), NAMES, f"{self.n:>3} rows"

            def extra(self):
                return None
    ''',
}

# -- lines, comments, spelling -------------------------------------------------------------------------------

for label, old, new in [
    ("comment in a method", "cleaner = Cleaner", "# why\n                cleaner = Cleaner"),
    ("comment at the end of a line", "LIMIT = 10", "LIMIT = 10  # rows"),
    ("comment in brackets", "(2, 3)}", "(2,  # two\n        3)}"),
    ("type comment", "LIMIT = 10", "LIMIT = 10  # type: int"),
    ("noqa", "import sys", "import sys  # noqa: F401"),
    ("blank lines", "LIMIT = 10\n", "\n\n\nLIMIT = 10\n\n"),
    ("quotes", '"soft"', "'soft'"),
    ("triple quotes", '"soft"', '"""soft"""'),
    ("raw prefix without backslash", '"soft"', 'r"soft"'),
    ("u prefix", '"soft"', 'u"soft"'),
    ("text in two pieces", '"soft"', '("so" "ft")'),
    ("text over a line end", '"soft"', '"so\\\nft"'),
    ("escape in a text", '"soft"', '"\\x73oft"'),
    ("hexadecimal", "LIMIT = 10", "LIMIT = 0xA"),
    ("underscore in a number", "return 99", "return 9_9"),
    ("number with an underscore that is used", "LIMIT = 10", "LIMIT = 1_0"),
    ("parentheses round a value", "return x + y", "return (x + y)"),
    ("parentheses round a condition", "if row]", "if (row)]"),
    ("trailing comma in a call", "Cleaner(self.n)", "Cleaner(self.n,)"),
    ("trailing comma in a definition", "def first(x, y=LIMIT)", "def first(x, y=LIMIT,)"),
    ("trailing comma in a dict", "(2, 3)}", "(2, 3),}"),
    (
        "tuple without parentheses",
        'return cleaner.clean([1, 2]), NAMES, f"{self.n:>3} rows"',
        'return (cleaner.clean([1, 2]), NAMES, f"{self.n:>3} rows")',
    ),
    ("f-string in two pieces", 'f"{self.n:>3} rows"', 'f"{self.n:>3}" " rows"'),
    ("f-string quotes", 'f"{self.n:>3} rows"', "f'{self.n:>3} rows'"),
    ("f-string in two f-pieces", 'f"{self.n:>3} rows"', 'f"{self.n:>3}" f" rows"'),
    ("f without placeholders", '"soft"', 'f"soft"'),
    ("spaces in an f-string's expression", "{self.n:>3}", "{ self.n:>3}"),
    ("backslash at the line end", "return x + y", "return x \\\n                + y"),
    ("spaces round operators", "return x + y", "return x+y"),
    ("two statements in a line", "LIMIT = 10\n", "LIMIT = 10;\n"),
    ("empty brackets of a class", "class Cleaner:", "class Cleaner():"),
    ("parenthesised with", "with open(os.devnull) as stream:", "with (open(os.devnull) as stream):"),
    ("one-line body", "def nobody():\n            return 99", "def nobody(): return 99"),
    (
        "one-line body that is used",
        'def first(x, y=LIMIT):\n            """Return x."""\n            return x + y',
        "def first(x, y=LIMIT): return x + y",
    ),
    ("form feed", "LIMIT = 10\n", "LIMIT = 10\n\f\n"),
    ("space at line ends", "self.n = n\n", "self.n = n   \n"),
    ("pass beside a docstring", '"""Cleans."""', '"""Cleans."""\n            pass'),
    ("dots beside a docstring", '"""Cleans."""', '"""Cleans."""\n            ...'),
    ("text below an attribute", 'mode = "soft"', 'mode = "soft"\n            """How to clean."""'),
    ("text in the middle of a function", "cleaner = Cleaner", '"""now"""\n                cleaner = Cleaner'),
    ("a number by itself", "LIMIT = 10\n", "LIMIT = 10\n42\n"),
    # -- docstrings
    ("docstring of a module", '"""Helpers."""', '"""Other."""'),
    ("docstring of a module gone", '"""Helpers."""', ""),
    ("docstring of a function", "Return x.", "Return it."),
    ("docstring of a method", "Clean.", "Clean it."),
    ("docstring of the task", "The task.", "A task."),
    ("docstring more", "def second(rows):", 'def second(rows):\n            """Second."""'),
    ("docstring gone", '\n            """Cleans."""\n', "\n"),
    (
        "docstring with an f",
        '"""Return x."""',
        '"""Return x.\n\n            >>> first(1)\n            11\n            """',
    ),
    # -- types
    ("annotated parameter", "def second(rows):", "def second(rows: list[int]):"),
    ("annotated result", "def second(rows):", "def second(rows) -> list[int]:"),
    ("annotation as a text", "def first(x, y=LIMIT):", "def first(x: 'Any', y: 'int'=LIMIT) -> 'int':"),
    ("annotated constant", "LIMIT = 10", "LIMIT: int = 10"),
    ("final constant", "LIMIT = 10", "import typing\n        LIMIT: typing.Final = 10"),
    ("annotated local", "cleaner = Cleaner(self.n)", "cleaner: Cleaner = Cleaner(self.n)"),
    ("annotated attribute", "self.n = n", "self.n: int = n"),
    ("bare annotation in a plain class", 'mode = "soft"', 'n: int\n            mode = "soft"'),
    ("annotated class attribute", 'mode = "soft"', 'mode: str = "soft"'),
    ("annotated parameter of the task", "n = luigi.IntParameter", "n: int = luigi.IntParameter"),
    (
        "bare annotation in a function",
        "cleaner = Cleaner(self.n)",
        "cleaner: Cleaner\n                cleaner = Cleaner(self.n)",
    ),
    ("annotated star arguments", "def nobody():", "def nobody(*a: int, **k: str) -> None:"),
    ("future annotations", '"""Helpers."""', '"""Helpers."""\n        from __future__ import annotations'),
    (
        "import for types",
        "LIMIT = 10",
        "if TYPE_CHECKING:\n            from collections.abc import Iterable\n\n        LIMIT = 10",
    ),
    (
        "import for types, own module",
        "LIMIT = 10",
        "if TYPE_CHECKING:\n            from .tasks import T\n\n        LIMIT = 10",
    ),
    (
        "import for types through the module",
        "LIMIT = 10",
        "import typing as t\n        if t.TYPE_CHECKING:\n            from .tasks import T\n\n        LIMIT = 10",
    ),
    ("alias of a type", "LIMIT = 10", "Rows = list[int]\n        LIMIT = 10"),
    (
        "new type variable",
        "LIMIT = 10",
        "from typing import TypeVar\n        X = TypeVar('X')\n        LIMIT = 10",
    ),
    (
        "overloads",
        "def second(rows):",
        "from typing import overload\n\n        @overload\n        def second(rows: int) -> int: ...\n        @overload\n        def second(rows: str) -> str: ...\n        def second(rows):",
    ),
    (
        "protocol that nobody uses",
        "LIMIT = 10",
        "from typing import Protocol\n\n        class Has(Protocol):\n            n: int\n\n        LIMIT = 10",
    ),
    ("final method", "    def clean(", "    @final\n            def clean("),
    # -- what nobody uses
    ("function nobody uses, changed", "return 99", "return 98"),
    ("function nobody uses, gone", "def nobody():\n            return 99", ""),
    (
        "function nobody uses, more",
        "LIMIT = 10",
        "def more():\n            return LIMIT\n\n        LIMIT = 10",
    ),
    ("class nobody uses", "LIMIT = 10", "class More(Exception):\n            pass\n\n        LIMIT = 10"),
    (
        "constant nobody uses",
        "LIMIT = 10",
        "OTHER = [1, 2]\n        OTHER.append(LIMIT_ := 3)\n        LIMIT = 10",
    ),
    ("import nobody uses", "import sys", "import sys, json"),
    ("import nobody uses, gone", "import sys\n", ""),
    ("installed import nobody uses", "import sys", "import sys\n        import click"),
    ("author", "LIMIT = 10", "__author__ = 'me'\n        LIMIT = 10"),
    ("__all__", "LIMIT = 10", "__all__ = ['LIMIT', 'first']\n        LIMIT = 10"),
    (
        "logger nobody uses",
        "LIMIT = 10",
        "import logging\n        log = logging.getLogger(__name__)\n        LIMIT = 10",
    ),
    (
        "main block",
        "def nobody():",
        "if __name__ == '__main__':\n            print(second([1]))\n\n        def nobody():",
    ),
    (
        "main block at the end",
        "    return 99",
        "    return 99\n\n        if '__main__' == __name__:\n            nobody()",
    ),
    (
        "partial nobody uses",
        "LIMIT = 10",
        "import functools\n        go = functools.partial(print, 3)\n        LIMIT = 10",
    ),
    (
        "task nobody uses",
        "class T(luigi.Task):",
        "class Other(luigi.Task):\n            def run(self):\n                return NAMES\n\n\n        class T(luigi.Task):",
    ),
    # -- order
    (
        "methods",
        '    def run(self):\n                cleaner = Cleaner(self.n)\n                return cleaner.clean([1, 2]), NAMES, f"{self.n:>3} rows"\n\n            def extra(self):\n                return None\n',
        '    def extra(self):\n                return None\n\n            def run(self):\n                cleaner = Cleaner(self.n)\n                return cleaner.clean([1, 2]), NAMES, f"{self.n:>3} rows"\n',
    ),
    (
        "imports",
        "import functools\n        import os\n        import sys",
        "import sys\n        import os\n        import functools",
    ),
    (
        "imports in one line",
        "import functools\n        import os\n        import sys",
        "import functools, os, sys",
    ),
    ("imported names", "NAMES, Cleaner", "Cleaner, NAMES"),
    (
        "imported names in two lines",
        "from .helpers import NAMES, Cleaner",
        "from .helpers import NAMES\n        from .helpers import Cleaner",
    ),
    (
        "imported names in brackets",
        "from .helpers import NAMES, Cleaner",
        "from .helpers import (\n            NAMES,\n            Cleaner,\n        )",
    ),
    ("absolute import", "from .helpers import", "from pkg.helpers import"),
    (
        "constants",
        'LIMIT = 10\n        NAMES = {"a": 1, "b": (2, 3)}',
        'NAMES = {"a": 1, "b": (2, 3)}\n        LIMIT = 10',
    ),
    (
        "import into the function",
        "from .helpers import NAMES, Cleaner",
        "from .helpers import Cleaner\n        from .helpers import NAMES as NAMES",
    ),
]:
    edit(
        f"neutral: {label}",
        "same",
        "the program does the same",
        PROGRAM,
        old.replace("\n        ", "\n"),
        new.replace("\n        ", "\n"),
    )


_TASKS = task("return helper(3)", "from .lib import helper")
_LIB = "A = 3\n\n\ndef helper(x):\n    return other(x) + A\n\n\ndef other(x):\n    return x\n\n\nclass C:\n    pass\n"
_FILES = {"lib.py": _LIB, "tasks.py": _TASKS}
for label, text in {
    "definitions turned round": "class C:\n    pass\n\n\ndef other(x):\n    return x\n\n\ndef helper(x):\n    return other(x) + A\n\n\nA = 3\n",
    "Windows line ends": _LIB.replace("\n", "\r\n"),
    "old Mac line ends": _LIB.replace("\n", "\r"),
    "mixed line ends": _LIB.replace("\n\n\n", "\r\n\n\r\n"),
    "no line end at the end": _LIB.rstrip("\n"),
    "lines at the end": _LIB + "\n\n# end\n\n",
    "byte order mark": "\ufeff" + _LIB,
    "coding line": "# -*- coding: utf-8 -*-\n" + _LIB,
    "program line": "#!/usr/bin/env python3\n" + _LIB,
    "tabs": _LIB.replace("    ", "\t"),
    "two spaces": _LIB.replace("    ", "  "),
    "licence above": "# Copyright\n#\n# Text.\n" + _LIB,
    "a section more": _LIB + "\n\ndef more():\n    A = 4\n    return A\n",
    "a doctest": '"""Lib.\n\n>>> 3 + 4\n7\n"""\n' + _LIB,
}.items():
    case(f"neutral: {label}", "same", "the program is the same", _FILES, {"lib.py": text})
case(
    "neutral: Windows line ends in a long text",
    "same",
    "Python reads both as one",
    {"tasks.py": task("return TEXT", "TEXT = '''a\nb'''")},
    {"tasks.py": task("return TEXT", "TEXT = '''a\nb'''").replace("\n", "\r\n")},
)
case(
    "neutral: escape and character",
    "same",
    "two spellings of one text",
    {"tasks.py": task("return '\\u00e4'")},
    {"tasks.py": task("return 'ä'")},
)
case(
    "neutral: identifier in another Unicode form",
    "same",
    "Python folds identifiers (PEP 3131)",
    {"tasks.py": task("return ﬁeld()", "def ﬁeld():\n    return 3")},
    {"tasks.py": task("return field()", "def field():\n    return 3")},
)
case(
    "neutral: literal of a set in another order",
    "same",
    "a set has no order",
    {"tasks.py": task("return sorted({'a', 'b', 'c'})")},
    {"tasks.py": task("return sorted({'c', 'a', 'b'})")},
)
case(
    "neutral: a module more",
    "same",
    "nobody imports it",
    _FILES,
    {"other.py": "import luigi\nfrom .lib import helper\n\nclass T(luigi.Task):\n    pass\n"},
)
case(
    "neutral: a package beside",
    "same",
    "nobody imports it",
    _FILES,
    {"../beside/__init__.py": "X = 3\n"},
)
case(
    "neutral: a stub beside",
    "same",
    "stubs are for type checkers",
    _FILES,
    {"lib.pyi": "def helper(x: int) -> int: ...\n"},
)
case(
    "neutral: a broken module beside",
    "same",
    "nobody imports it",
    _FILES,
    {"broken.py": "def (:\n"},
)
case(
    "neutral: a module of tests that patches",
    "same",
    "nobody imports it",
    _FILES,
    {
        "test_lib.py": "from . import lib\n\nlib.other = lambda x: 9\n\ndef test_helper():\n    assert lib.helper(3)\n"
    },
)
case(
    "neutral: comparison file",
    "same",
    "data beside the code counts elsewhere",
    {**_FILES, "data.csv": "a,b\n"},
    {"data.csv": "a,c\n"},
)
for label, before, after in [
    (
        "elif and else if",
        "if x:\n    return 3\nelif y:\n    return 4",
        "if x:\n    return 3\nelse:\n    if y:\n        return 4",
    ),
    (
        "brackets of an exception",
        "try:\n    return 3\nexcept ValueError:\n    return 4",
        "try:\n    return 3\nexcept (ValueError):\n    return 4",
    ),
    ("semicolons", "x = 3\ny = 4\nreturn x", "x = 3; y = 4; return x"),
    ("assert with brackets", "assert self.n", "assert (self.n)"),
    ("lambda over lines", "return lambda x: x + 3", "return (\n    lambda x:\n        x + 3\n)"),
    ("slice with spaces", "return self.n[1:3]", "return self.n[1 : 3]"),
    (
        "decorator in brackets",
        "@staticmethod\ndef f():\n    pass\nreturn f",
        "@(staticmethod)\ndef f():\n    pass\nreturn f",
    ),
    (
        "docstring of a nested function",
        "def f():\n    'One.'\n    return 3\nreturn f",
        "def f():\n    'Two.'\n    return 3\nreturn f",
    ),
    (
        "docstring of an async function",
        "async def f():\n    'One.'\n    return 3\nreturn f",
        "async def f():\n    return 3\nreturn f",
    ),
    (
        "docstring in place of pass",
        "class E(Exception):\n    pass\nraise E",
        "class E(Exception):\n    'Bad.'\nraise E",
    ),
    ("dots in place of pass", "class E(Exception):\n    pass\nraise E", "class E(Exception): ...\nraise E"),
    ("pass among statements", "x = 3\nreturn x", "x = 3\npass\nreturn x"),
    ("brackets of a star", "return [*self.a, *self.b]", "return [*(self.a), *self.b]"),
    ("brackets of a yield", "x = yield 3\nreturn x", "x = (yield 3)\nreturn x"),
    ("walrus in brackets", "if x := 3:\n    return x", "if (x := 3):\n    return x"),
    ("minus and brackets", "return -3 + 4", "return (-3) + 4"),
    ("product first", "return 3 + 4 * 5", "return 3 + (4 * 5)"),
    ("exponent", "return 1000.0", "return 1e3"),
    ("imaginary", "return 1j", "return 1J"),
    ("octal", "return 8", "return 0o10"),
    ("raw text", "return '\\\\d'", "return r'\\d'"),
    ("bytes", "return b'ab'", "return b'a' b'b'"),
    (
        "dictionary over lines",
        "return {'a': 3, 'b': [4, 5]}",
        "return {\n    'a': 3,\n    'b': [\n        4,\n        5,\n    ],\n}",
    ),
    ("chain of calls over lines", "return self.a.b(3).c(4)", "return (\n    self.a\n    .b(3)\n    .c(4)\n)"),
    ("f-string, nested quotes", "return f'{self.a[\"x\"]}'", "return f\"{self.a['x']}\""),
    ("f-string, format in a format", "return f'{self.a:{self.b}}'", 'return f"{self.a:{ self.b }}"'),
    ("f-string over lines", "return f'a{self.n}b'", "return (f'a'\n    f'{self.n}'\n    'b')"),
    (
        "cast's type",
        "import typing\nreturn typing.cast('list[int]', self.n)",
        "import typing\nreturn typing.cast('list[str]', self.n)",
    ),
    (
        "cast's type, imported",
        "from typing import cast\nreturn cast('list[int]', self.n)",
        "from typing import cast\nreturn cast('list[str]', self.n)",
    ),
    ("annotation of a local with no value", "x: int\nreturn 3", "return 3"),
    ("annotation of a lambda's target", "f: 'Callable' = lambda: 3\nreturn f", "f = lambda: 3\nreturn f"),
    ("redundant global", "global LIMIT\nreturn LIMIT", "return LIMIT"),
]:
    case(
        f"neutral: {label}",
        "same",
        "two spellings of one program",
        task(before, "LIMIT = 3"),
        task(after, "LIMIT = 3"),
        limit=label == "redundant global",
    )

# -- unused, in combination ----------------------------------------------------------------------------------

for label, files, old, new in [
    (
        "a function that would change the table, never called",
        task("return TABLE", "TABLE = [3]\n\ndef fill():\n    TABLE.append(4)"),
        "append(4)",
        "append(5)",
    ),
    (
        "a copy of the list is changed",
        task("return ROWS", "ROWS = [3]\nCOPY = list(ROWS)\nCOPY.append(4)"),
        "append(4)",
        "append(5)",
    ),
    (
        "a list that only starts the same",
        task("return ROWS", "ROWS = [3]\nMORE = [*ROWS, 4]\nMORE.append(6)"),
        "append(6)",
        "append(7)",
    ),
    (
        "a function that only nobody calls",
        task("return 3", "def a():\n    return b()\n\ndef b():\n    return 4"),
        "return 4",
        "return 5",
    ),
    (
        "a decorator of something else",
        task(
            "return f()",
            "def deco(f):\n    return f\n\ndef other(f):\n    return None\n\n@deco\ndef f():\n    return 3\n\n@other\ndef g():\n    return 4",
        ),
        "return None",
        "return 5",
    ),
    (
        "upstream's run",
        "import luigi\n\nclass A(luigi.Task):\n    def run(self):\n        return 3\n\nclass T(luigi.Task):\n    def requires(self):\n        return A()\n    def run(self):\n        return self.input()\n",
        "return 3",
        "return 5",
    ),
    (
        "upstream's helper",
        "import luigi\n\ndef helper():\n    return 3\n\nclass A(luigi.Task):\n    def run(self):\n        return helper()\n\nclass T(luigi.Task):\n    def requires(self):\n        return {'a': A(), 'b': [A()]}\n    def run(self):\n        return self.input()\n",
        "return 3",
        "return 5",
    ),
    (
        "upstream's run, by decorator",
        "import luisy\n\n@luisy.raw\nclass A(luisy.Task):\n    def run(self):\n        return 3\n\n@luisy.requires(A)\nclass T(luisy.Task):\n    def run(self):\n        return self.input()\n",
        "return 3",
        "return 5",
    ),
    (
        "upstream's run, in another module",
        {
            "a.py": "import luigi\n\nclass A(luigi.Task):\n    def run(self):\n        return 3\n",
            "tasks.py": "import luigi\nfrom . import a\n\nclass T(luigi.Task):\n    def requires(self):\n        yield a.A()\n    def run(self):\n        return self.input()\n",
        },
        "return 3",
        "return 5",
    ),
    (
        "downstream",
        "import luigi\n\nclass T(luigi.Task):\n    def run(self):\n        return 4\n\nclass B(luigi.Task):\n    def requires(self):\n        return T()\n    def run(self):\n        return 3\n",
        "return 3",
        "return 5",
    ),
    (
        "a subclass",
        "import luigi\n\nclass T(luigi.Task):\n    def run(self):\n        return 4\n\nclass B(T):\n    def run(self):\n        return 3\n",
        "return 3",
        "return 5",
    ),
    (
        "a sister class",
        "import luigi\n\nclass Base(luigi.Task):\n    pass\n\nclass T(Base):\n    def run(self):\n        return 4\n\nclass S(Base):\n    def run(self):\n        return 3\n",
        "return 3",
        "return 5",
    ),
    (
        "another task of a factory",
        "import luigi\n\ndef make(n):\n    class Made(luigi.Task):\n        def run(self):\n            return n\n    return Made\n\nT = make(4)\nU = make(3)\n",
        "make(3)",
        "make(5)",
    ),
    (
        "another attribute of a namespace",
        {
            "lib.py": "class A:\n    pass\n\nclass B:\n    def go(self):\n        return 3\n",
            "tasks.py": task("return lib.A()", "from . import lib"),
        },
        "return 3",
        "return 5",
    ),
    (
        "another member of a module in a star import",
        {
            "lib.py": "def f():\n    return 4\n\ndef g():\n    return 3\n",
            "tasks.py": task("return f()", "from .lib import *"),
        },
        "return 3",
        "return 5",
    ),
    (
        "the module of a type",
        {
            "types_.py": "class Row:\n    def go(self):\n        return 3\n",
            "tasks.py": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nimport luigi\n\nif TYPE_CHECKING:\n    from .types_ import Row\n\n"
            "class T(luigi.Task):\n    def run(self, row: Row | None = None):\n        return 4\n",
        },
        "return 3",
        "return 5",
    ),
    (
        "a type that is imported for real, for annotations alone",
        {
            "types_.py": "class Row:\n    def go(self):\n        return 3\n",
            "tasks.py": "import luigi\nfrom .types_ import Row\n\nclass T(luigi.Task):\n    def run(self, row: Row = None) -> 'Row':\n        x: Row = row\n        return x\n",
        },
        "return 3",
        "return 5",
    ),
    (
        "a type alias for annotations alone",
        task("return f(4)", "Rows = dict[str, int]\n\ndef f(x: Rows) -> Rows:\n    return x"),
        "dict[str, int]",
        "dict[str, float]",
    ),
    (
        "a new type for annotations alone",
        task(
            "return f(4)",
            "from typing import NewType\nId = NewType('Id', int)\n\ndef f(x: Id) -> Id:\n    return x",
        ),
        "'Id', int",
        "'Id', str",
    ),
    (
        "a type variable for annotations alone",
        task(
            "return f(4)",
            "from typing import TypeVar\nX = TypeVar('X', bound=int)\n\ndef f(x: X) -> X:\n    return x",
        ),
        "bound=int",
        "bound=str",
    ),
    (
        "a protocol for annotations alone",
        task(
            "return f(4)",
            "from typing import Protocol\n\nclass Has(Protocol):\n    def a(self) -> int: ...\n\ndef f(x: Has):\n    return x",
        ),
        "def a(self) -> int",
        "def b(self) -> str",
    ),
    (
        "options of the log",
        task("return 4", "import logging\nlogging.basicConfig(level=3)"),
        "level=3",
        "level=5",
    ),
    (
        "the main block's parameters",
        "import luigi\n\nclass T(luigi.Task):\n    def run(self):\n        return 4\n\nif __name__ == '__main__':\n    luigi.build([T()], workers=3)\n",
        "workers=3",
        "workers=5",
    ),
]:
    edit(
        f"unused: {label}",
        "same",
        "what the task does has nothing to do with it",
        files,
        old,
        new,
        limit=label == "a list that only starts the same",
    )
