"""Programs without which small changes of the fingerprint's own code went unnoticed (docs/mutation-testing.md)."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import edit, piece, task

piece(
    "a module that only passes through a module used as a whole",
    "it is not used by being there",
    {
        "other.py": "X = 1\n",
        "whole.py": "from . import other\nY = 5\n",
        "tasks.py": task("return dir(whole)", "from . import whole"),
    },
    "same",
)
piece(
    "a function given to one that does not call it",
    "what it would do is not done",
    task(
        "return ITEMS",
        "ITEMS = []\nNAMES = []\n"
        "def note(function):\n    NAMES.append(function.__name__)\n"
        "def fill():\n    ITEMS.append(1)\n"
        "note(fill)\n",
    ),
    "same",
)
piece(
    "default of getattr on a module",
    "the module has no such name",
    {
        "leaf.py": "",
        "tasks.py": task("return getattr(leaf, 'absent', DEFAULT)", "from . import leaf\nDEFAULT = 1"),
    },
)
piece(
    "object changed under the name that with gives it",
    "it is the same object",
    task(
        "return HOLDER.rows",
        "class Holder:\n    def __enter__(self):\n        return self\n    def __exit__(self, *_):\n        pass\n"
        "HOLDER = Holder()\n"
        "def fill():\n    with HOLDER as held:\n        held.rows = [1]\n"
        "fill()\n",
    ),
)
piece(
    "subclasses asked of cls",
    "a class method of the base calls them",
    {
        "base.py": "class Base:\n    @classmethod\n    def every(cls):\n        return [c().go() for c in cls.__subclasses__()]\n",
        "more.py": "from .base import Base\nclass More(Base):\n    def go(self):\n        return 1\n",
        "tasks.py": task("return Base.every()", "from .base import Base\nfrom . import more"),
    },
)
piece(
    "name that a called function looks at before it is bound again",
    "the function saw the first value",
    task("return Y", "X = 1\ndef look():\n    return X\nY = look()\nX = 5"),
)
piece(
    "key and value of a dict made by a comprehension",
    "functions that they call",
    task("return {n: leaf(n) for n in (3,)}", "def leaf(n):\n    return 1"),
)
piece(
    "another subclass of a base whose __init__ fills an attribute",
    "it is nobody's subclass here",
    {
        "base.py": "class Base:\n    def __init__(self):\n        self.items = {}\n        self.items['a'] = 3\n",
        "more.py": "from .base import Base\nclass More(Base):\n    x = 1\n",
        "tasks.py": task("return Base()", "from .base import Base\nfrom . import more"),
    },
    "same",
)
piece(
    "main block that binds a used name again",
    "the module is imported, so it does not run",
    task("return X", "X = 5\nif __name__ == '__main__':\n    X = 1"),
    "same",
)
edit(
    "type of an attribute below a plain base",
    "same",
    "nobody reads the annotations of the class",
    task("return Low.a", "class Base:\n    b = 3\nclass Low(Base):\n    a: int = 5"),
    "a: int",
    "a: str",
)
piece(
    "method of a task out of a list of the requirements",
    "its code is called here",
    "import luigi\nclass Up(luigi.Task):\n    def table(self):\n        return 1\n"
    "class T(luigi.Task):\n    def requires(self):\n        return [Up()]\n"
    "    def run(self):\n        return list(self.requires())[0].table()\n",
)
piece(
    "method of a task out of the values of the requirements",
    "its code is called here",
    "import luigi\nclass Up(luigi.Task):\n    def table(self):\n        return 1\n"
    "class T(luigi.Task):\n    def requires(self):\n        return {'up': Up()}\n"
    "    def run(self):\n        return [up.table() for up in self.requires().values()]\n",
)
edit(
    "type of an argument where docstrings are read",
    "same",
    "nobody reads the annotations",
    task("return leaf.__doc__, leaf(3)", 'def leaf(n: int):\n    """Doc."""\n    return n'),
    "n: int",
    "n: str",
)
piece(
    "task class in another generator than run",
    "what it yields is data, no dependency",
    task(
        "return list(rows())",
        "class Up(luigi.Task):\n    @staticmethod\n    def table():\n        return 1\ndef rows():\n    yield Up.table()\n",
    ),
)
piece(
    "call of a used function at import",
    "a function has nothing that a call of it changes",
    task("return note(3)", "def note(x):\n    return x\nnote(1)\n"),
    "same",
)
piece(
    "function of a submodule, and one of that name in the package",
    "the submodule's is called",
    {
        "__init__.py": "from .other import f\n",
        "other.py": "def f():\n    return 5\n",
        "sub.py": "def f():\n    return 1\n",
        "tasks.py": task("return pkg.sub.f()", "import pkg.sub"),
    },
)
piece(
    "object that is given a method between two calls of its methods",
    "the later call fills the list",
    task(
        "return ROWS",
        "class Book:\n    def note(self, rows):\n        return len(rows)\n"
        "book = Book()\nROWS = []\nbook.note([0])\nbook.note(ROWS)\nbook.fill = lambda rows: rows.append(1)\nbook.fill(ROWS)\n",
    ),
)
