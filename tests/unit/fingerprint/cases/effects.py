"""Statements that change an object while modules are imported: in the module that defines it, and in another one."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import piece, task


def changes(name: str, statement: str, use: str, define: str) -> None:
    """Two cases: *define* makes an object, *statement* changes it (the 1 in it is edited), and *use* reads it."""
    imports = "from .state import *\nfrom . import state\n"
    files = {"state.py": f"{define}\n", "other.py": f"{imports}{statement}\n"}
    piece(
        f"changed elsewhere: {name}",
        "what it holds is another one",
        {**files, "tasks.py": task(use, "from .state import *\nfrom . import other")},
    )
    piece(f"changed here: {name}", "what it holds is another one", task(use, f"{define}\n{statement}"))


# -- a list L, in every way that Python has to call its methods

for name, statement in [
    ("bisect.insort", "import bisect\nbisect.insort(L, 1)"),
    ("heapq", "import heapq\nheapq.heappush(L, 1)"),
    ("operator.iadd", "import operator\noperator.iadd(L, [1])"),
    ("operator.setitem assigned", "import operator\n_ = operator.iadd(L, [1])"),
    ("list.append", "list.append(L, 1)"),
    ("slice assign", "L[:] = [1]"),
    ("slice del", "L[:] = []\ndel L[:1]"),
    ("__iadd__", "L.__iadd__([1])"),
    ("lambda", "(lambda: L.append(1))()"),
    ("map list", "list(map(L.append, [1]))"),
    ("map assigned", "_x = list(map(L.append, [1]))"),
    ("comp expr", "[L.append(x) for x in [1]]"),
    ("comp assigned", "_c = [L.append(x) for x in [1]]"),
    ("any gen", "any(L.append(x) for x in (1,))"),
    ("gen assigned", "_r = any(L.append(x) for x in (1,))"),
    ("for", "for x in [1]:\n    L.append(x)"),
    ("partial", "import functools\nfunctools.partial(L.append, 1)()"),
    ("getattr", "getattr(L, 'append')(1)"),
    ("exec", "exec('L.append(1)')"),
    ("thread", "import threading\nthreading.Thread(target=L.append, args=(1,)).start()"),
    ("thread named", "import threading\nth = threading.Thread(target=L.append, args=(1,))\nth.start()"),
    (
        "executor",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as ex:\n    ex.map(L.append, [1])",
    ),
    ("deque map", "import collections\ncollections.deque(map(L.append, [1]))"),
    ("bound method", "add = L.append\nadd(1)"),
    ("bound in tuple", "for add in (L.append,):\n    add(1)"),
    ("walrus", "(M := L).append(1)"),
    ("if expr", "L.append(1) if L is not None else None"),
    ("and expr", "L is not None and L.append(1)"),
    ("alias chain", "A = L\nB = A\nB.append(1)"),
    ("dict holder", "H = {'l': L}\nH['l'].append(1)"),
    ("tuple unpack", "a, b = L, 0\na.append(1)"),
    ("func param", "def add(x):\n    x.append(1)\nadd(L)"),
    ("func param kw", "def add(*, x):\n    x.append(1)\nadd(x=L)"),
    ("func param star", "def add(*xs):\n    xs[0].append(1)\nadd(L)"),
    ("func param default", "def add(x=L):\n    x.append(1)\nadd()"),
    ("func param assigned", "def add(x):\n    x.append(1)\n    return x\nN = add(L)"),
    ("func returns", "def get():\n    return L\nget().append(1)"),
    ("func local alias", "def add():\n    m = L\n    m.append(1)\nadd()"),
    ("class body", "class K:\n    L.append(1)"),
    ("class body method call", "class K:\n    def go(self):\n        L.append(1)\nK().go()"),
    ("class init", "class K:\n    def __init__(self):\n        L.append(1)\nK()"),
    (
        "class init stored",
        "class K:\n    def __init__(self, l):\n        self.l = l\n    def go(self):\n        self.l.append(1)\nK(L).go()",
    ),
    (
        "context manager",
        "class K:\n    def __enter__(self):\n        L.append(1)\n    def __exit__(self, *a):\n        pass\nwith K():\n    pass",
    ),
    ("decorator", "def deco(f):\n    L.append(1)\n    return f\n@deco\ndef g():\n    pass"),
    (
        "decorator factory obj",
        "class R:\n    def add(self, f):\n        L.append(1)\n        return f\nr = R()\n@r.add\ndef g():\n    pass",
    ),
    ("property get", "class K:\n    @property\n    def p(self):\n        L.append(1)\nK().p"),
    ("operator overload", "class K:\n    def __add__(self, o):\n        L.append(1)\nK() + 3"),
    ("getitem overload", "class K:\n    def __getitem__(self, o):\n        L.append(1)\nK()[3]"),
    (
        "metaclass",
        "class Mt(type):\n    def __init__(cls, *a):\n        L.append(1)\nclass K(metaclass=Mt):\n    pass",
    ),
    (
        "init_subclass",
        "class B:\n    def __init_subclass__(cls):\n        L.append(1)\nclass K(B):\n    pass",
    ),
    ("set_name", "class D:\n    def __set_name__(self, o, n):\n        L.append(1)\nclass K:\n    d = D()"),
    (
        "iteration",
        "class It:\n    def __iter__(self):\n        L.append(1)\n        return iter(())\nfor _ in It():\n    pass",
    ),
    ("generator", "def gen():\n    L.append(1)\n    yield\nlist(gen())"),
    ("async run", "import asyncio\nasync def main():\n    L.append(1)\nasyncio.run(main())"),
    ("try", "try:\n    L.append(1)\nexcept Exception:\n    pass"),
    ("match", "match 3:\n    case 3:\n        L.append(1)"),
    ("assert", "assert L.append(1) is None"),
    ("fstring", "_s = f'{L.append(1)}'"),
    ("default arg", "def g(x=L.append(1)):\n    pass"),
    ("lambda called later", "h = lambda: L.append(1)\nh()"),
    ("sorted key", "sorted([3], key=lambda v: L.append(1) or 0)"),
    ("sorted key fn", "def k(v):\n    L.append(1)\n    return v\nsorted([3], key=k)"),
    ("sorted key fn assigned", "def k(v):\n    L.append(1)\n    return v\n_o = sorted([3], key=k)"),
    ("starmap", "import itertools\nlist(itertools.starmap(L.insert, [(0, 1)]))"),
    ("globals()", "globals()['L'].append(1)"),
    ("sys.modules", "import sys\nsys.modules[__name__].L.append(1)"),
    ("nested def", "def outer():\n    def inner():\n        L.append(1)\n    inner()\nouter()"),
    ("callback stored", "CB = []\nCB.append(lambda: L.append(1))\nfor c in CB:\n    c()"),
    ("callback dict", "CB = {'a': lambda: L.append(1)}\nCB['a']()"),
    ("singledispatch", "import functools\n@functools.singledispatch\ndef g(x):\n    L.append(1)\ng(3)"),
    (
        "super init",
        "class B:\n    def __init__(self):\n        L.append(1)\nclass K(B):\n    def __init__(self):\n        super().__init__()\nK()",
    ),
    ("classmethod", "class K:\n    @classmethod\n    def go(cls):\n        L.append(1)\nK.go()"),
    (
        "staticmethod alias",
        "class K:\n    @staticmethod\n    def go():\n        L.append(1)\ngo = K.go\ngo()",
    ),
]:
    changes(f"list: {name}", statement, "return L", "L = []")

# -- other objects

for name, statement, use, define in [
    ("f.__defaults__", "f.__defaults__ = (1,)", "return f()", "def f(a=0):\n    return a"),
    ("f.__code__", "f.__code__ = (lambda: 1).__code__", "return f()", "def f():\n    return 0"),
    ("f.attr", "f.lim = 1", "return f()", "def f():\n    return f.lim"),
    ("type.__setattr__", "type.__setattr__(C, 'a', 1)", "return C.a", "class C:\n    pass"),
    ("object.__setattr__", "object.__setattr__(o, 'a', 1)", "return o.a", "class C:\n    pass\no = C()"),
    ("setattr method", "o.__setattr__('a', 1)", "return o.a", "class C:\n    pass\no = C()"),
    (
        "bases",
        "C.__bases__ = (B,)\nB.x = 1",
        "return C().x",
        "class A:\n    pass\nclass B:\n    pass\nclass C(A):\n    pass",
    ),
    (
        "__class__ swap",
        "class D(type(o)):\n    x = 1\no.__class__ = D",
        "return o.x",
        "class C:\n    x = 0\no = C()",
    ),
    (
        "mock patch",
        "from unittest import mock\nmock.patch.object(C, 'x', 1).start()",
        "return C.x",
        "class C:\n    x = 0",
    ),
    ("mock patch dict", "from unittest import mock\nmock.patch.dict(D, a=1).start()", "return D", "D = {}"),
    ("class dict update", "vars(o).update(a=1)", "return o.a", "class C:\n    pass\no = C()"),
    ("o.__dict__", "o.__dict__['a'] = 1", "return o.a", "class C:\n    pass\no = C()"),
    ("property assign", "C.p = property(lambda s: 1)", "return C().p", "class C:\n    pass"),
    (
        "nested attr",
        "o.b.c = 1",
        "return o.b.c",
        "import types\no = types.SimpleNamespace(b=types.SimpleNamespace(c=0))",
    ),
    ("array item", "A[0][0] = 1", "return A", "A = [[0]]"),
    ("dict ior", "D |= {'a': 1}", "return D", "D = {}"),
    ("set ior", "S.__ior__({1})", "return S", "S = set()"),
    ("enum alias", "E.A.extra = 1", "return E.A.extra", "import enum\nclass E(enum.Enum):\n    A = 0"),
    ("loop over classes", "for k in (C, ):\n    k.x = 1", "return C.x", "class C:\n    x = 0"),
    (
        "setattr by a loop's names",
        "for n in ('x', ):\n    setattr(C, n, 1)",
        "return C.x",
        "class C:\n    x = 0",
    ),
    ("attribute of another class", "class Q:\n    x = 1\nC.x = Q.x", "return C.x", "class C:\n    x = 0"),
    ("random seed", "import random\nrandom.seed(1)", "import random\nreturn random.random()", "Z = 0"),
    (
        "locale/decimal ctx",
        "import decimal\ndecimal.getcontext().prec = 1",
        "import decimal\nreturn decimal.Decimal(3)",
        "Z = 0",
    ),
    ("os.environ set", "import os\nos.environ['QQ'] = str(1)", "import os\nreturn os.environ['QQ']", "Z = 0"),
    (
        "attribute of a library's module",
        "import json\njson.encoder.FLOAT_REPR = 1",
        "import json\nreturn json.dumps(5.5)",
        "Z = 0",
    ),
    (
        "csv dialect",
        "import csv\ncsv.register_dialect('q', lineterminator=str(1))",
        "import csv\nreturn csv.get_dialect('q')",
        "Z = 0",
    ),
]:
    changes(name, statement, use, define)
