"""Programs for how code is read and written down: scopes, names in disguise, order, words for type checkers.

Without them, small changes of the fingerprint's own code went unnoticed (docs/mutation-testing.md).
"""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import case, edit, piece, task

# -- scopes --------------------------------------------------------------------------------------------------

piece(
    "name of the module that the class binds, too",
    "a method does not see the names of its class",
    "import luigi\nLIMIT = 1\nclass T(luigi.Task):\n    LIMIT = 5\n    def run(self):\n        return LIMIT\n",
)
piece(
    "import of a function in a function inside it",
    "the inner one sees the names of the outer one",
    {
        "leaf.py": "def f():\n    return 1\n",
        "tasks.py": task(
            "return outer()",
            "def outer():\n    from . import leaf\n    return [f() for f in (lambda: leaf.f(),)]",
        ),
    },
)
piece(
    "name of a comprehension, and one of the module beside it",
    "the comprehension keeps its own",
    task("return [x for x in (5,)], x", "x = 1"),
)
piece(
    "walrus in a comprehension at the top of the module",
    "it binds a name of the module",
    task("return last", "[last := n for n in (5, 1)]"),
)
piece(
    "global in a class body",
    "the body binds a name of the module",
    task("return X", "X = 5\nclass Setting:\n    global X\n    X = 1"),
)
piece(
    "rest of a mapping that match binds",
    "it is a name of the module",
    task("return rest", "match {'a': 1}:\n    case {**rest}:\n        pass"),
)
piece(
    "nonlocal name of an object of the module",
    "the inner function changes what the outer one named",
    task(
        "return ITEMS",
        "ITEMS = []\n"
        "def fill():\n    rows = ITEMS\n    def more():\n        nonlocal rows\n        rows += [1]\n    more()\nfill()\n",
    ),
)
_BESIDE_AN_INNER_SCOPE = {
    "the default of an inner function": "    def inner(rows=(got := ITEMS)):\n        return rows\n",
    "the decorator of an inner function": "    @note(got := ITEMS)\n    def inner():\n        return got\n",
    "the base of an inner class": "    class Inner(note(got := ITEMS)(object)):\n        pass\n",
    "a comprehension": "    [got := ITEMS for _ in (0,)]\n",
    "the default of a lambda": "    inner = lambda rows=(got := ITEMS): rows\n",
}
for _place, _lines in _BESIDE_AN_INNER_SCOPE.items():
    piece(
        f"walrus in {_place}",
        "the outer function has the name",
        task(
            "return ITEMS",
            "ITEMS = []\ngot = []\ndef note(rows):\n    return lambda thing: thing\n"
            f"def fill():\n{_lines}    got.append(1)\nfill()\n",
        ),
    )
piece(
    "relative import from the package above",
    "each dot is one package",
    {
        "base.py": "X = 1\n",
        "sub/__init__.py": "",
        "sub/base.py": "X = 7\n",
        "sub/leaf.py": "from ..base import X\n",
        "tasks.py": task("return X", "from .sub.leaf import X"),
    },
)

# -- objects under other names -------------------------------------------------------------------------------

_CHANGED_IN_A_FUNCTION = {
    "the name that for gives it": "def fill():\n    for rows in (ITEMS,):\n        rows.append(1)\nfill()",
    "one of two names that for gives": "def fill():\n    for rows in (ITEMS, NAMES):\n        rows.append(1)\nfill()",
    "the name that a walrus gives it": "def fill():\n    if (rows := ITEMS) is not None:\n        rows.append(1)\nfill()",
    "a name that it has perhaps": (
        "def fill(flag):\n    rows = NAMES if flag else ITEMS\n    rows.append(1)\nfill(False)"
    ),
    "its third local name": "def fill():\n    a = ITEMS\n    b = a\n    c = b\n    c.append(1)\nfill()",
    "a parameter's default": "def fill(rows=ITEMS):\n    rows.append(1)\nfill()",
    "the default of a keyword": "def fill(*, rows=ITEMS):\n    rows.append(1)\nfill()",
    "a name for the default of an inner function": (
        "def fill():\n    mine = ITEMS\n    def inner(rows=mine):\n        a = rows\n        a.append(1)\n    inner()\nfill()"
    ),
}
for _way, _lines in _CHANGED_IN_A_FUNCTION.items():
    piece(
        f"object changed under {_way}",
        "it is the same object",
        task("return ITEMS", f"ITEMS = []\nNAMES = []\n{_lines}\n"),
    )

