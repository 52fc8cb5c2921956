"""Programs without which changes of what follows names went unnoticed (docs/mutation-testing.md)."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import edit, piece, task
from tests.unit.fingerprint.cases.world import installed

_REQUIRES = "import luigi\n{}\nclass T(luigi.Task):\n    def requires(self):\n        {}\n    def run(self):\n        return 3\n"
_LATE = "from .late import Helper, Up\n        return Up(x=Helper.n)"

# -- modules that are read for the first time while names are followed

for _order, _body in (
    ("before", "from . import late\nreturn late.Y, base.X"),
    ("after", "x = base.X\nfrom . import late\nreturn x, late.Y"),
    ("as a whole after", "x = base.X\nfrom . import late\nreturn x, dir(late)"),
):
    piece(
        f"function called in a module imported late that fills a list of another, named {_order}",
        "what is in the list comes from it",
        {
            "base.py": "X = []\n",
            "leaf.py": "def f():\n    return 1\n",
            "late.py": "from . import base, leaf\nbase.X.append(leaf.f())\nY = 5\n",
            "tasks.py": task(_body, "from . import base"),
        },
    )
for _order, _body in (
    ("before", "from . import late\nreturn late.Y, Base.every()"),
    ("after", "x = Base.every()\nfrom . import late\nreturn x, late.Y"),
):
    piece(
        f"subclass in a module imported late, named {_order}",
        "the base asks for its subclasses",
        {
            "base.py": "class Base:\n    @classmethod\n    def every(cls):\n        return [c.n for c in cls.__subclasses__()]\n",
            "late.py": "from .base import Base\nclass More(Base):\n    n = 1\nY = 5\n",
            "tasks.py": task(_body, "from .base import Base"),
        },
    )

for _order, _body in (
    ("before", "from . import late\nreturn late.Y, base.new()"),
    ("after", "x = base.new()\nfrom . import late\nreturn x, late.Y"),
    ("at the top", "return base.new()"),
):
    piece(
        f"name that a module imported late sets in another, named {_order}",
        "it is a function of a third one",
        {
            "base.py": "",
            "leaf.py": "def f():\n    return 1\n",
            "late.py": "from . import base, leaf\nbase.new = leaf.f\nY = 5\n",
            "tasks.py": task(_body, "from . import base" + (", late" if _order == "at the top" else "")),
        },
    )

# -- what is required, in modules that are not loaded

piece(
    "class of its own name in requires",
    "it is no task, though it extends a class of its name",
    _REQUIRES.format(
        "class Up(luigi.Task):\n    x = luigi.Parameter()\nclass Helper:\n    pass\nclass Helper(Helper):\n    n = 1",
        "return Up(x=Helper.n)",
    ),
)
piece(
    "task imported late in requires",
    "its own code is its own affair",
    {
        "late.py": "import luigi\nclass Helper:\n    n = 5\nclass Up(luigi.Task):\n    x = luigi.Parameter()\n    def run(self):\n        return 1\n",
        "tasks.py": _REQUIRES.format("", _LATE),
    },
    "same",
)
piece(
    "task imported late in requires, of a project base",
    "its own code is its own affair",
    {
        "bases.py": "import luigi\nclass Base(luigi.Task):\n    x = luigi.Parameter()\n",
        "late.py": "from .bases import Base\nclass Helper:\n    n = 5\nclass Up(Base):\n    def run(self):\n        return 1\n",
        "tasks.py": _REQUIRES.format("", _LATE),
    },
    "same",
)
piece(
    "class imported late in requires, of a plain base",
    "it is no task",
    {
        "late.py": "import luigi\nclass Base:\n    m = 5\nclass Helper(Base):\n    n = 1\nclass Up(luigi.Task):\n    x = luigi.Parameter()\n",
        "tasks.py": _REQUIRES.format("", _LATE),
    },
)
piece(
    "class imported late in requires, of a standard base",
    "it is no task",
    {
        "late.py": "import luigi\nfrom abc import ABC\nclass Helper(ABC):\n    n = 1\nclass Up(luigi.Task):\n    x = luigi.Parameter()\n",
        "tasks.py": _REQUIRES.format("", _LATE),
    },
)
piece(
    "class imported late in requires, that a task's body changes",
    "it is no task itself",
    {
        "late.py": "import luigi\nclass Helper:\n    n = 1\nclass Up(luigi.Task):\n    x = luigi.Parameter()\n    Helper.m = 3\n",
        "tasks.py": _REQUIRES.format("", _LATE),
    },
)
piece(
    "functions in requires that call each other",
    "what the other one does counts",
    _REQUIRES.format(
        "class Up(luigi.Task):\n    x = luigi.Parameter()\n"
        "def even(n):\n    return n == 0 or odd(n - 3)\ndef odd(n):\n    return n != 0 and even(n - 1)",
        "return Up(x=even(4))",
    ),
)
piece(
    "task that is required where a module is used as a whole",
    "whoever lists a module asks no task",
    {
        "whole.py": "Y = 5\n",
        "tasks.py": "import luigi\nfrom . import whole\nclass Up(luigi.Task):\n    def run(self):\n        return 1\n"
        "class T(luigi.Task):\n    def requires(self):\n        return Up()\n    def run(self):\n        return dir(whole)\n",
    },
    "same",
)

# -- packages

installed(
    "a base class that only the live class tells",
    "changed",
    "import importlib\nimport luigi\nNAME = '_'.join(['dist', 'thirteen'])\n"
    "Base = importlib.import_module(NAME).Base\nclass T(Base, luigi.Task):\n    pass\n",
    "dist_thirteen.py",
    {"../site-packages/dist_thirteen.py": "class Base:\n    pass\n"},
)

# -- annotations of classes: the edit is one of types alone


def typed(label: str, expectation: str, head: str, reason: str) -> None:
    """A case in which an annotation in the class ``C`` becomes another type."""
    edit(f"annotation in {label}", expectation, reason, task("return C", head), "int", "float")


typed("a class of its own name", "same", "class C:\n    pass\nclass C(C):\n    a: int = 3", "nobody reads it")
typed("a class of a plain base", "same", "class B:\n    pass\nclass C(B):\n    a: int = 3", "nobody reads it")
typed(
    "a class of a base that is known by another name",
    "same",
    "class B:\n    pass\nD = B\nclass C(B):\n    a: int = 3",
    "nobody reads it",
)
typed(
    "an abstract class",
    "same",
    "from abc import ABC\nclass C(ABC):\n    a: int = 3",
    "nobody reads it",
)
typed("a class of abc.ABC", "same", "import abc\nclass C(abc.ABC):\n    a: int = 3", "nobody reads it")
typed(
    "a class of the metaclass ABCMeta",
    "same",
    "from abc import ABCMeta\nclass C(metaclass=ABCMeta):\n    a: int = 3",
    "nobody reads it",
)
typed(
    "a class of a metaclass",
    "changed",
    "class Meta(type):\n    def __init__(cls, *a):\n        cls.fields = cls.__dict__['__anno' + 'tations__']\n"
    "class C(metaclass=Meta):\n    a: int = 3",
    "the metaclass may read it",
)
typed(
    "a named tuple",
    "changed",
    "from typing import NamedTuple\nclass C(NamedTuple):\n    a: int = 3",
    "it has them as a dictionary",
)
typed(
    "a class of a named tuple",
    "changed",
    "from typing import NamedTuple\nclass B(NamedTuple):\n    a: int = 3\nclass C(B):\n    b = 3",
    "it has them as a dictionary",
)
typed(
    "a class of an enumeration",
    "changed",
    "from enum import Enum\nclass C(Enum):\n    a: int = 3",
    "what a base of the standard library does is not known",
)
typed(
    "a class of a computed base",
    "changed",
    "def make():\n    class B:\n        def __init_subclass__(cls):\n            cls.fields = vars(cls)['__anno' + 'tations__']\n"
    "    return B\nclass C(make()):\n    a: int = 3",
    "the base may read it",
)
typed(
    "a class of a base with a hook",
    "changed",
    "class B:\n    def __init_subclass__(cls):\n        cls.fields = vars(cls)['__anno' + 'tations__']\n"
    "class C(B):\n    a: int = 3",
    "the hook may read it",
)
typed(
    "a class of a base that is made by a call",
    "changed",
    "from collections import namedtuple\nB = namedtuple('B', 'x')\nclass C(B):\n    a: int = 3",
    "the base may read it",
)
typed(
    "a class in a class, with a decorator",
    "changed",
    "from dataclasses import dataclass\nclass C:\n    @dataclass\n    class D:\n        a: int = 3",
    "the decorator may read it",
)
typed(
    "a class in a class, of a named tuple",
    "changed",
    "from typing import NamedTuple\nclass C:\n    class D(NamedTuple):\n        a: int = 3",
    "it has them as a dictionary",
)
typed(
    "a dataclass",
    "changed",
    "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int = 3",
    "the decorator may read it",
)
typed(
    "a class with a decorator out of a list",
    "changed",
    "from dataclasses import dataclass\nDECORATORS = [dataclass]\n@DECORATORS[0]\nclass C:\n    a: int = 3",
    "the decorator may read it",
)
edit(
    "annotation in a task with decorators of Luigi",
    "same",
    "they read parameters, not annotations",
    "import luigi\nfrom luigi.util import requires\nclass Up(luigi.Task):\n    pass\n"
    "@requires(Up)\nclass T(luigi.Task):\n    a: int = 3\n",
    "int",
    "float",
)

# -- names in disguise

piece(
    "attrgetter with a name that is computed",
    "what else the function does counts",
    task(
        "return attrgetter(N)(leaf())",
        "from operator import attrgetter\nN = 're' + 'al'\ndef leaf():\n    return 1",
    ),
)
piece(
    "import_module with a name that is computed",
    "what else the function does counts",
    task(
        "import_module(N)\nreturn leaf()",
        "from importlib import import_module\nN = 'js' + 'on'\ndef leaf():\n    return 1",
    ),
)
piece(
    "import_module of a name two levels up",
    "the module is in the package above",
    {
        "leaf.py": "X = 1\n",
        "sub/__init__.py": "",
        "sub/a.py": "from importlib import import_module\ndef g():\n    return import_module('..leaf', __package__).X\n",
        "tasks.py": task("return g()", "from .sub.a import g"),
    },
)
piece(
    "item of what a function returns that is called like a name of the module",
    "it is not that name",
    task("return f()['x']", "x = 1\ndef f():\n    return {'x': 3}"),
    "same",
)
piece(
    "item of locals() in a function that is called like a name of the module",
    "it is not that name",
    task("x = 3\nreturn locals()['x']", "x = 1"),
    "same",
)
piece("item of globals()", "it is that name", task("return globals()['x']", "x = 1"))
piece(
    "another name than the item of globals()",
    "nobody uses it",
    task("return globals()['x']", "x = 5\ny = 1"),
    "same",
)
piece(
    "another name than the item of vars() of a module",
    "nobody uses it",
    {"leaf.py": "x = 5\ny = 1\n", "tasks.py": task("return vars(leaf)['x']", "from . import leaf")},
    "same",
)
piece(
    "item of vars() of a module",
    "it is that name",
    {"leaf.py": "x = 1\n", "tasks.py": task("return vars(leaf)['x']", "from . import leaf")},
)

# -- what only the live class tells

piece(
    "class of a factory whose method uses the class",
    "it is looked at once",
    "import luigi\ndef make():\n    class T(luigi.Task):\n        n = 1\n        def run(self):\n            return T.n\n"
    "    return T\nT = make()\n",
)
piece(
    "two functions of a factory that call each other, in a class of it",
    "each is looked at once",
    "import luigi\ndef make():\n    def even(n):\n        return n == 0 or odd(n - 1)\n    def odd(n):\n        return even(n)\n"
    "    class T(luigi.Task):\n        def run(self):\n            return even(4)\n    return T\nT = make()\n",
)
piece(
    "class in a factory, known by another name of the module",
    "the name is changed below",
    "import luigi\ndef make():\n    class K(luigi.Task):\n        pass\n    return K\nT = make()\nT.n = 1\n",
)
piece(
    "class with another name beside it that is changed by that name",
    "they are one class",
    "import luigi\nclass T(luigi.Task):\n    pass\nK = T\nK.n = 1\n",
)
piece(
    "attribute that a hook of a base sets from what no statement tells",
    "only the live class tells",
    "import luigi\nclass Base:\n    def __init_subclass__(cls):\n        cls.n = 1\nclass T(Base, luigi.Task):\n    pass\n",
)
piece(
    "two conditions over a name",
    "they are told in their order",
    task("return X", "import sys\nif sys.maxsize > 5:\n    X = 1\nif sys.maxsize < 5:\n    X = 3"),
)
