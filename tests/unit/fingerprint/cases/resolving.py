"""Where a name leads: through imports one after the other, modules loaded late, and what others change of it."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import case, edit, piece, task

# -- modules that are loaded when the task runs

piece(
    "object of a late module that changes it itself",
    "run() imports it, so it is not loaded yet",
    {
        "late.py": "N = 1\nITEMS = []\nITEMS.append(N)\n",
        "tasks.py": task("from .late import ITEMS\nreturn ITEMS"),
    },
)
piece(
    "late module that changes another one's object",
    "it does so when run() imports it, also where its names are not used",
    {
        "leaf.py": "ITEMS = []\n",
        "late.py": "from .leaf import ITEMS\nN = 1\nITEMS.append(N)\n",
        "tasks.py": task("from . import late\nreturn leaf.ITEMS", "from . import leaf"),
    },
)
piece(
    "late module that loads one which changes an object",
    "its import imports that one",
    {
        "leaf.py": "ITEMS = []\n",
        "more.py": "from .leaf import ITEMS\nITEMS.append(1)\n",
        "late.py": "from . import more\ndef f():\n    return 3\n",
        "tasks.py": task("from .late import f\nreturn leaf.ITEMS, f()", "from . import leaf"),
    },
)
piece(
    "late module in a package that changes an object",
    "the package is imported first",
    {
        "leaf.py": "ITEMS = []\n",
        "sub/__init__.py": "from ..leaf import ITEMS\nITEMS.append(1)\n",
        "sub/late.py": "def f():\n    return 3\n",
        "tasks.py": task(
            "import pkg.sub.late\nreturn leaf.ITEMS, pkg.sub.late.f()", "from . import leaf\nimport pkg"
        ),
    },
)
piece(
    "late module in a package that changes an object, imported by a call",
    "the package is imported first",
    {
        "leaf.py": "ITEMS = []\n",
        "sub/__init__.py": "from ..leaf import ITEMS\nITEMS.append(1)\n",
        "sub/late.py": "def f():\n    return 3\n",
        "tasks.py": task(
            "return leaf.ITEMS, importlib.import_module('pkg.sub.late').f()",
            "import importlib\nfrom . import leaf",
        ),
    },
)
piece(
    "late module of which another function would load more",
    "nobody calls that function",
    {
        "leaf.py": "ITEMS = []\n",
        "more.py": "from .leaf import ITEMS\nITEMS.append(1)\n",
        "late.py": "def g():\n    from . import more\ndef f():\n    return 3\n",
        "tasks.py": task("from .late import f\nreturn leaf.ITEMS, f()", "from . import leaf"),
    },
    "same",
)
piece(
    "late module in a folder without __init__",
    "it is project code, loaded or not",
    {
        "../space/leaf.py": "def f():\n    return 1\n",
        "tasks.py": task("import space.leaf\nreturn space.leaf.f()"),
    },
)
piece(
    "module in a folder without __init__",
    "it is project code",
    {
        "../space/leaf.py": "def f():\n    return 1\n",
        "tasks.py": task("return space.leaf.f()", "import space.leaf"),
    },
)
piece(
    "plugin loaded by its path under the name of no package",
    "it changes another module's object",
    {
        "leaf.py": "ITEMS = []\n",
        "plugin.py": "from pkg.leaf import ITEMS\nITEMS.append(1)\n",
        "tasks.py": task(
            "return leaf.ITEMS",
            "import importlib.util, pathlib, sys\nfrom . import leaf\n"
            "path = pathlib.Path(__file__).with_name('plugin.py')\n"
            "spec = importlib.util.spec_from_file_location('plugins.more', path)\n"
            "sys.modules['plugins.more'] = importlib.util.module_from_spec(spec)\n"
            "spec.loader.exec_module(sys.modules['plugins.more'])\n",
        ),
    },
)

# -- names imported again

_TWO = {"a.py": "X = 5\n", "b.py": "X = 1\n"}

piece(
    "name imported twice, and looked at by a function in between",
    "the function saw the first one",
    {
        "a.py": "X = 1\n",
        "b.py": "X = 5\n",
        "tasks.py": task(
            "return Y", "from .a import X\ndef look():\n    return X\nY = look()\nfrom .b import X\n"
        ),
    },
)
piece(
    "name imported twice, and read in between",
    "the first one was read",
    {
        "a.py": "X = 1\n",
        "b.py": "X = 5\n",
        "tasks.py": task("return Y", "from .a import X\nY = X\nfrom .b import X\n"),
    },
)
piece(
    "name imported twice, and not read in between",
    "the second one hides the first",
    {
        "a.py": "X = 1\n",
        "b.py": "X = 5\n",
        "tasks.py": task("return X", "from .a import X\nY = 3\nfrom .b import X\n"),
    },
    "same",
)
edit(
    "unused name beside one that is imported twice",
    "same",
    "the statement means the same for the name that is used",
    {
        "a.py": "X = 3\nZ = 4\n",
        "b.py": "X = 5\n",
        "tasks.py": task("return X", "from .a import X\nfrom .b import X\n"),
    },
    "from .b import X",
    "from .b import X as X",
)
piece(
    "star import after an import of the name",
    "the star's wins",
    {**_TWO, "tasks.py": task("return X", "from .a import X\nfrom .b import *")},
)
piece(
    "definition before a star import that brings the name",
    "the star's wins",
    {"b.py": "X = 5\n", "tasks.py": task("return X", "X = 1\nfrom .b import *")},
    "same",
)
piece(
    "definition before a star import under a condition",
    "it may be that one, or the star's",
    {
        "b.py": "X = 5\n",
        "tasks.py": task("return X", "import sys\nX = 1\nif sys.flags.quiet:\n    from .b import *"),
    },
)
piece(
    "star import under a condition",
    "it brings the name",
    {"b.py": "X = 1\n", "tasks.py": task("return X", "import sys\nif sys.maxsize:\n    from .b import *")},
)
piece(
    "name of a star import that is changed in its place",
    "the sum is what is used",
    {"b.py": "X = 5\n", "tasks.py": task("return X", "X = 3\nfrom .b import *\nX += 1")},
)
piece(
    "private name in a module of a star import",
    "a star brings none",
    {"b.py": "_X = 1\n", "tasks.py": task("return _X", "_X = 5\nfrom .b import *")},
    "same",
)
piece(
    "name that __all__ leaves out",
    "a star does not bring it",
    {"b.py": "__all__ = ['Y']\nY = 3\nX = 1\n", "tasks.py": task("return X", "X = 5\nfrom .b import *")},
    "same",
)
piece(
    "star imports in a circle",
    "the name comes round",
    {
        "a.py": "from .b import *\nY = X\n",
        "b.py": "X = 1\nfrom .a import *\n",
        "tasks.py": task("return X", "from .a import *"),
    },
)
piece(
    "short name of a module, bound twice",
    "the second one is used",
    {**_TWO, "tasks.py": task("return short.X", "from . import a, b\nshort = a\nshort = b")},
)

# -- names of modules

piece(
    "name of a module",
    "nothing of what is in it is read",
    {"leaf.py": "X = 1\n", "tasks.py": task("return leaf.__name__", "from . import leaf")},
    "same",
)
edit(
    "annotations of a module",
    "changed",
    "they are read",
    {"leaf.py": "X: int = 5\n", "tasks.py": task("return leaf.__annotations__", "from . import leaf")},
    ": int",
    ": str",
)
piece(
    "object in the place of its module",
    "its class answers",
    {
        "leaf.py": "import sys\nclass Leaf:\n    def __getattr__(self, name):\n        return 1\nsys.modules[__name__] = Leaf()\n",
        "tasks.py": task("return leaf.anything", "from . import leaf"),
    },
)
piece(
    "module given by the __getattr__ of a module",
    "its name is used",
    {
        "leaf.py": "X = 1\n",
        "lazy.py": "import importlib\ndef __getattr__(name):\n    return importlib.import_module('pkg.' + name)\n",
        "tasks.py": task("return lazy.leaf.X", "from . import lazy"),
    },
)
piece(
    "object given by the __getattr__ of a module",
    "its method is called",
    {
        "lazy.py": "class Thing:\n    def go(self):\n        return 1\nTHING = Thing()\ndef __getattr__(name):\n    return THING\n",
        "tasks.py": task("return lazy.any.go()", "from . import lazy"),
    },
)
piece(
    "other name of a module that is reached through sys.modules[__name__]",
    "it is not used",
    {
        "leaf.py": "X = 5\nY = 1\n",
        "tasks.py": task("return sys.modules[__name__].leaf.X", "import sys\nfrom . import leaf"),
    },
    "same",
)
piece(
    "builtin replaced after a look at it",
    "the task calls the new one",
    {
        "zpatch.py": "import builtins\nbuiltins.tidy = lambda rows: 1\n",
        "tasks.py": task("return tidy([3])", "from . import zpatch\nclean = tidy\n"),
    },
)

# -- values bound again

piece(
    "value bound again before it is read",
    "the first one is gone",
    task("return Y", "X = 1\nX = 5\nY = X"),
    "same",
)
piece(
    "value bound again, and something else read in between",
    "the first one is gone",
    task("return X", "Z = 3\nX = 1\nY = Z\nX = 5"),
    "same",
)
piece(
    "value bound again, then changed",
    "the first one is gone",
    task("return X", "X = 1\nX = 5\nX += 3"),
    "same",
)
edit(
    "docstring read before it is bound again",
    "changed",
    "the text was read",
    '"""One."""\nY = __doc__\n__doc__ = "x"\n' + task("return Y"),
    "One",
    "Two",
)
piece(
    "condition on the name of the module",
    "it holds, and is no main guard",
    task("return X", "X = 5\nif __name__ == 'pkg.tasks':\n    X = 1"),
)
edit(
    "overload of a function under a condition",
    "same",
    "it is there for type checkers",
    task(
        "return f(3)",
        "import sys\nfrom typing import overload\n@overload\ndef f(x: int) -> int: ...\n@overload\ndef f(x: bytes) -> bytes: ...\n"
        "if sys.maxsize:\n    def f(x):\n        return x\n",
    ),
    "(x: int) -> int",
    "(x: int, y: int = 3) -> int",
)
piece(
    "function of builtins under another name, given a module's name",
    "it imports nothing",
    {
        "leaf.py": "X = 1\n",
        "tasks.py": task("return size('pkg.leaf')", "from builtins import len as size\nfrom . import leaf"),
    },
    "same",
)

# -- what a call at import changes

piece(
    "function called at import that gives an object to one that changes it",
    "what it is given is changed",
    task(
        "return ITEMS",
        "ITEMS = []\ndef add(items):\n    items.append(1)\ndef fill():\n    add(ITEMS)\nfill()",
    ),
)
piece(
    "function called at import that calls itself",
    "it fills the list",
    task(
        "return ITEMS",
        "ITEMS = []\ndef fill(n):\n    ITEMS.append(1)\n    return fill(n - 3) if n > 0 else n\ndef setup():\n    fill(5)\nsetup()",
    ),
)
piece(
    "object printed at import",
    "print changes nothing",
    task("return ITEMS", "ITEMS = [3]\nprint(ITEMS, 1)"),
    "same",
)
piece(
    "object logged at import",
    "the logger changes nothing",
    task("return ITEMS", "import logging\nITEMS = [3]\nlogging.log(1, ITEMS)"),
    "same",
)
piece(
    "object given to a library whose result is kept",
    "the result is what it is for",
    task("return ITEMS", "import bisect\nITEMS = [3]\nY = bisect.bisect(ITEMS, 1)"),
    "same",
)
piece(
    "call of what a library made",
    "it has nothing that a call changes",
    task("return show", "import functools\nshow = functools.partial(print, 3)\nshow(1)"),
    "same",
)
piece(
    "three names of one list, changed under the last",
    "they are one list",
    task("return FIRST", "FIRST = SECOND = THIRD = []\nTHIRD.append(1)"),
)
for _label, _call, _expectation in (
    ("a library that calls it", "import functools\nfunctools.reduce(fill, (3, 4))", "changed"),
    ("a library that does not call it", "import inspect\ninspect.isfunction(fill)", "same"),
    ("a function that calls it", "def twice(f):\n    f(3, 3)\n    f(4, 4)\ntwice(fill)", "changed"),
):
    piece(
        f"function that fills a list, given to {_label}",
        "what is called runs",
        task("return ITEMS", f"ITEMS = []\ndef fill(x, y):\n    ITEMS.append(1)\n{_call}\n"),
        _expectation,
    )
piece(
    "subclass of a subclass that changes the first base",
    "__init_subclass__ of the base runs for it",
    {
        "root.py": "class Root:\n    names = []\n    def __init_subclass__(cls):\n        cls.names.append(cls.key)\n",
        "mid.py": "from .root import Root\nclass Mid(Root):\n    key = 3\n",
        "low.py": "from .mid import Mid\nclass Low(Mid):\n    key = 1\n",
        "tasks.py": task("return Root.names", "from .root import Root\nfrom . import low"),
    },
)
piece(
    "class that takes the name of its base, and its subclasses",
    "__init_subclass__ runs for each",
    {
        "root.py": "class Root:\n    names = []\n    def __init_subclass__(cls):\n        cls.names.append(cls.key)\n",
        "mid.py": "from .root import Root\nclass Root(Root):\n    key = 3\nclass Mid(Root):\n    key = 4\nclass Low(Mid):\n    key = 1\n",
        "tasks.py": task("return Root.names", "from .root import Root\nfrom . import mid"),
    },
)
piece(
    "subclass of a subclass, asked for by a base",
    "it is one of the classes that are called",
    {
        "base.py": "class Base:\n    @classmethod\n    def every(cls):\n        return [v for c in cls.__subclasses__() for v in (c.key, *c.every())]\n",
        "mid.py": "from .base import Base\nclass Mid(Base):\n    key = 3\n",
        "low.py": "from .mid import Mid\nclass Low(Mid):\n    key = 1\n",
        "tasks.py": task("return Base.every()", "from .base import Base\nfrom . import low"),
    },
)
for _label, _bases, _hook in (
    ("type", "type", "__init__"),
    ("a class that is called a metaclass", "abc.ABCMeta", "__init__"),
    ("type, without a hook", "type", "see"),
):
    piece(
        f"class registered by a metaclass that derives from {_label}",
        "its definition fills the list" if _hook == "__init__" else "its definition does nothing",
        {
            "meta.py": f"import abc\nclass Register({_bases}):\n    names = []\n"
            f"    def {_hook}(cls, *args):\n        cls.names.append(args)\nclass Base(metaclass=Register):\n    pass\n",
            "more.py": "from .meta import Base\nclass More(Base):\n    x = 1\n",
            "tasks.py": task("return Base.names", "from .meta import Base\nfrom . import more"),
        },
        "changed" if _hook == "__init__" else "same",
    )

# -- sessions

case(
    "session with a list called In",
    "changed",
    "it is the user's own, and holds no cells",
    {
        "../shell.py": "import luigi\n# %%\nIn = [3]\n# %%\nX = 5\n# %%\nclass T(luigi.Task):\n    def run(self):\n        return X\n"
    },
    {
        "../shell.py": "import luigi\n# %%\nIn = [3]\n# %%\nX = 6\n# %%\nclass T(luigi.Task):\n    def run(self):\n        return X\n"
    },
    "prompt shell.py:T",
)