piece(
    "object given to a static method that changes it",
    "it is the first argument of the method, and not its own object",
    task(
        "return ITEMS",
        "ITEMS = []\nclass Book:\n    @staticmethod\n    def fill(rows):\n        rows.append(1)\nBook.fill(ITEMS)\n",
    ),
)
piece(
    "method without a name for its object",
    "it takes what comes",
    task("return Book().go()", "class Book:\n    def go(*given):\n        return len(given) + 1\n"),
)
for _way in ("vars(leaf)['f']()", "leaf.__dict__['f']()"):
    piece(
        f"function beside the one that {_way} calls",
        "only one name of the module is read",
        {
            "leaf.py": "def f():\n    return 5\ndef g():\n    return 1\n",
            "tasks.py": task(f"return {_way}", "from . import leaf"),
        },
        "same",
    )
piece(
    "subclasses asked of a class by a method that is kept under a name",
    "they are called",
    {
        "base.py": "class Base:\n    pass\n",
        "more.py": "from .base import Base\nclass More(Base):\n    def go(self):\n        return 1\n",
        "tasks.py": task(
            "ask = Base.__subclasses__\nreturn [c().go() for c in ask()]",
            "from .base import Base\nfrom . import more",
        ),
    },
)
piece(
    "list given to a function that does not change it",
    "the function looks at it only",
    task(
        "return ITEMS", "ITEMS = []\nSEEN = []\ndef look(rows):\n    SEEN.append(len(rows) + 1)\nlook(ITEMS)"
    ),
    "same",
)
piece(
    "subclass of a base whose hook changes nothing",
    "a new class leaves the base as it is",
    {
        "base.py": "class Base:\n    def __init_subclass__(cls, **options):\n        super().__init_subclass__(**options)\n",
        "more.py": "from .base import Base\nclass More(Base):\n    x = 1\n",
        "tasks.py": task("return Base()", "from .base import Base\nfrom . import more"),
    },
    "same",
)

# -- the tasks that a task requires --------------------------------------------------------------------------

piece(
    "method of a required task under its fourth name",
    "its code is called here",
    "import luigi\nclass Up(luigi.Task):\n    def table(self):\n        return 1\n"
    "class T(luigi.Task):\n    def requires(self):\n        return Up()\n"
    "    def run(self):\n        a = self.requires()\n        b = a\n        c = b\n        d = c\n        return d.table()\n",
)
edit(
    "required task beside an object whose method is called",
    "same",
    "what the method belongs to is no requirement",
    "import luigi\nclass Up(luigi.Task):\n    def table(self):\n        return 1\n"
    "class T(luigi.Task):\n    def requires(self):\n        return Up()\n"
    "    def run(self):\n        return (3).bit_length(), self.requires().output()\n",
    "return 1",
    "return 2",
)

edit(
    "required task beside an item out of a list whose method is called",
    "same",
    "the list holds no tasks",
    "import luigi\nclass Up(luigi.Task):\n    def table(self):\n        return 1\n"
    "class T(luigi.Task):\n    def requires(self):\n        return Up()\n"
    "    def run(self):\n        return next(iter([3])).bit_length(), self.requires().output()\n",
    "return 1",
    "return 2",
)

# -- order ---------------------------------------------------------------------------------------------------

