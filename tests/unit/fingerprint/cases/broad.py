"""What the design lists, one thing a case."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import case, edit, task

# -- imports -----------------------------------------------------------------------------------------------

HELPERS = {"helpers.py": "LIMIT = 1\n\ndef f():\n    return LIMIT\n\ndef g():\n    return 7\n"}
for label, head, body in [
    ("relative", "from .helpers import f", "return f()"),
    ("absolute", "from pkg.helpers import f", "return f()"),
    ("aliased", "from pkg.helpers import f as other", "return other()"),
    ("module", "from . import helpers", "return helpers.f()"),
    ("module-aliased", "from . import helpers as h", "return h.f()"),
    ("dotted", "import pkg.helpers", "return pkg.helpers.f()"),
    ("dotted-aliased", "import pkg.helpers as h", "return h.f()"),
    ("star", "from .helpers import *", "return f()"),
    (
        "conditional",
        "import sys\nif sys.maxsize:\n    from .helpers import f\nelse:\n    f = None",
        "return f()",
    ),
    ("try", "try:\n    from .helpers import f\nexcept ImportError:\n    f = None", "return f()"),
    ("try-module", "try:\n    from . import helpers as h\nexcept ImportError:\n    h = None", "return h.f()"),
    ("local", "", "from .helpers import f\nreturn f()"),
    ("local-absolute", "", "from pkg.helpers import f\nreturn f()"),
    ("local-module", "", "import pkg.helpers as h\nreturn h.f()"),
    ("local-dotted", "", "import pkg.helpers\nreturn pkg.helpers.f()"),
    ("import-module", "import importlib", 'return importlib.import_module("pkg.helpers").f()'),
    ("dunder-import", "", 'return __import__("pkg.helpers").helpers.f()'),
    ("assigned-module", "from . import helpers\nh = helpers", "return h.f()"),
    ("getattr-module", "from . import helpers", 'return getattr(helpers, "f")()'),
    ("getattr-computed", "from . import helpers", 'return getattr(helpers, "F".lower())()'),
    ("module-passed-on", "from . import helpers", "return print(helpers)"),
]:
    files = {**HELPERS, "tasks.py": task(body, head)}
    edit(
        f"import-{label}-function",
        "changed",
        "the imported function is used",
        files,
        "return LIMIT",
        "return -LIMIT",
    )
    edit(
        f"import-{label}-constant",
        "changed",
        "a constant of the used function",
        files,
        "LIMIT = 1",
        "LIMIT = 2",
    )
    if label not in {
        "import-module",
        "dunder-import",
        "getattr-computed",
        "module-passed-on",
        "try-module",
        "assigned-module",
    }:
        edit(f"import-{label}-unused", "same", "g is not used", files, "return 7", "return 8")

REEXPORT = {
    "lib/__init__.py": "from .impl import f\n",
    "lib/impl.py": "def f():\n    return 1\n\ndef g():\n    return 2\n",
    "tasks.py": task("return f()", "from .lib import f"),
}
edit("import-reexported", "changed", "reached through the package", REEXPORT, "return 1", "return 3")
edit("import-reexported-unused", "same", "g is not used", REEXPORT, "return 2", "return 3")
edit(
    "import-reexport-bypassed",
    "same",
    "the same function by a shorter way",
    REEXPORT,
    "from .lib import f",
    "from .lib.impl import f",
)
edit(
    "import-reexport-elsewhere",
    "changed",
    "another function under the name",
    REEXPORT,
    "from .impl import f",
    "from .impl import g as f",
)
STAR = {
    "lib/__init__.py": "from .impl import *\n",
    "lib/impl.py": "__all__ = ['f']\n\ndef f():\n    return 1\n\ndef g():\n    return 2\n",
    "tasks.py": task("return f()", "from .lib import *"),
}
edit("import-star-star", "changed", "through two stars", STAR, "return 1", "return 3")
edit("import-star-star-unused", "same", "not used", STAR, "return 2", "return 3")
CIRCULAR = {
    "a.py": "from . import b\n\ndef f(n):\n    return b.g(n - 1)\n",
    "b.py": "from . import a\n\ndef g(n):\n    return a.f(n) if n else 10\n",
    "tasks.py": task("return f(3)", "from .a import f"),
}
edit("import-circular", "changed", "the far side of a circle", CIRCULAR, "10", "11")
SHADOW = {
    "statistics.py": "def mean(x):\n    return 1\n",
    "tasks.py": task("return mean([])", "from .statistics import mean"),
}
edit("import-named-like-stdlib", "changed", "an own module", SHADOW, "return 1", "return 2")
CHAIN = {
    "lib/__init__.py": "",
    "lib/deep/__init__.py": "from . import leaf\n",
    "lib/deep/leaf.py": "def f():\n    return 1\n",
    "tasks.py": task("return lib.deep.leaf.f()", "from . import lib\nimport pkg.lib.deep.leaf"),
}
edit("import-attribute-chain", "changed", "through three modules", CHAIN, "return 1", "return 2")
edit(
    "import-swap",
    "changed",
    "the names trade places",
    {**HELPERS, "tasks.py": task("return f() - g()", "from .helpers import f, g")},
    "import f, g",
    "import f as g, g as f",
)
edit(
    "import-style",
    "same",
    "absolute for relative",
    {**HELPERS, "tasks.py": task("return f()", "from .helpers import f")},
    "from .helpers",
    "from pkg.helpers",
)
edit(
    "import-local-style",
    "same",
    "absolute for relative",
    {**HELPERS, "tasks.py": task("from .helpers import f\nreturn f()")},
    "from .helpers",
    "from pkg.helpers",
)
edit(
    "import-unused-added",
    "same",
    "an unused import",
    {**HELPERS, "tasks.py": task("return 1", "import os\n")},
    "import os",
    "import os\nfrom .helpers import g",
)
edit(
    "import-stdlib-other",
    "changed",
    "another function of the library",
    task("return f('1')", "from json import loads as f"),
    "loads as f",
    "dumps as f",
)
edit(
    "import-type-checking",
    "same",
    "type-only",
    {
        **HELPERS,
        "tasks.py": task(
            "return 1", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .helpers import f"
        ),
    },
    "import f",
    "import g",
)
edit(
    "import-module-getattr",
    "changed",
    "PEP 562",
    {
        "dyn.py": "def __getattr__(name):\n    return 1\n",
        "tasks.py": task("return dyn.anything", "from . import dyn"),
    },
    "return 1",
    "return 2",
)
edit(
    "import-namespace-package",
    "changed",
    "no __init__.py",
    {"ns/leaf.py": "def f():\n    return 1\n", "tasks.py": task("return f()", "from .ns.leaf import f")},
    "return 1",
    "return 2",
)

# -- functions and methods ---------------------------------------------------------------------------------

for label, definition, use in [
    ("plain", "def f():\n    return 1", "f()"),
    ("default", "def f(x=1):\n    return x", "f()"),
    ("keyword-default", "def f(*, x=1):\n    return x", "f()"),
    ("lambda", "f = lambda: 1", "f()"),
    ("async", "async def f():\n    return 1", "f()"),
    ("generator", "def f():\n    yield 1", "f()"),
    ("nested", "def f():\n    def inner():\n        return 1\n    return inner()", "f()"),
    ("recursive", "def f(n):\n    return f(n - 1) if n else 1", "f(3)"),
    ("match", "def f(x):\n    match x:\n        case 1:\n            return 5", "f(4)"),
    ("walrus", "def f():\n    return (y := 1)", "f()"),
    (
        "conditional",
        "import sys\nif sys.maxsize:\n    def f():\n        return 1\nelse:\n    def f():\n        return 3",
        "f()",
    ),
    ("f-string", "def f():\n    return f'{0}a1'", "f()"),
    ("method", "class C:\n    def m(self):\n        return 1", "C().m()"),
    ("staticmethod", "class C:\n    @staticmethod\n    def m():\n        return 1", "C.m()"),
    ("classmethod", "class C:\n    @classmethod\n    def m(cls):\n        return 1", "C.m()"),
    ("property", "class C:\n    @property\n    def m(self):\n        return 1", "C().m"),
    ("dunder", "class C:\n    def __call__(self):\n        return 1", "C()()"),
    ("inherited", "class B:\n    def m(self):\n        return 1\nclass C(B):\n    pass", "C().m()"),
    ("instance", "class C:\n    def m(self):\n        return 1\nc = C()", "c.m()"),
    ("nested-class", "class C:\n    class D:\n        x = 1", "C.D.x"),
    ("partial", "import functools\ndef g(x):\n    return x\nf = functools.partial(g, 1)", "f()"),
    ("partial-body", "import functools\ndef g(x):\n    return x + 1\nf = functools.partial(g, 2)", "f()"),
    ("lru-cache", "import functools\n@functools.lru_cache\ndef f():\n    return 1", "f()"),
    ("decorator-body", "def deco(g):\n    return lambda: g() + 1\n@deco\ndef f():\n    return 2", "f()"),
    ("decorator-argument", "def deco(n):\n    return lambda g: g\n@deco(1)\ndef f():\n    return 2", "f()"),
    (
        "wraps",
        "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def w():\n        return g() + 1\n    return w\n@deco\ndef f():\n    return 2",
        "f()",
    ),
    ("closure", "def make(n):\n    def inner():\n        return n\n    return inner\nf = make(1)", "f()"),
    ("global", "N = 0\ndef init():\n    global N\n    N = 1\ninit()", "N"),
    ("global-only", "def init():\n    global N\n    N = 1\ninit()", "N"),
    ("function-attribute", "def f():\n    return f.x\nf.x = 1", "f()"),
    ("builtin-name", "def print(*a):\n    return 1", "print()"),
    (
        "metaclass",
        "class Meta(type):\n    def go(cls):\n        return 1\nclass C(metaclass=Meta):\n    pass",
        "C.go()",
    ),
    (
        "descriptor",
        "class D:\n    def __get__(self, o, t):\n        return 1\nclass C:\n    d = D()",
        "C().d",
    ),
    ("context-manager", "import contextlib\n@contextlib.contextmanager\ndef f():\n    yield 1", "f()"),
    (
        "registered-type",
        "import functools\n@functools.singledispatch\ndef f(x):\n    return 0\n@f.register\ndef _(x: int):\n    return 1",
        "f(3)",
    ),
    ("new-class", "import types\nC = type('C', (), {'x': 1})", "C.x"),
]:
    files = {"lib.py": definition + "\n", "tasks.py": task(f"return lib.{use}", "from . import lib")}
    edit(f"function-{label}", "changed", "its body or default", files, "1", "99")
    edit(
        f"function-{label}-comment",
        "same",
        "a comment",
        files,
        definition.split("\n")[0],
        "# note\n" + definition.split("\n")[0],
    )
    own = task(f"return {use}", definition)
    case(
        f"function-{label}-own-module",
        "changed",
        "in the task's module",
        {"tasks.py": own},
        {"tasks.py": own.replace(definition, definition.replace("1", "99"))},
    )

# -- constants ---------------------------------------------------------------------------------------------

for label, definition, use in [
    ("int", "X = 1", "X"),
    ("float", "X = 1.5", "X"),
    ("string", "X = 'a1'", "X"),
    ("bytes", "X = b'1'", "X"),
    ("annotated", "X: int = 1", "X"),
    ("unpacked", "X, Y = 1, 2", "Y"),
    ("starred", "X, *Y = 1, 2, 3", "Y"),
    ("augmented", "X = 3\nX += 1", "X"),
    ("computed", "A = 1\nX = A * 3", "X"),
    ("chained", "X = Y = 1", "Y"),
    ("nested", "X = {'a': [(1, {2})]}", "X"),
    ("negative", "X = -1", "X"),
    ("complex", "X = 1j", "X"),
    ("append", "X = []\nX.append(1)", "X"),
    ("update", "X = {}\nX.update(a=1)", "X"),
    ("item", "X = {}\nX['a'] = 1", "X"),
    ("item-deleted", "X = list(range(200))\ndel X[1]", "X"),
    ("attribute", "class X:\n    pass\nX.a = 1", "X.a"),
    ("setattr", "class X:\n    pass\nsetattr(X, 'a', 1)", "X.a"),
    ("extend", "X = []\nX.extend([1])", "X"),
    ("for-loop", "X = []\nfor i in range(1):\n    X.append(i)", "X"),
    ("for-target", "for X in (0, 1):\n    pass", "X"),
    ("while-loop", "X = 5\nwhile X > 1:\n    X -= 2", "X"),
    ("with", "import io\nwith io.StringIO('1') as s:\n    X = s.read()", "X"),
    ("if", "import sys\nif sys.maxsize > 1:\n    X = 5\nelse:\n    X = 6", "X"),
    ("try", "try:\n    X = 1\nexcept ValueError:\n    X = 2", "X"),
    ("alias", "Y = []\nX = Y\nX.append(1)", "Y"),
    ("alias-read", "Y = []\nX = Y\nY.append(1)", "X"),
    ("comprehension", "X = [i + 1 for i in range(3)]", "X"),
    ("walrus", "print(X := 1)", "X"),
    ("by-function", "X = []\ndef add(v):\n    X.append(v)\nadd(1)", "X"),
    ("by-argument", "X = []\ndef add(to, v):\n    to.append(v)\nadd(X, 1)", "X"),
    (
        "decorator-registry",
        "X = {}\ndef reg(f):\n    X[f.__name__] = f\n    return f\n@reg\ndef h():\n    return 1",
        "X['h']()",
    ),
    (
        "decorator-registry-argument",
        "X = {}\ndef reg(n):\n    def d(f):\n        X[n] = f\n        return f\n    return d\n@reg(2)\ndef h():\n    return 1",
        "X[2]()",
    ),
    (
        "method-registry",
        "class R:\n    def __init__(self):\n        self.d = {}\n    def add(self, f):\n        self.d[f.__name__] = f\n        return f\nX = R()\n@X.add\ndef h():\n    return 1",
        "X.d['h']()",
    ),
    (
        "subclass-registry",
        "class X:\n    all = []\n    def __init_subclass__(cls):\n        cls.all.append(cls)\nclass Y(X):\n    v = 1",
        "X.all",
    ),
    ("function-registry", "def h():\n    return 1\nX = {'h': h}", "X['h']()"),
    ("enum", "import enum\nclass X(enum.Enum):\n    A = 1", "X.A"),
    ("dataclass", "import dataclasses\n@dataclasses.dataclass\nclass X:\n    a: int = 1", "X()"),
    ("namedtuple", "from typing import NamedTuple\nclass X(NamedTuple):\n    a: int = 1", "X()"),
    ("lambda-in-dict", "X = {'f': lambda: 1}", "X['f']()"),
    ("frozenset", "X = frozenset({1})", "X"),
    ("loop-aliases", "class A:\n    pass\nfor c in (A,):\n    c.v = 1", "A.v"),
    ("sorted-in-place", "X = [3, 1]\nX.sort(key=lambda v: v * 1)", "X"),
    ("shuffled", "import random\nX = [5, 6]\nrandom.Random(1).shuffle(X)", "X"),
    ("nested-item", "X = {'a': {}}\nX['a']['b'] = 1", "X"),
    ("type-alias-item", "X = {}\nY = X.setdefault('k', [])\nY.append(1)", "X"),
    ("globals-item", "globals()['X'] = 1", "X"),
    ("conditional-expression", "X = 1 if True else 2", "X"),
    ("del-rebound", "X = 5\ndel X\nX = 1", "X"),
    ("annotated-dict", "X: dict = {}\nX |= {'a': 1}", "X"),
]:
    files = {"lib.py": definition + "\n", "tasks.py": task(f"return lib.{use}", "from . import lib")}
    edit(f"constant-{label}", "changed", "the value", files, "1", "99")
    own = task(f"return {use}", definition)
    case(
        f"constant-{label}-own-module",
        "changed",
        "in the task's module",
        {"tasks.py": own},
        {"tasks.py": own.replace(definition, definition.replace("1", "99"))},
    )
    unused = {
        "lib.py": definition + "\nOTHER = 7\n",
        "tasks.py": task("return lib.OTHER", "from . import lib"),
    }
    edit(f"constant-{label}-unused", "same", "not used", unused, "1", "99")

# -- the task itself ---------------------------------------------------------------------------------------

BASE = {
    "base.py": "import luigi\n\nclass Base(luigi.Task):\n    factor = 2\n\n    def compute(self):\n        return self.factor\n\ndef unused():\n    return 3\n",
    "mixin.py": "class Mixin:\n    def extra(self):\n        return 4\n\nclass Other:\n    def extra(self):\n        return 5\n",
    "tasks.py": "from .base import Base\nfrom .mixin import Mixin, Other\n\nclass T(Mixin, Other, Base):\n    def run(self):\n        return self.compute() + self.extra()\n",
}
edit("base-method", "changed", "an inherited method", BASE, "return self.factor", "return -self.factor")
edit("base-attribute", "changed", "an inherited attribute", BASE, "factor = 2", "factor = 3")
edit("base-neighbour", "same", "a function beside the base class", BASE, "return 3", "return 4")
edit("mixin-method", "changed", "a mixin's method", BASE, "return 4", "return 44")
edit("mro-order", "changed", "the order of the bases", BASE, "Mixin, Other, Base", "Other, Mixin, Base")
edit("base-docstring", "same", "a docstring", BASE, "    factor = 2", '    """Doc."""\n\n    factor = 2')

TASK = '''
import luigi

LIMIT = 5
other = 6


class Options(luigi.Config):
    depth = luigi.IntParameter(default=3)


class T(luigi.Task):
    """Doc."""

    day = luigi.IntParameter(default=1)
    verbose = luigi.BoolParameter(default=False, significant=False)
    table: dict = {"a": 1}

    def output(self):
        return luigi.LocalTarget("x.txt")

    def run(self, n: int = 0) -> None:
        """Runs."""
        # a comment
        total = LIMIT
        values = [other for other in range(3)]
        return total + len(values) + Options().depth


def unused():
    return 1


class Unused(luigi.Task):
    def run(self):
        return LIMIT
'''
CHANGES: list[tuple[str, str, str, str, str]] = [
    ("comment", "same", "a comment", "# a comment", "# another"),
    ("comment-removed", "same", "a comment", "        # a comment\n", ""),
    ("docstring", "same", "a docstring", '"""Doc."""', '"""Other."""'),
    ("docstring-removed", "same", "a docstring", '        """Runs."""\n', ""),
    ("blank-lines", "same", "white space", "total = LIMIT\n", "total = LIMIT\n\n\n"),
    ("parentheses", "same", "equal syntax tree", "total = LIMIT", "total = (LIMIT)"),
    ("quotes", "same", "equal syntax tree", '"x.txt"', "'x.txt'"),
    ("split-string", "same", "equal syntax tree", '"x.txt"', "'x' '.txt'"),
    ("annotation", "same", "type-only", "n: int", "n: float"),
    ("annotation-removed", "same", "type-only", "n: int", "n"),
    ("return-annotation", "same", "type-only", " -> None", ""),
    ("class-annotation", "same", "type-only", "table: dict", "table: object"),
    ("unused-function", "same", "not used", "return 1", "return 2"),
    (
        "unused-class",
        "same",
        "not used",
        "class Unused(luigi.Task):\n    def run(self):\n        return LIMIT",
        "class Unused(luigi.Task):\n    def run(self):\n        return 0",
    ),
    ("unused-name-shadowed", "same", "a comprehension's own variable", "other = 6", "other = 7"),
    ("unused-added", "same", "not used", "def unused", "def more():\n    pass\n\n\ndef unused"),
    ("pass", "same", "no effect", "total = LIMIT\n", "total = LIMIT\n        pass\n"),
    ("body", "changed", "the body", "len(values)", "-len(values)"),
    ("default", "changed", "a default argument", "n: int = 0", "n: int = 1"),
    ("parameter-default", "changed", "a parameter's default", "default=1", "default=2"),
    (
        "parameter-kind",
        "changed",
        "a parameter's class",
        "day = luigi.IntParameter",
        "day = luigi.FloatParameter",
    ),
    ("class-attribute", "changed", "a class attribute", '{"a": 1}', '{"a": 2}'),
    ("output", "changed", "the output", "x.txt", "y.txt"),
    ("constant", "changed", "a constant", "LIMIT = 5", "LIMIT = 6"),
    ("option-default", "changed", "an option's default", "default=3", "default=4"),
    ("constant-type", "changed", "int for float", "LIMIT = 5", "LIMIT = 5.0"),
    ("constant-bool", "changed", "bool for int", '{"a": 1}', '{"a": True}'),
    (
        "method-added",
        "changed",
        "a method",
        "    def output",
        "    def more(self):\n        return 1\n\n    def output",
    ),
    (
        "assigned-later",
        "changed",
        "T.run = f",
        "\n\ndef unused",
        "\n\ndef late(self):\n    return 3\n\n\nT.run = late\n\n\ndef unused",
    ),
    ("attribute-later", "changed", "T.x = 5", "\n\ndef unused", "\n\nT.x = 5\n\n\ndef unused"),
    ("setattr-later", "changed", "setattr", "\n\ndef unused", "\n\nsetattr(T, 'x', 5)\n\n\ndef unused"),
    (
        "main-guard",
        "same",
        "runs in a script only",
        "\n\ndef unused",
        "\n\nif __name__ == '__main__':\n    luigi.build([T()])\n\n\ndef unused",
    ),
]
for label, expectation, reason, old, new in CHANGES:
    edit(f"task-{label}", expectation, reason, TASK, old, new)
case(
    "task-line-endings",
    "same",
    "CRLF",
    TASK,
    {"tasks.py": TASK.replace("\n", "\r\n")},
)
case(
    "task-order",
    "same",
    "definition order",
    TASK,
    {"tasks.py": TASK.replace("LIMIT = 5\nother = 6", "other = 6\nLIMIT = 5")},
)

REQUIRES = """
import luigi

