"""Where code lies, and when it ran: cells that are run again, stars of modules used as a whole, decorators and casts."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import case, edit, piece, task
from tests.unit.fingerprint.cases.world import installed

# -- cells that bind a name again ----------------------------------------------------------------------------


def again(name: str, reason: str, cells: list[str], result: str, expectation: str = "changed") -> None:
    """A case in a notebook and at a prompt: in *cells*, above a task that returns *result*, a 1 becomes a 2."""
    text = "# %%\n".join(["import luigi\n", *cells, _task(result)])
    assert text.count("1") == 1, name
    for kind in ("cells", "prompt"):
        case(f"{kind}: {name}", expectation, reason, text, text.replace("1", "2"), f"{kind} pkg/tasks.py:T")


def twice(name: str, reason: str, cells: list[str], result: str) -> None:
    """A case whose edit is to run all cells once more: *cells*, a task that returns *result*, and its run."""
    texts = ["import luigi\n", *cells, _task(result), "task = T()\n", "task.run()\n"]
    once = "# %%\n".join(texts)
    case(f"cells: {name}, twice", "same", reason, once, f"{once}# %%\n{once}", "cells pkg/tasks.py:T")


def _task(result: str) -> str:
    return f"class T(luigi.Task):\n    def run(self):\n        return {result}\n"


_FIVE = "def f():\n    return 5\n"
_ONE = "def f():\n    return 1\n"

again(
    "name that is bound to more of itself", "the first value is in the last", ["X = 1\n", "X = X + 5\n"], "X"
)
again(
    "name that is bound to what a function makes of it",
    "the first value is in the last",
    ["X = 1\n", "def more():\n    return X + 5\n", "X = more()\n"],
    "X",
)
again("function that made a value", "the value is still there", [_ONE, "X = f()\n", _FIVE], "X")
again("value that went into another", "the other is still there", ["X = 1\n", "Y = X\n", "X = 5\n"], "Y")
again(
    "value that went into another through a third",
    "the last one is still there",
    ["X = 1\n", "Y = X\n", "X = 5\n", "Z = Y\n", "Y = 5\n"],
    "Z",
)
again(
    "value that is a default",
    "the function holds it",
    ["X = 1\n", "def g(n=X):\n    return n\n", "X = 5\n"],
    "g()",
)
again(
    "function that filled a list",
    "the list holds what it gave",
    ["ROWS = []\n", "def f():\n    ROWS.append(1)\n", "f()\n", "def f():\n    ROWS.append(5)\n"],
    "ROWS",
)
again(
    "function whose result is in a list",
    "the list holds it",
    ["ROWS = []\n", _ONE, "ROWS.append(f())\n", _FIVE],
    "ROWS",
)
again(
    "function whose result another module holds",
    "nobody takes it out again",
    ["import os\n", "def f():\n    return '1'\n", "os.environ['PLACE'] = f()\n", _FIVE],
    "os.environ['PLACE']",
)
again("function that eval called", "the value is still there", [_ONE, "X = eval('f()')\n", _FIVE], "X")
again("function that was tried", "nothing of it is left", [_ONE, "f()\n", _FIVE], "f()", "same")
again(
    "function whose value is made again",
    "the first value is gone",
    [_ONE, "rows = [f()]\n", "rows\n", _FIVE, "rows = [f()]\n"],
    "rows",
    "same",
)
again(
    "value that went into another one that is gone",
    "nothing of it is left",
    ["X = 1\n", "Y = X\n", "X = 5\n", "Y = X\n"],
    "Y",
    "same",
)
again(
    "value that went into another one that is made anew at once",
    "nothing of it is left",
    ["X = 1\n", "Y = X\n", "Y = 5\n", "X = 5\n"],
    "X + Y",
    "same",
)
twice("a function and its value", "nothing is another", [_FIVE, "X = f()\n", "Y = X\n"], "Y + f()")
twice("a name that is bound to more of itself", "it begins anew", ["X = 3\n", "X = X + 5\n"], "X")
twice(
    "a list that is filled", "it is a new one", ["ROWS = []\n", _FIVE, "ROWS.append(f())\n", "ROWS\n"], "ROWS"
)
twice(
    "a list that a loop fills",
    "it is a new one, and nobody builds on the variable of a loop",
    ["ROWS = []\n", _FIVE, "for i in range(3):\n    ROWS.append(f())\n"],
    "ROWS",
)

# -- stars of a module that is used as a whole -----------------------------------------------------------------

_BY_NAME = task("return getattr(whole, self.name)()", "from . import whole")
_LEAF = {"leaf.py": "def f():\n    return 1\n", "whole.py": "from .leaf import *\n"}

piece("star of a module used by computed names", "it may be any of them", {**_LEAF, "tasks.py": _BY_NAME})
piece(
    "star of a star of a module used by computed names",
    "it passes them on",
    {
        **_LEAF,
        "between.py": "from .leaf import *\n",
        "whole.py": "from .between import *\n",
        "tasks.py": _BY_NAME,
    },
)
piece(
    "stars in a circle of a module used by computed names",
    "they pass on all the same",
    {
        **_LEAF,
        "leaf.py": "from .other import *\ndef f():\n    return 1\n",
        "other.py": "from .leaf import *\n",
        "tasks.py": _BY_NAME,
    },
)
piece(
    "star of a module given to a function",
    "what it does with it is its own affair",
    {**_LEAF, "tasks.py": task("return use(whole)", "from . import whole\ndef use(m):\n    return m.f()")},
)
piece(
    "star of a module that evaluates text",
    "the names are there",
    {**_LEAF, "tasks.py": task("return eval(self.name)()", "from .leaf import *")},
)
piece(
    "private name of a module of a star",
    "the star does not bring it",
    {**_LEAF, "leaf.py": "def f():\n    return 5\ndef _g():\n    return 1\n", "tasks.py": _BY_NAME},
    "same",
)
piece(
    "name of a module of a star that is defined anew",
    "the star's is hidden",
    {**_LEAF, "whole.py": "from .leaf import *\ndef f():\n    return 5\n", "tasks.py": _BY_NAME},
    "same",
)
installed(
    "star of a module used by computed names",
    "changed",
    _BY_NAME,
    "dist_starred.py",
    {"whole.py": "from dist_starred import *\n"},
)

# -- decorators and casts -------------------------------------------------------------------------------------

edit(
    "what luisy.declares says",
    "same",
    "it counts in a part of the key of its own",
    {"tasks.py": task("return 3", "import luisy\n@luisy.declares(version='31')").replace(")\n\n", ")\n")},
    "31",
    "32",
)
edit(
    "what a decorator of that name says",
    "changed",
    "it is not luisy's",
    task(
        "return g()",
        "def declares(n):\n    return lambda g: lambda: n\n@declares(31)\ndef g():\n    return 5",
    ),
    "(31)",
    "(32)",
)
piece(
    "decorator of that name that is not called",
    "it is not luisy's",
    task("return g()", "def declares(g):\n    return lambda: 1\n@declares\ndef g():\n    return 5"),
)
edit(
    "which parameter is cast",
    "changed",
    "the value counts, if not its type",
    task("return g(3, 4)", "from typing import cast\ndef g(x, y):\n    return cast(int, x)"),
    "int, x)",
    "int, y)",
)

# -- what only type checkers run ------------------------------------------------------------------------------

piece(
    "value for type checkers of a name that has one",
    "only they see it",
    task("return X", "from typing import TYPE_CHECKING\nX = 5\nif TYPE_CHECKING:\n    X = 1"),
    "same",
)
piece(
    "import for type checkers of a name that is defined",
    "only they see it",
    {
        "leaf.py": "def f():\n    return 1\n",
        "tasks.py": task(
            "return f()",
            "import typing\ndef f():\n    return 5\nif typing.TYPE_CHECKING:\n    from .leaf import f",
        ),
    },
    "same",
)

# -- imports in the body of a class ---------------------------------------------------------------------------

for _how, _lines in {
    "a class": "from .leaf import Limits\n    Limits.x = 1",
    "a class of a module": "from . import leaf\n    leaf.Limits.x = 1",
    "a class under another name": "from .leaf import Limits as L\n    L.x = 1",
    "a list": "from .leaf import ROWS\n    ROWS.append(1)",
    "what a function fills": "from .leaf import fill\n    fill(1)",
}.items():
    piece(
        f"body of a class changes {_how} that it imports",
        "the body runs when its module is loaded",
        {
            "leaf.py": "ROWS = []\nclass Limits:\n    x = 0\ndef fill(row):\n    ROWS.append(row)\n",
            "setup.py": f"class Setting:\n    {_lines}\n",
            "tasks.py": task("return ROWS, Limits.x", "from . import setup\nfrom .leaf import ROWS, Limits"),
        },
    )
piece(
    "name that the body of a class binds to something else after its import",
    "what is changed is not what was imported",
    {
        "leaf.py": "ROWS = []\n",
        "setup.py": "class Setting:\n    from .leaf import ROWS\n    ROWS = []\n    ROWS.append(1)\n",
        "tasks.py": task("return ROWS", "from . import setup\nfrom .leaf import ROWS"),
    },
    "same",
)
