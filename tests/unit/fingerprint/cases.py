"""The corpus: small programs before and after an edit, and whether the fingerprint has to change.

A case is written as ``case(name, expectation, reason, before, after)``; *before* and *after* are the files
of a package ``pkg`` (a string stands for ``tasks.py``); *after* may hold only the files that differ. The
class is ``pkg.tasks.T`` unless *target* says otherwise.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Expectation = Literal["changed", "same"]


@dataclass(frozen=True)
class Case:
    name: str
    expectation: Expectation
    reason: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    target: str


CASES: list[Case] = []


def case(
    name: str,
    expectation: Expectation,
    reason: str,
    before: str | Mapping[str, str],
    after: str | Mapping[str, str],
    target: str = "tasks:T",
) -> None:
    old = _files(before)
    CASES.append(Case(name, expectation, reason, old, {**old, **_files(after)}, target))


def edit(
    name: str,
    expectation: Expectation,
    reason: str,
    files: str | Mapping[str, str],
    old: str,
    new: str,
    target: str = "tasks:T",
) -> None:
    """A case whose edit replaces *old* by *new* in the one file that has it."""
    before = _files(files)
    holders = [path for path, text in before.items() if old in text]
    assert len(holders) == 1, (name, old, holders)
    text = before[holders[0]]
    CASES.append(Case(name, expectation, reason, before, {**before, holders[0]: text.replace(old, new)}, target))


def _files(files: str | Mapping[str, str]) -> dict[str, str]:
    if isinstance(files, str):
        files = {"tasks.py": files}
    return {path: textwrap.dedent(text).lstrip("\n") for path, text in files.items()}


def task(body: str, head: str = "", bases: str = "luigi.Task") -> str:
    """A module with a task ``T`` whose ``run`` has the given *body*, after the lines of *head*."""
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), "        ")
    return f"import luigi\n{textwrap.dedent(head)}\nclass T({bases}):\n    def run(self):\n{lines}\n"


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
    ("conditional", "import sys\nif sys.maxsize:\n    from .helpers import f\nelse:\n    f = None", "return f()"),
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
    edit(f"import-{label}-function", "changed", "the imported function is used", files, "return LIMIT", "return -LIMIT")
    edit(f"import-{label}-constant", "changed", "a constant of the used function", files, "LIMIT = 1", "LIMIT = 2")
    if label not in {"import-module", "dunder-import", "getattr-computed", "module-passed-on", "try-module", "assigned-module"}:
        edit(f"import-{label}-unused", "same", "g is not used", files, "return 7", "return 8")

REEXPORT = {
    "lib/__init__.py": "from .impl import f\n",
    "lib/impl.py": "def f():\n    return 1\n\ndef g():\n    return 2\n",
    "tasks.py": task("return f()", "from .lib import f"),
}
edit("import-reexported", "changed", "reached through the package", REEXPORT, "return 1", "return 3")
edit("import-reexported-unused", "same", "g is not used", REEXPORT, "return 2", "return 3")
edit("import-reexport-bypassed", "same", "the same function by a shorter way", REEXPORT, "from .lib import f", "from .lib.impl import f")
edit("import-reexport-elsewhere", "changed", "another function under the name", REEXPORT, "from .impl import f", "from .impl import g as f")
STAR = {
    "lib/__init__.py": "from .impl import *\n",
    "lib/impl.py": "__all__ = ['f']\n\ndef f():\n    return 1\n\ndef g():\n    return 2\n",
    "tasks.py": task("return f()", "from .lib import *"),
}
edit("import-star-star", "changed", "through two stars", STAR, "return 1", "return 3")
edit("import-star-unused", "same", "not used", STAR, "return 2", "return 3")
CIRCULAR = {
    "a.py": "from . import b\n\ndef f(n):\n    return b.g(n - 1)\n",
    "b.py": "from . import a\n\ndef g(n):\n    return a.f(n) if n else 10\n",
    "tasks.py": task("return f(3)", "from .a import f"),
}
edit("import-circular", "changed", "the far side of a circle", CIRCULAR, "10", "11")
SHADOW = {"statistics.py": "def mean(x):\n    return 1\n", "tasks.py": task("return mean([])", "from .statistics import mean")}
edit("import-named-like-stdlib", "changed", "an own module", SHADOW, "return 1", "return 2")
CHAIN = {
    "lib/__init__.py": "",
    "lib/deep/__init__.py": "from . import leaf\n",
    "lib/deep/leaf.py": "def f():\n    return 1\n",
    "tasks.py": task("return lib.deep.leaf.f()", "from . import lib\nimport pkg.lib.deep.leaf"),
}
edit("import-attribute-chain", "changed", "through three modules", CHAIN, "return 1", "return 2")
edit("import-swap", "changed", "the names trade places", {**HELPERS, "tasks.py": task("return f() - g()", "from .helpers import f, g")},
     "import f, g", "import f as g, g as f")
edit("import-style", "same", "absolute for relative", {**HELPERS, "tasks.py": task("return f()", "from .helpers import f")},
     "from .helpers", "from pkg.helpers")
edit("import-local-style", "same", "absolute for relative", {**HELPERS, "tasks.py": task("from .helpers import f\nreturn f()")},
     "from .helpers", "from pkg.helpers")
edit("import-unused-added", "same", "an unused import", {**HELPERS, "tasks.py": task("return 1", "import os\n")}, "import os", "import os\nfrom .helpers import g")
edit("import-stdlib-other", "changed", "another function of the library", task("return f('1')", "from json import loads as f"), "loads as f", "dumps as f")
edit("import-type-checking", "same", "type-only", {**HELPERS, "tasks.py": task("return 1", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .helpers import f")}, "import f", "import g")
edit("import-module-getattr", "changed", "PEP 562", {"dyn.py": "def __getattr__(name):\n    return 1\n", "tasks.py": task("return dyn.anything", "from . import dyn")}, "return 1", "return 2")
edit("import-namespace-package", "changed", "no __init__.py", {"ns/leaf.py": "def f():\n    return 1\n", "tasks.py": task("return f()", "from .ns.leaf import f")}, "return 1", "return 2")

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
    ("conditional", "import sys\nif sys.maxsize:\n    def f():\n        return 1\nelse:\n    def f():\n        return 3", "f()"),
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
    ("wraps", "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def w():\n        return g() + 1\n    return w\n@deco\ndef f():\n    return 2", "f()"),
    ("closure", "def make(n):\n    def inner():\n        return n\n    return inner\nf = make(1)", "f()"),
    ("global", "N = 0\ndef init():\n    global N\n    N = 1\ninit()", "N"),
    ("global-only", "def init():\n    global N\n    N = 1\ninit()", "N"),
    ("function-attribute", "def f():\n    return f.x\nf.x = 1", "f()"),
    ("builtin-name", "def print(*a):\n    return 1", "print()"),
    ("metaclass", "class Meta(type):\n    def go(cls):\n        return 1\nclass C(metaclass=Meta):\n    pass", "C.go()"),
    ("descriptor", "class D:\n    def __get__(self, o, t):\n        return 1\nclass C:\n    d = D()", "C().d"),
    ("context-manager", "import contextlib\n@contextlib.contextmanager\ndef f():\n    yield 1", "f()"),
    ("registered-type", "import functools\n@functools.singledispatch\ndef f(x):\n    return 0\n@f.register\ndef _(x: int):\n    return 1", "f(3)"),
    ("new-class", "import types\nC = type('C', (), {'x': 1})", "C.x"),
]:
    files = {"lib.py": definition + "\n", "tasks.py": task(f"return lib.{use}", "from . import lib")}
    edit(f"function-{label}", "changed", "its body or default", files, "1", "99")
    edit(f"function-{label}-comment", "same", "a comment", files, definition.split("\n")[0], "# note\n" + definition.split("\n")[0])
    own = task(f"return {use}", definition)
    CASES.append(Case(f"function-{label}-own-module", "changed", "in the task's module", {"tasks.py": own},
                      {"tasks.py": own.replace(definition, definition.replace("1", "99"))}, "tasks:T"))

# -- constants ---------------------------------------------------------------------------------------------

for label, definition, use in [
    ("int", "X = 1", "X"), ("float", "X = 1.5", "X"), ("string", "X = 'a1'", "X"), ("bytes", "X = b'1'", "X"),
    ("annotated", "X: int = 1", "X"), ("unpacked", "X, Y = 1, 2", "Y"), ("starred", "X, *Y = 1, 2, 3", "Y"),
    ("augmented", "X = 3\nX += 1", "X"), ("computed", "A = 1\nX = A * 3", "X"), ("chained", "X = Y = 1", "Y"),
    ("nested", "X = {'a': [(1, {2})]}", "X"), ("negative", "X = -1", "X"), ("complex", "X = 1j", "X"),
    ("append", "X = []\nX.append(1)", "X"), ("update", "X = {}\nX.update(a=1)", "X"), ("item", "X = {}\nX['a'] = 1", "X"),
    ("item-deleted", "X = [1, 2, 3]\ndel X[1]", "X"), ("attribute", "class X:\n    pass\nX.a = 1", "X.a"),
    ("setattr", "class X:\n    pass\nsetattr(X, 'a', 1)", "X.a"), ("extend", "X = []\nX.extend([1])", "X"),
    ("for-loop", "X = []\nfor i in range(1):\n    X.append(i)", "X"), ("for-target", "for X in (0, 1):\n    pass", "X"),
    ("while-loop", "X = 5\nwhile X > 1:\n    X -= 2", "X"), ("with", "import io\nwith io.StringIO('1') as s:\n    X = s.read()", "X"),
    ("if", "import sys\nif sys.maxsize > 1:\n    X = 5\nelse:\n    X = 6", "X"), ("try", "try:\n    X = 1\nexcept ValueError:\n    X = 2", "X"),
    ("alias", "Y = []\nX = Y\nX.append(1)", "Y"), ("alias-read", "Y = []\nX = Y\nY.append(1)", "X"),
    ("comprehension", "X = [i + 1 for i in range(3)]", "X"), ("walrus", "print(X := 1)", "X"),
    ("by-function", "X = []\ndef add(v):\n    X.append(v)\nadd(1)", "X"),
    ("by-argument", "X = []\ndef add(to, v):\n    to.append(v)\nadd(X, 1)", "X"),
    ("decorator-registry", "X = {}\ndef reg(f):\n    X[f.__name__] = f\n    return f\n@reg\ndef h():\n    return 1", "X['h']()"),
    ("decorator-registry-argument", "X = {}\ndef reg(n):\n    def d(f):\n        X[n] = f\n        return f\n    return d\n@reg(2)\ndef h():\n    return 1", "X[2]()"),
    ("method-registry", "class R:\n    def __init__(self):\n        self.d = {}\n    def add(self, f):\n        self.d[f.__name__] = f\n        return f\nX = R()\n@X.add\ndef h():\n    return 1", "X.d['h']()"),
    ("subclass-registry", "class X:\n    all = []\n    def __init_subclass__(cls):\n        cls.all.append(cls)\nclass Y(X):\n    v = 1", "X.all"),
    ("function-registry", "def h():\n    return 1\nX = {'h': h}", "X['h']()"),
    ("enum", "import enum\nclass X(enum.Enum):\n    A = 1", "X.A"), ("dataclass", "import dataclasses\n@dataclasses.dataclass\nclass X:\n    a: int = 1", "X()"),
    ("namedtuple", "from typing import NamedTuple\nclass X(NamedTuple):\n    a: int = 1", "X()"),
    ("lambda-in-dict", "X = {'f': lambda: 1}", "X['f']()"), ("frozenset", "X = frozenset({1})", "X"),
    ("loop-aliases", "class A:\n    pass\nfor c in (A,):\n    c.v = 1", "A.v"), ("sorted-in-place", "X = [3, 1]\nX.sort(key=lambda v: v * 1)", "X"),
    ("shuffled", "import random\nX = [5, 6]\nrandom.Random(1).shuffle(X)", "X"), ("nested-item", "X = {'a': {}}\nX['a']['b'] = 1", "X"),
    ("type-alias-item", "X = {}\nY = X.setdefault('k', [])\nY.append(1)", "X"), ("globals-item", "globals()['X'] = 1", "X"),
    ("conditional-expression", "X = 1 if True else 2", "X"), ("del-rebound", "X = 5\ndel X\nX = 1", "X"),
    ("annotated-dict", "X: dict = {}\nX |= {'a': 1}", "X"),
]:
    files = {"lib.py": definition + "\n", "tasks.py": task(f"return lib.{use}", "from . import lib")}
    edit(f"constant-{label}", "changed", "the value", files, "1", "99")
    own = task(f"return {use}", definition)
    CASES.append(Case(f"constant-{label}-own-module", "changed", "in the task's module", {"tasks.py": own},
                      {"tasks.py": own.replace(definition, definition.replace("1", "99"))}, "tasks:T"))
    unused = {"lib.py": definition + "\nOTHER = 7\n", "tasks.py": task("return lib.OTHER", "from . import lib")}
    edit(f"constant-{label}-unused", "same", "not used", unused, "1", "99")