case(
    "value that a name has when another one is computed from it",
    "changed",
    "the second value comes before the look",
    task("return Y", "X = 5\nY = X\nX = 6"),
    task("return Y", "X = 5\nX = 6\nY = X"),
)
case(
    "value that a name has when a function looks at it",
    "changed",
    "the second value comes before the look",
    task("return Y", "X = 5\ndef look():\n    return X\nY = look()\nX = 6"),
    task("return Y", "X = 5\ndef look():\n    return X\nX = 6\nY = look()"),
)
case(
    "value that two names have when they are changed in turn",
    "changed",
    "the list is copied before the second change",
    task("return COPY, ROWS", "ROWS = [5]\nCOPY = [*ROWS]\nROWS.append(6)"),
    task("return COPY, ROWS", "ROWS = [5]\nROWS.append(6)\nCOPY = [*ROWS]"),
)
case(
    "two names that nobody changes, in another order",
    "same",
    "neither looks at the other",
    task("return X, Y, Z", "X = [5]\nX.append(6)\nY = 7\nZ = 8"),
    task("return X, Y, Z", "Z = 8\nX = [5]\nY = 7\nX.append(6)"),
)

# -- what is said to type checkers ---------------------------------------------------------------------------

_TWICE = "def twice(f):\n    return lambda: 2 * f()\ndef thrice(f):\n    return lambda: 3 * f()\n"
edit(
    "decorator where typing's final is imported",
    "changed",
    "it is another function",
    task("return leaf()", f"from typing import final\n{_TWICE}@twice\ndef leaf():\n    return 5"),
    "@twice",
    "@thrice",
)
_FINALS = {
    "defines": "@final\ndef leaf():\n    return 5\n",
    "binds": "@final\ndef leaf():\n    return 5\n",
    "has as a parameter": "def wrap(final):\n    @final\n    def inner():\n        return 5\n    return inner\nleaf = wrap(twice)\n",
}
_BOUND = {
    "defines": "def final(f):\n    return lambda: 2 * f()\n",
    "binds": f"{_TWICE}final = twice\n",
    "has as a parameter": _TWICE,
}
for _way, _lines in _FINALS.items():
    edit(
        f"final that the module itself {_way}",
        "changed",
        "it is not typing's",
        task("return leaf()", f"from typing import final\n{_BOUND[_way]}{_lines}"),
        f"{' ' * 4 * ('    @final' in _lines)}@final\n",
        "",
    )
for _module in ("pkg.tools", ".tools", ".typing"):
    edit(
        f"final from {_module}, before another decorator",
        "changed",
        "it is not typing's, and does something",
        {
            f"{_module.rpartition('.')[2]}.py": "def final(f):\n    return lambda: 2 + f()\n",
            "tasks.py": task(
                "return leaf()",
                f"from {_module} import final\n{_TWICE}@final\n@twice\ndef leaf():\n    return 5",
            ),
        },
        "@final\n@twice",
        "@twice\n@final",
    )
edit(
    "cast that the module itself defines",
    "changed",
    "it is not typing's",
    task(
        "return cast(int, 5)",
        "import typing\nfrom typing import cast\ndef cast(kind, value):\n    return kind(value)",
    ),
    "cast(int",
    "cast(float",
)
edit(
    "type of a cast, by typing's name",
    "same",
    "a cast does nothing",
    task("return typing.cast(int, 5)", "import typing"),
    "cast(int",
    "cast(float",
)


# -- annotations and docstrings ------------------------------------------------------------------------------