def helper():
    return 1

class Up(luigi.Task):
    def run(self):
        return helper()

class T(luigi.Task):
    def requires(self):
        return Up()

    def run(self):
        return 2
"""
edit(
    "requires-upstream-body",
    "same",
    "the input's own key has it",
    REQUIRES,
    "return helper()",
    "return helper() + 1",
)
edit("requires-upstream-helper", "same", "the input's own key has it", REQUIRES, "return 1", "return 3")
edit("requires-changed", "changed", "another requirement", REQUIRES, "return Up()", "return [Up()]")
edit(
    "requires-decorator",
    "same",
    "the input's own key has it",
    "import luigi\nfrom luigi.util import requires\nclass Up(luigi.Task):\n    def run(self):\n        return 1\n@requires(Up)\nclass T(luigi.Task):\n    def run(self):\n        return 2\n",
    "return 1",
    "return 3",
)
edit(
    "requires-used-in-run",
    "changed",
    "run() uses the other task's code",
    REQUIRES.replace("return 2", "return Up().run()"),
    "return helper()",
    "return helper() + 1",
)
edit(
    "requires-helper",
    "changed",
    "a function that requires() calls",
    REQUIRES.replace("return Up()", "return [Up()] * helper()"),
    "return 1",
    "return 3",
)
edit(
    "requires-local-import",
    "same",
    "the input's own key has it",
    {
        "up.py": "import luigi\nclass Up(luigi.Task):\n    def run(self):\n        return 1\n",
        "tasks.py": "import luigi\nclass T(luigi.Task):\n    def requires(self):\n        from .up import Up\n        return Up()\n    def run(self):\n        return 2\n",
    },
    "return 1",
    "return 3",
)
edit(
    "dynamic-dependency",
    "same",
    "the trace has it",
    REQUIRES.replace("return 2", "yield Up()"),
    "return helper()",
    "return helper() + 1",
)

# -- classes changed elsewhere, factories -------------------------------------------------------------------

edit(
    "patched-by-imported-module",
    "changed",
    "a registration module sets it",
    {
        "core.py": "import luigi\nclass T(luigi.Task):\n    pass\n",
        "patch.py": "from . import core\ndef go(self):\n    return 1\ncore.T.run = go\n",
        "tasks.py": "from .core import T\nfrom . import patch\n",
    },
    "return 1",
    "return 2",
)
edit(
    "patched-by-importer",
    "changed",
    "the importing module sets it",
    {
        "core.py": "import luigi\nclass T(luigi.Task):\n    pass\n",
        "tasks.py": "from .core import T\nT.limit = 1\n",
    },
    "limit = 1",
    "limit = 2",
)
edit(
    "patched-by-function",
    "changed",
    "set by a function of another module",
    {
        "core.py": "import luigi\nclass T(luigi.Task):\n    pass\n",
        "tasks.py": "from .core import T\ndef setup(cls):\n    cls.limit = 1\nsetup(T)\n",
    },
    "limit = 1",
    "limit = 2",
)
edit(
    "patched-through-loop",
    "changed",
    "set under a loop variable",
    {
        "core.py": "import luigi\nclass T(luigi.Task):\n    pass\n",
        "tasks.py": "from .core import T\nfor cls in [T]:\n    cls.limit = 1\n",
    },
    "limit = 1",
    "limit = 2",
)
edit(
    "registry-filled-by-plugin",
    "changed",
    "a plugin module registers",
    {
        "reg.py": "ALL = {}\ndef register(f):\n    ALL[f.__name__] = f\n    return f\n",
        "plug.py": "from .reg import register\n@register\ndef h():\n    return 1\n",
        "tasks.py": task("return [f() for f in ALL.values()]", "from .reg import ALL\nfrom . import plug"),
    },
    "return 1",
    "return 2",
)
edit(
    "module-constant-patched",
    "changed",
    "another module sets a module's name",
    {
        "conf.py": "X = 5\n",
        "patch.py": "from . import conf\nconf.X = 1\n",
        "tasks.py": task("return conf.X", "from . import conf, patch"),
    },
    "X = 1",
    "X = 2",
)
FACTORY = {
    "factory.py": "import luigi\ndef make(n, f=None):\n    class Made(luigi.Task):\n        size = n\n        def run(self):\n            return n, f\n    return Made\n",
    "tasks.py": "from .factory import make\nT = make(1)\n",
}
edit("factory-argument", "changed", "a closure cell's value", FACTORY, "make(1)", "make(2)")
edit("factory-body", "changed", "the class in the factory", FACTORY, "return n, f", "return f, n")
edit("factory-type", "changed", "int for bool", FACTORY, "make(1)", "make(True)")
edit(
    "factory-function",
    "changed",
    "a function in a cell",
    {**FACTORY, "tasks.py": "from .factory import make\ndef g():\n    return 3\nT = make(1, g)\n"},
    "return 3",
    "return 4",
)
edit(
    "type-call",
    "changed",
    "a class made by type()",
    "import luigi\ndef go(self):\n    return 1\nT = type('T', (luigi.Task,), {'run': go})\n",
    "return 1",
    "return 2",
)
edit(
    "base-from-function",
    "changed",
    "a base class made by a call",
    {**FACTORY, "tasks.py": "from .factory import make\nclass T(make(1)):\n    pass\n"},
    "make(1)",
    "make(2)",
)
edit(
    "class-decorator",
    "changed",
    "a class decorator's body",
    "import luigi\ndef deco(cls):\n    cls.x = 1\n    return cls\n@deco\nclass T(luigi.Task):\n    pass\n",
    "cls.x = 1",
    "cls.x = 2",
)
edit(
    "class-decorator-subclass",
    "changed",
    "a decorator that makes a subclass",
    "import luigi\ndef deco(cls):\n    class Sub(cls):\n        x = 1\n    return Sub\n@deco\nclass T(luigi.Task):\n    y = 2\n",
    "y = 2",
    "y = 3",
)
edit(
    "decorator-order",
    "changed",
    "the order of decorators",
    task(
        "return f()",
        "def a(g):\n    return lambda: g() + 1\ndef b(g):\n    return lambda: g() * 2\n@a\n@b\ndef f():\n    return 1",
    ),
    "@a\n@b",
    "@b\n@a",
)
edit(
    "redefinition-last",
    "changed",
    "the last definition counts",
    task("return f()", "def f():\n    return 1\ndef f():\n    return 2"),
    "return 2",
    "return 3",
)
edit(
    "redefinition-first",
    "same",
    "the first is void",
    task("return f()", "def f():\n    return 1\ndef f():\n    return 2"),
    "return 1",
    "return 3",
)
edit(
    "rebinding-first-used",
    "changed",
    "the first was read",
    task("return Y", "X = 1\nY = X\nX = 2"),
    "X = 1",
    "X = 3",
)
edit(
    "rebinding-order",
    "changed",
    "read before or after",
    task("return Y", "X = 1\nY = X\nX = 2"),
    "Y = X\nX = 2",
    "X = 2\nY = X",
)
edit(
    "call-order",
    "changed",
    "called before or after the change",
    task("return Y", "X = [1]\ndef f():\n    return len(X)\nY = f()\nX.append(2)"),
    "Y = f()\nX.append(2)",
    "X.append(2)\nY = f()",
)
edit(
    "shadow-parameter",
    "same",
    "the parameter is meant",
    task("return f(1)", "X = 5\ndef f(X):\n    return X"),
    "X = 5",
    "X = 6",
)
edit(
    "shadow-local",
    "same",
    "the local is meant",
    task("return f()", "X = 5\ndef f():\n    X = 1\n    return X"),
    "X = 5",
    "X = 6",
)
edit(
    "shadow-class-attribute",
    "same",
    "the class attribute is meant",
    "import luigi\nX = 5\nclass T(luigi.Task):\n    X = 1\n    y = X\n",
    "X = 5",
    "X = 6",
)
edit(
    "class-attribute-not-seen",
    "changed",
    "methods do not see class scope",
    "import luigi\nX = 5\nclass T(luigi.Task):\n    X = 1\n    def run(self):\n        return X\n",
    "X = 5",
    "X = 6",
)
edit(
    "local-of-other-method",
    "changed",
    "a local elsewhere hides nothing",
    "import luigi\nX = 5\nclass T(luigi.Task):\n    def a(self):\n        X = 1\n        return X\n    def run(self):\n        return X\n",
    "X = 5",
    "X = 6",
)
edit(
    "class-body-before-binding",
    "changed",
    "read before the class binds it",
    "import luigi\nX = 5\nclass T(luigi.Task):\n    y = X\n    X = 1\n",
    "X = 5",
    "X = 6",
)
edit(
    "comprehension-in-class",
    "changed",
    "comprehensions do not see class scope",
    "import luigi\nX = 5\nclass T(luigi.Task):\n    X = 1\n    y = [X for _ in range(2)]\n",
    "X = 5",
    "X = 6",
)
edit(
    "dataclass-annotation",
    "changed",
    "the annotation makes the field",
    task("return D", "import dataclasses\n@dataclasses.dataclass\nclass D:\n    a: int = 3"),
    "a: int",
    "a",
)
edit(
    "type-hints-read",
    "changed",
    "the code reads the annotations",
    task("return typing.get_type_hints(f)", "import typing\ndef f(x: int):\n    return x"),
    "x: int",
    "x: str",
)
edit(
    "docstring-read",
    "changed",
    "the code reads the docstring",
    task("return f.__doc__", 'def f():\n    "one"\n    return 1'),
    '"one"',
    '"two"',
)
edit(
    "overload-only",
    "same",
    "for type checkers",
    task(
        "return f(1)", "from typing import overload\n@overload\ndef f(x: int): ...\ndef f(x):\n    return x"
    ),
    "x: int): ...",
    "x: str): ...",
)
edit(
    "eval-reaches-module",
    "changed",
    "eval may use any name of the module",
    task("return eval('f' + '()')", "def f():\n    return 1"),
    "return 1",
    "return 2",
)
edit(
    "same-name-attribute",
    "same",
    "an attribute is no module-level name",
    task("return self.limit", "limit = 5"),
    "limit = 5",
    "limit = 6",
)
edit(
    "third-party-state",
    "changed",
    "the seed of a random generator",
    task("return random.random()", "import random\nrandom.seed(1)"),
    "seed(1)",
    "seed(2)",
)
edit(
    "logging-state",
    "same",
    "log settings do not reach the output",
    task("logging.info('x')\nreturn 1", "import logging\nlogging.basicConfig(level=10)"),
    "level=10",
    "level=20",
)
edit(
    "unused-branch-version",
    "changed",
    "another branch of a condition",
    task("return X", "import sys\nif sys.maxsize > 5:\n    X = 1\nelse:\n    X = 2"),
    "> 5",
    "< 5",
)

# -- changes by indirection -------------------------------------------------------------------------------

CONF = {"conf.py": "X = 5\nL = []\n", "tasks.py": task("return conf.X, conf.L", "from . import conf, patch")}
for label, patch in [
    ("augmented", "from . import conf\nconf.X += 1\n"),
    ("append", "from .conf import L\nL.append(1)\n"),
    ("append-attribute", "from . import conf\nconf.L.append(1)\n"),
    ("setattr", "from . import conf\nsetattr(conf, 'X', 1)\n"),
    ("setattr-loop", "from . import conf\nfor k, v in {'X': 1}.items():\n    setattr(conf, k, v)\n"),
    ("dict-item", "from . import conf\nconf.__dict__['X'] = 1\n"),
    ("dict-update", "from . import conf\nconf.__dict__.update(X=1)\n"),
    ("vars", "from . import conf\nvars(conf)['X'] = 1\n"),
    ("function", "from . import conf\ndef go():\n    conf.X = 1\ngo()\n"),
    ("function-chain", "from . import conf\ndef a(v):\n    conf.X = v\ndef b():\n    a(1)\nb()\n"),
    ("main-loop", "from . import conf\nfor n in (1, 7):\n    conf.L.append(n)\n"),
]:
    edit(
        f"indirect-{label}",
        "changed",
        "another module changes the name",
        {**CONF, "patch.py": patch},
        "1",
        "2",
    )
edit(
    "star-computed-all",
    "changed",
    "__all__ is computed",
    {
        "lib.py": "__all__ = []\n__all__ += ['_x']\n_x = 1\n",
        "tasks.py": task("return _x", "from .lib import *"),
    },
    "_x = 1",
    "_x = 2",
)
edit(
    "package-constant",
    "changed",
    "a name of __init__.py",
    {"lib/__init__.py": "X = 1\n", "tasks.py": task("return X", "from .lib import X")},
    "X = 1",
    "X = 2",
)
edit(
    "parent-relative",
    "changed",
    "from two packages up",
    {
        "conf.py": "X = 1\n",
        "sub/__init__.py": "",
        "sub/f.py": "from ..conf import X\ndef f():\n    return X\n",
        "tasks.py": task("return f()", "from .sub.f import f"),
    },
    "X = 1",
    "X = 2",
)
edit(
    "super-method",
    "changed",
    "through super()",
    "import luigi\nclass B(luigi.Task):\n    def go(self):\n        return 1\nclass T(B):\n    def run(self):\n        return super().go()\n",
    "return 1",
    "return 2",
)
edit(
    "parameter-default-constant",
    "changed",
    "a parameter's default is a name",
    "import luigi\nX = 1\nclass T(luigi.Task):\n    n = luigi.IntParameter(default=X)\n",
    "X = 1",
    "X = 2",
)
edit(
    "function-passed-on",
    "changed",
    "given to map()",
    task("return list(map(f, [1]))", "def f(x):\n    return x * 3"),
    "* 3",
    "* 4",
)
edit(
    "partialmethod",
    "changed",
    "a partial method",
    "import functools, luigi\ndef go(self, n):\n    return n + 3\nclass T(luigi.Task):\n    run = functools.partialmethod(go, 1)\n",
    "+ 3",
    "+ 4",
)
edit(
    "class-in-if",
    "changed",
    "the class under a condition",
    "import luigi\nif True:\n    class T(luigi.Task):\n        x = 1\n",
    "x = 1",
    "x = 2",
)
edit(
    "class-in-try",
    "changed",
    "the class in a try",
    "import luigi\ntry:\n    class T(luigi.Task):\n        x = 1\nexcept ValueError:\n    pass\n",
    "x = 1",
    "x = 2",
)
edit(
    "class-rebound",
    "changed",
    "T = deco(T)",
    "import luigi\ndef deco(c):\n    c.x = 1\n    return c\nclass T(luigi.Task):\n    pass\nT = deco(T)\n",
    "x = 1",
    "x = 2",
)
edit(
    "enum-functional",
    "changed",
    "Enum by call",
    task("return X", "import enum\nX = enum.Enum('X', 'A B')"),
    "A B",
    "B A",
)
edit(
    "instance-attribute-later",
    "changed",
    "obj.x = 1",
    task("return c.x", "class C:\n    pass\nc = C()\nc.x = 1"),
    "c.x = 1",
    "c.x = 2",
)
edit(
    "global-at-run-time",
    "changed",
    "a function sets it at run time",
    task("init()\nreturn N", "N = 0\ndef init():\n    global N\n    N = 1"),
    "N = 1",
    "N = 2",
)
edit(
    "string-constants-exec",
    "changed",
    "exec of a literal",
    task("return X", "exec('X = 1')"),
    "X = 1",
    "X = 2",
)
edit("globals-update", "changed", "globals().update", task("return X", "globals().update(X=1)"), "X=1", "X=2")
edit(
    "class-import",
    "changed",
    "import in a class body",
    {**HELPERS, "tasks.py": "import luigi\nclass T(luigi.Task):\n    from .helpers import f\n"},
    "return LIMIT",
    "return -LIMIT",
)
edit(
    "dataclass-field-type",
    "changed",
    "pydantic-like use of a field's type",
    task(
        "return D",
        "import dataclasses\nclass F:\n    x = 1\n@dataclasses.dataclass\nclass D:\n    a: F = None",
    ),
    "x = 1",
    "x = 2",
)
edit(
    "config-class-used",
    "changed",
    "an option class's method",
    "import luigi\nclass O(luigi.Config):\n    def m(self):\n        return 1\nclass T(luigi.Task):\n    def run(self):\n        return O().m()\n",
    "return 1",
    "return 2",
)
edit(
    "metaclass-registry",
    "changed",
    "a metaclass registers",
    {
        "lib.py": "ALL = []\nclass Meta(type):\n    def __init__(cls, *a):\n        ALL.append(cls)\nclass A(metaclass=Meta):\n    x = 1\nclass B(A):\n    y = 5\n",
        "tasks.py": task("return ALL", "from .lib import ALL"),
    },
    "y = 5",
    "y = 6",
)
edit(
    "abstract-registry",
    "changed",
    "ABC.register",
    {
        "lib.py": "import abc\nclass P(abc.ABC):\n    pass\nclass A:\n    x = 1\nP.register(A)\n",
        "tasks.py": task("return P", "from .lib import P"),
    },
    "x = 1",
    "x = 2",
)
