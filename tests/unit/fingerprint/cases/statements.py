"""What one statement does with names, where a small change of the walk through it went unnoticed."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import edit, piece, task

piece(
    "condition of a comprehension",
    "a function that it calls",
    task("return [n for n in (3, 4) if keep(n)]", "def keep(n):\n    return n > 1"),
)
piece(
    "iterable of a second loop in a comprehension",
    "a function that it calls",
    task("return [m for n in (3,) for m in leaf(n)]", "def leaf(n):\n    return [n, 1]"),
)
piece(
    "annotation in quotes that is read",
    "it stands for the class",
    task(
        "return typing.get_type_hints(leaf)['n'].x",
        "import typing\nclass Kind:\n    x = 1\ndef leaf(n: 'Kind'):\n    return n",
    ),
)
edit(
    "annotations asked for by a text",
    "changed",
    "the text is the name of the attribute",
    task("return sorted(vars(Row).get('__annotations__', {}))", "class Row:\n    a: int"),
    "a: int",
    "b: int",
)
piece(
    "globals under another name",
    "any name of the module may be looked up",
    task("return names()['X']", "X = 1\nnames = globals"),
)
piece(
    "item of globals() in a function",
    "a name in disguise",
    task("return globals()['X']", "X = 1"),
)
piece(
    "item of globals() set in a function",
    "a name in disguise",
    task("return X", "X = 3\ndef fill():\n    globals()['X'] = 1\nfill()"),
)
piece(
    "subclasses asked by a method that is kept",
    "who has it may call it",
    {
        "base.py": "class Base:\n    pass\nask = Base.__subclasses__\n",
        "more.py": "from .base import Base\nclass More(Base):\n    def go(self):\n        return 1\n",
        "tasks.py": task("return [c().go() for c in ask()]", "from .base import ask\nfrom . import more"),
    },
)
piece("two names of one list in one statement", "it is one list", task("return A", "A = B = []\nB.append(1)"))
piece(
    "another name of a list, with an annotation",
    "it is one list",
    task("return A", "A = []\nB: list = A\nB.append(1)"),
)
piece(
    "setattr of what a tuple holds",
    "what it sets is not known",
    task("return A.x", "class A:\n    x = 3\nSET = (A, 'x', 1)\nsetattr(*SET)"),
)
piece(
    "list handed on to a function that fills it",
    "it changes through two parameters",
    task(
        "return ITEMS",
        "ITEMS = []\ndef put(items):\n    items.append(1)\ndef fill(items):\n    put(items)\nfill(ITEMS)",
    ),
)
piece(
    "function that only prints what it is given",
    "it changes nothing",
    task("return ITEMS", "ITEMS = [3]\ndef show(items):\n    print(items, 1)\nshow(ITEMS)"),
    "same",
)
piece(
    "function given to one that calls it",
    "what it does is done",
    task(
        "return ITEMS",
        "ITEMS = []\ndef go(function):\n    function()\ndef fill():\n    ITEMS.append(1)\ngo(fill)",
    ),
)
piece(
    "function called out of a dict of another module",
    "what it does is done",
    {
        "table.py": "from .items import ITEMS\ndef fill():\n    ITEMS.append(1)\nTABLE = {'a': fill}\n",
        "items.py": "ITEMS = []\n",
        "tasks.py": task("return ITEMS", "from .items import ITEMS\nfrom .table import TABLE\nTABLE['a']()"),
    },
)
piece(
    "decorator that is a method of a library's object",
    "the object keeps the function",
    task(
        "return DISPATCH.funcs['leaf']()",
        "from xmlrpc.server import SimpleXMLRPCDispatcher\nDISPATCH = SimpleXMLRPCDispatcher()\n"
        "@DISPATCH.register_function\ndef leaf():\n    return 1",
    ),
)
piece(
    "method whose result is kept",
    "it also changes the object",
    task(
        "return BOX.items",
        "class Box:\n    def __init__(self):\n        self.items = []\n"
        "    def put(self, n):\n        self.items = [n]\n        return n\nBOX = Box()\nFIRST = BOX.put(1)",
    ),
)
piece(
    "dict that is only asked",
    "get changes nothing",
    task("return TABLE", "TABLE = {3: 4}\nN = TABLE.get(1)"),
    "same",
)
piece(
    "name bound by a match of the module",
    "the statement binds it",
    task("return X", "match 1:\n    case X:\n        pass"),
)
piece(
    "default of a keyword-only parameter",
    "a function that it calls",
    task("return leaf()", "def base():\n    return 1\ndef leaf(*, n=base()):\n    return n"),
)
piece(
    "mutating method of a list that is handed over",
    "who has it calls it",
    task("return ITEMS", "ITEMS = []\nlist(map(ITEMS.append, [1]))"),
)
piece(
    "global rebound by a function that is called",
    "the last value counts",
    task("return X", "X = 3\ndef fill():\n    global X\n    X = 1\nfill()"),
)
piece(
    "method of a requirement that is handed to a function",
    "the function calls it",
    "import luigi\nclass Up(luigi.Task):\n    def table(self):\n        return 1\n"
    "def total(up):\n    return up.table()\n"
    "class T(luigi.Task):\n    def requires(self):\n        return Up()\n"
    "    def run(self):\n        return total(self.requires())\n",
)
piece(
    "requirements that Luigi's flatten is given",
    "it calls no method of theirs",
    "import luigi\nclass Up(luigi.Task):\n    def table(self):\n        return 1\n"
    "class T(luigi.Task):\n    def requires(self):\n        return [Up()]\n"
    "    def run(self):\n        return [up.task_id for up in luigi.task.flatten(self.requires())]\n",
    "same",
)
piece(
    "type of a result in front of an own decorator",
    "the decorator asks for it",
    task(
        "return leaf()",
        "import typing\nclass Kind:\n    x = 1\n"
        "def typed(function):\n    return lambda: typing.get_type_hints(function)['return'].x\n"
        "@typed\ndef leaf() -> Kind:\n    pass",
    ),
)
piece(
    "parameter called like its type, in front of an own decorator",
    "the type is the module's",
    task(
        "return leaf()",
        "import typing\nclass Kind:\n    x = 1\n"
        "def typed(function):\n    return lambda: typing.get_type_hints(function)['Kind'].x\n"
        "@typed\ndef leaf(Kind: Kind):\n    pass",
    ),
)
piece(
    "parameter called like its type",
    "the type is the module's",
    task(
        "return typing.get_type_hints(leaf)['Kind'].x",
        "import typing\nclass Kind:\n    x = 1\ndef leaf(Kind: Kind):\n    pass",
    ),
)
edit(
    "type hints asked for by a bare name",
    "changed",
    "the function reads the annotations of what it is given",
    task("return sorted(get_type_hints(Row))", "from typing import get_type_hints\nclass Row:\n    a: int"),
    "a: int",
    "b: int",
)
edit(
    "type hints asked for by a function that is handed over",
    "changed",
    "whoever has it calls it",
    task(
        "return [sorted(found) for found in map(get_type_hints, [Row])]",
        "from typing import get_type_hints\nclass Row:\n    a: int",
    ),
    "a: int",
    "b: int",
)
piece(
    "mutating method handed over by a function that is called",
    "who has it calls it",
    task("return ITEMS", "ITEMS = []\ndef fill():\n    list(map(ITEMS.append, [1]))\nfill()"),
)
piece(
    "own module handed to a function",
    "any of its names may be asked for",
    task(
        "return look(sys.modules[__name__])",
        "import sys\nX = 1\ndef look(module):\n    return module.X",
    ),
)
piece(
    "library's object whose method gives a result",
    "it also changes the object",
    task("return RNG.random()", "import random\nRNG = random.Random(3)\nFIRST = RNG.randrange(1)"),
)
piece(
    "library that keeps a decorated function",
    "its state holds the function",
    task("return codecs.lookup('own')", "import codecs\n@codecs.register\ndef leaf(name):\n    return 1"),
)
piece(
    "library that one statement changes and asks",
    "what changes it for sure counts",
    task(
        "return random.random()",
        "import random\nfor _ in (3,):\n    random.seed(1)\n    FIRST = random.random()",
    ),
)
