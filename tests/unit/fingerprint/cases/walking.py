"""Programs in which the order of the walk over names, or what is remembered of it, might decide."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import case, piece, task
from tests.unit.fingerprint.cases.world import installed

_FILLED = {
    "table.py": "ROWS = []\n",
    "filler.py": "from .table import ROWS\ndef value():\n    return 1\nROWS.append(value())\n",
}
for _read in ("ROWS, late()", "late(), ROWS"):
    piece(
        f"list filled by a module that a function imports late: {_read}",
        "whichever of the two is looked at first",
        {
            **_FILLED,
            "tasks.py": task(
                f"return {_read}",
                "from .table import ROWS\ndef late():\n    return later()\n"
                "def later():\n    from . import filler\n",
            ),
        },
    )
piece(
    "modules that import each other's names by stars, used as a whole through a third",
    "the names of all are there",
    {
        "first.py": "from .one import *\n",
        "one.py": "from .two import *\nA = 3\n",
        "two.py": "from .one import *\nB = 1\n",
        "tasks.py": task("return vars(first)", "from . import first"),
    },
)
installed(
    "whether it is there decides what a name is",
    "changed",
    task("return X", "try:\n    import dist_decides\n    X = 3\nexcept ImportError:\n    X = 4\n"),
    "dist_decides.py",
)

_METHODS = "class C:\n    {0}\n    def a(self=None):\n        return 3\n    {0}\n    def b(self=None):\n        return 4\n"


def _swapped(name: str, expectation: str, reason: str, decorator: str, head: str = "") -> None:
    methods = _METHODS.format(decorator).replace("C:\n", "C:\n    before = 5\n")
    first, second = (part for part in methods.split(f"    {decorator}\n")[1:])
    swapped = methods.replace(first, "?").replace(second, first).replace("?", second)
    run = task("return C.a(), NOTED", "NOTED = []\n" + head + methods)
    case(name, expectation, reason, run, run.replace(methods, swapped))


_swapped("static methods that change places", "same", "each is found by its name", "@staticmethod")
_swapped(
    "methods that are noted in order and change places",
    "changed",
    "the list has them in another order",
    "@note",
    "def note(method):\n    NOTED.append(method.__name__)\n    return method\n",
)

piece(
    "name that every module has, imported from one",
    "it is no code",
    {"other.py": "X = 1\n", "tasks.py": task("from .other import __loader__\nreturn __loader__")},
    "same",
)