_DATACLASS = "from dataclasses import dataclass\n@dataclass\nclass Row:\n"
_ROW = "return Row(5).twice()"
edit(
    "type of a local name in a method of a dataclass",
    "same",
    "nobody keeps it",
    task(
        _ROW,
        f"{_DATACLASS}    x: int\n    def twice(self):\n        if self.x:\n            y: int = 2\n        return y * self.x",
    ),
    "y: int",
    "y: float",
)
edit(
    "type of a local name declared in a method of a dataclass",
    "same",
    "nobody keeps it",
    task(
        _ROW,
        f"{_DATACLASS}    x: int\n    def twice(self):\n        y: int\n        y = 2\n        return y * self.x",
    ),
    "y: int",
    "y: float",
)
edit(
    "type of a name, declared in a block of a function",
    "same",
    "nobody keeps it",
    task("return leaf(5)", "def leaf(n):\n    if n:\n        y: int\n        n += 1\n    return n"),
    "        y: int\n",
    "",
)
edit(
    "type of an argument of a static method",
    "same",
    "the decorator does not look at it",
    task("return Book.leaf(5)", "class Book:\n    @staticmethod\n    def leaf(n: int):\n        return n"),
    "n: int",
    "n: float",
)
edit(
    "signature of a method under overload",
    "same",
    "it is for type checkers",
    task(
        "return Book().leaf(5)",
        "from typing import overload\nclass Book:\n    @overload\n    def leaf(self, n: int): ...\n    def leaf(self, n):\n        return n",
    ),
    "    @overload\n    def leaf(self, n: int): ...\n",
    "",
)
edit(
    "field that a dataclass has on a condition",
    "changed",
    "the field is there in either block",
    task("return Row(5)", f"{_DATACLASS}    if True:\n        x: int"),
    "x: int",
    "x: float",
)
edit(
    "field that a dataclass has on a condition, with a default",
    "changed",
    "from dataclass itself: ClassVar is no field",
    task("return Row()", f"from typing import ClassVar\n{_DATACLASS}    if True:\n        x: int = 5"),
    "x: int",
    "x: ClassVar[int]",
)
edit(
    "type of an argument that is asked for",
    "changed",
    "get_type_hints reads it",
    task("return get_type_hints(leaf)", "from typing import get_type_hints\ndef leaf(n: int):\n    return n"),
    "n: int",
    "n: str",
)
edit(
    "text in a loop where docstrings are read",
    "same",
    "it is no docstring",
    task(
        "return leaf.__doc__, leaf(3)",
        'def leaf(n):\n    """Doc."""\n    for i in range(n):\n        "a"\n        n += i\n    return n',
    ),
    '"a"',
    '"b"',
)
edit(
    "docstring of an inner function without anything else, where docstrings are read",
    "changed",
    "it is read",
    task("return leaf().__doc__", 'def leaf():\n    def inner():\n        """Doc."""\n    return inner'),
    "Doc.",
    "Dac.",
)

# -- classes and values that only the run knows --------------------------------------------------------------

_FAR = "import importlib\nfar = importlib.import_module('.'.join(['pkg', 'leaf']))\n"


def _made(given: str, use: str) -> str:
    return (
        f"import luigi\n{_FAR}def make(given):\n    class Made(luigi.Task):\n"
        f"        def run(self):\n            return {use}\n    return Made\nT = make({given})\n"
    )


_LEAVES = {
    "class": ("class Leaf:\n    def go(self):\n        return 1\n", "far.Leaf", "given().go()"),
    "instance": ("class Leaf:\n    def go(self):\n        return 1\n", "far.Leaf()", "given.go()"),
    "member of an enum": (
        "import enum\nclass Leaf(enum.Enum):\n    RED = 5\n    def go(self):\n        return 1\n",
        "far.Leaf.RED",
        "given.go()",
    ),
    "function": ("def leaf():\n    return 1\n", "far.leaf", "given()"),
}
for _kind, (_leaf, _given, _use) in _LEAVES.items():
    piece(
        f"made of: factory with a {_kind} of a module imported by a computed name",
        "its code is called",
        {"leaf.py": _leaf, "tasks.py": _made(_given, _use)},
    )
piece(
    "made of: factory with a function in its cell that calls itself",
    "its code is called",
    "import luigi\ndef make():\n    def down(n):\n        return down(n - n) if n else 1\n"
    "    class Made(luigi.Task):\n        def run(self):\n            return down(3)\n    return Made\nT = make()\n",
)
