"""Functions, classes and values of every make, mostly in combination."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import piece, task

# -- functions and methods: the piece says 1, the edit makes it 2 --------------------------------------------

ONE = {
    "static method through an alias of the class": task(
        "return C.clean()",
        "class Cleaner:\n    @staticmethod\n    def clean():\n        return 1\nC = Cleaner",
    ),
    "class method as constructor": task(
        "return Cleaner.new().n",
        "class Cleaner:\n    @classmethod\n    def new(cls):\n        made = cls()\n        made.n = 1\n        return made",
    ),
    "setter of a property": task(
        "box = Box()\nbox.x = 3\nreturn box.y",
        "class Box:\n    @property\n    def x(self):\n        return self.y\n    @x.setter\n    def x(self, value):\n        self.y = 1",
    ),
    "cached property on the task": "import functools\nimport luigi\n\ndef helper():\n    return 1\n\nclass T(luigi.Task):\n    @functools.cached_property\n"
    "    def rows(self):\n        return helper()\n    def run(self):\n        return self.rows\n",
    "descriptor with __set_name__": "import luigi\n\nclass Field:\n    def __set_name__(self, owner, name):\n        self.name = name\n"
    "    def __get__(self, instance, owner):\n        return 1\n\nclass T(luigi.Task):\n    field = Field()\n    def run(self):\n        return self.field\n",
    "metaclass __call__ of a helper": task(
        "return Box()",
        "class Meta(type):\n    def __call__(cls):\n        return 1\n\nclass Box(metaclass=Meta):\n    pass",
    ),
    "metaclass __prepare__ of a helper": task(
        "return Box.n",
        "class Meta(type):\n    @classmethod\n    def __prepare__(meta, name, bases):\n        return {'n': 1}\n\nclass Box(metaclass=Meta):\n    pass",
    ),
    "__class_getitem__": task(
        "return Box[int]", "class Box:\n    def __class_getitem__(cls, item):\n        return 1"
    ),
    "partialmethod": "import functools\nimport luigi\n\nclass T(luigi.Task):\n    def _go(self, how):\n        return how\n    go = functools.partialmethod(_go, 1)\n"
    "    def run(self):\n        return self.go()\n",
    "partial of a method": task(
        "return go()",
        "import functools\n\nclass Cleaner:\n    def clean(self, how):\n        return 1\n\ngo = functools.partial(Cleaner().clean, how=3)",
    ),
    "keyword of a partial": task(
        "return go(Cleaner())",
        "import functools\n\nclass Cleaner:\n    def clean(self, how):\n        return how\n\ngo = functools.partial(Cleaner.clean, how=1)",
    ),
    "lambda as method": "import luigi\n\ndef helper():\n    return 1\n\nclass T(luigi.Task):\n    run = lambda self: helper()\n",
    "method made by a function": "import luigi\n\ndef make(n):\n    def method(self):\n        return n\n    return method\n\nclass T(luigi.Task):\n    run = make(1)\n",
    "methods in a dict of the class": "import luigi\n\nclass T(luigi.Task):\n    HOW = {'a': lambda self: 1}\n    def run(self):\n        return self.HOW['a'](self)\n",
    "methods set in a loop of the module": task(
        "return Cleaner().a()",
        "class Cleaner:\n    pass\n\ndef make(name):\n    return lambda self: 1\n\nfor _name in ('a', 'b'):\n    setattr(Cleaner, _name, make(_name))",
    ),
    "instance with __call__": task(
        "return clean()", "class Clean:\n    def __call__(self):\n        return 1\n\nclean = Clean()"
    ),
    "argument of an instance with __call__": task(
        "return clean()",
        "class Clean:\n    def __init__(self, n):\n        self.n = n\n    def __call__(self):\n        return self.n\n\nclean = Clean(1)",
    ),
    "bound method as a name": task(
        "return go()", "class Clean:\n    def go(self):\n        return 1\n\ngo = Clean().go"
    ),
    "operators": task(
        "return Box() @ Box() + 3",
        "class Box:\n    def __matmul__(self, other):\n        return weigh()\n\ndef weigh():\n    return 1",
    ),
    "context manager from a generator": task(
        "with opened() as n:\n    return n",
        "import contextlib\n\n@contextlib.contextmanager\ndef opened():\n    yield 1",
    ),
    "context manager class in an exit stack": task(
        "with contextlib.ExitStack() as stack:\n    return stack.enter_context(Door())",
        "import contextlib\n\nclass Door:\n    def __enter__(self):\n        return 1\n    def __exit__(self, *more):\n        return None",
    ),
    "async comprehension over an own iterator": task(
        "import asyncio\nreturn asyncio.run(collect())",
        "async def ticks():\n    for i in range(3):\n        yield step(i)\n\ndef step(i):\n    return 1\n\nasync def collect():\n    return [t async for t in ticks()]",
    ),
    "yield from": task(
        "return list(outer())", "def inner():\n    yield 1\n\ndef outer():\n    yield from inner()"
    ),
    "mutual recursion": task(
        "return even(4)",
        "def even(n):\n    return n == 0 or odd(n - 3)\n\ndef odd(n):\n    return 1 if n == 0 else even(n - 3)",
    ),
    "decorator with arguments, wraps and cache": task(
        "return f()",
        "import functools\n\ndef times(n):\n    def outer(f):\n        @functools.wraps(f)\n        def inner(*a, **k):\n            return f(*a, **k) * n\n        return inner\n    return outer\n\n"
        "@functools.lru_cache(maxsize=None)\n@times(1)\ndef f():\n    return 3",
    ),
    "decorator that is a class": task(
        "return f()",
        "class Times:\n    def __init__(self, f):\n        self.f = f\n    def __call__(self):\n        return self.f() * 1\n\n@Times\ndef f():\n    return 3",
    ),
    "decorator from an expression": task(
        "return f()", "DECORATORS = {'a': lambda f: lambda: 1}\n\n@DECORATORS['a']\ndef f():\n    return 3"
    ),
    "class decorator that adds a method": "import luigi\n\ndef extra(self):\n    return 1\n\ndef adding(**methods):\n    def add(cls):\n        for name, method in methods.items():\n"
    "            setattr(cls, name, method)\n        return cls\n    return add\n\n@adding(extra=extra)\nclass T(luigi.Task):\n    def run(self):\n        return self.extra()\n",
    "class decorator that makes a subclass": "import luigi\n\ndef better(cls):\n    class Better(cls):\n        def how(self):\n            return 1\n    return Better\n\n"
    "@better\nclass T(luigi.Task):\n    def run(self):\n        return self.how()\n",
    "exception hierarchy": task(
        "try:\n    raise Small\nexcept Big as error:\n    return error.n",
        "class Big(Exception):\n    n = 1\n\nclass Small(Big):\n    pass",
    ),
    "tuple of caught exceptions": task(
        "try:\n    return int('x')\nexcept CAUGHT:\n    return 3", "CAUGHT = (ValueError,) * 1"
    ),
    "json encoder handed over": task(
        "return json.dumps(object(), cls=Encoder)",
        "import json\n\nclass Encoder(json.JSONEncoder):\n    def default(self, o):\n        return 1",
    ),
    "key function of sort": task("return sorted([3, 4], key=weight)", "def weight(x):\n    return x * 1"),
    "closure over two levels": task(
        "return run3()",
        "def outer():\n    k = 1\n    def middle():\n        def inner():\n            return k\n        return inner\n    return middle()\n\nrun3 = outer()",
    ),
    "nonlocal counter": task(
        "return count()",
        "def counter():\n    n = 0\n    def add():\n        nonlocal n\n        n += 3\n        return n * 1\n    return add\n\ncount = counter()",
    ),
    "default from a call": task(
        "return f()", "def default():\n    return 1\n\ndef f(x=default()):\n    return x"
    ),
    "default of a lambda": task("return f()", "STEP = 1\nf = lambda x=STEP: x"),
    "keyword-only default": task("return f()", "STEP = {'a': 1}\n\ndef f(*, x=STEP['a']):\n    return x"),
    "star arguments": task(
        "return f(*ARGS, **MORE)", "ARGS = (3,)\nMORE = dict(b=1)\n\ndef f(a, b):\n    return a + b"
    ),
    "method of a nested class": task(
        "return Outer.Inner().go()",
        "class Outer:\n    class Inner:\n        def go(self):\n            return 1",
    ),
    "chain through instances": task(
        "return APP.db.query()",
        "class Db:\n    def query(self):\n        return 1\n\nclass App:\n    def __init__(self):\n        self.db = Db()\n\nAPP = App()",
    ),
    "duck handed to a function": task(
        "return process(Cleaner())",
        "class Cleaner:\n    def clean(self):\n        return 1\n\ndef process(x):\n    return x.clean()",
    ),
    "reduce over functions": task(
        "return functools.reduce(lambda x, f: f(x), STEPS, 0)",
        "import functools\n\ndef one(x):\n    return 1\n\nSTEPS = [one, abs]",
    ),
    "inherited from a generic": task(
        "return Box[int]().go()",
        "from typing import Generic, TypeVar\nX = TypeVar('X')\n\nclass Base(Generic[X]):\n    def go(self):\n        return 1\n\nclass Box(Base[X]):\n    pass",
    ),
    "__post_init__": task(
        "return Row(3).y",
        "import dataclasses\n\n@dataclasses.dataclass\nclass Row:\n    x: int\n    def __post_init__(self):\n        self.y = 1",
    ),
    "default_factory that is a lambda": task(
        "return Row().x",
        "from dataclasses import dataclass, field\n\n@dataclass\nclass Row:\n    x: list = field(default_factory=lambda: [1])",
    ),
    "default_factory that is a function": task(
        "return Row().x",
        "from dataclasses import dataclass, field\n\ndef start():\n    return [1]\n\n@dataclass\nclass Row:\n    x: list = field(default_factory=start)",
    ),
    "instance of a dataclass, replaced": task(
        "return LATER.x",
        "import dataclasses\n\n@dataclasses.dataclass(frozen=True)\nclass Row:\n    x: int = 0\n\nFIRST = Row()\nLATER = dataclasses.replace(FIRST, x=1)",
    ),
    "named tuple, replaced": task(
        "return LATER.x",
        "from typing import NamedTuple\n\nclass Row(NamedTuple):\n    x: int = 0\n\nFIRST = Row()\nLATER = FIRST._replace(x=1)",
    ),
    "enum members that are functions": task(
        "return How.ADD.value(3)",
        "import enum\nimport functools\n\ndef add(x):\n    return x + 1\n\nclass How(enum.Enum):\n    ADD = functools.partial(add)",
    ),
    "enum with a method and auto": task(
        "return How.ADD.go()",
        "import enum\n\nclass How(enum.Enum):\n    @staticmethod\n    def _generate_next_value_(name, start, count, last):\n        return 1\n    ADD = enum.auto()\n    def go(self):\n        return self.value",
    ),
    "functional enum": task("return How.B.value", "import enum\nHow = enum.Enum('How', 'A B', start=1)"),
    "enum in a match": task(
        "match How.ADD:\n    case How.ADD:\n        return How.ADD.value",
        "import enum\n\nclass How(enum.Enum):\n    ADD = 1",
    ),
    "match by position": task(
        "match Point(3, 4):\n    case Point(3):\n        return 0\n    case _:\n        return 9",
        "class Point:\n    __match_args__ = ('x',) * 1\n    def __init__(self, x, y):\n        self.x, self.y = y, x",
    ),
    "match on a dotted constant": {
        "values.py": "LIMIT = 1\n",
        "tasks.py": task("match self.n:\n    case values.LIMIT:\n        return 3", "from . import values"),
    },
    "width in an f-string": task("return f'{3!r:>{WIDTH}}'", "WIDTH = 1"),
    "text of a self-documenting f-string": task("x = 3\nreturn f'{x=}' + '1'"),
    "three base classes away": {
        "a.py": "def helper():\n    return 1\n\nclass A:\n    def go(self):\n        return helper()\n",
        "b.py": "from .a import A\n\nclass B(A):\n    def go(self):\n        return super().go()\n",
        "tasks.py": "import luigi\nfrom . import b\n\nclass T(b.B, luigi.Task):\n    def run(self):\n        return super().go()\n",
    },
    "base called by name": {
        "a.py": "class A:\n    def go(self):\n        return 1\n",
        "tasks.py": "import luigi\nfrom .a import A\n\nclass T(A, luigi.Task):\n    def go(self):\n        return A.go(self)\n    def run(self):\n        return self.go()\n",
    },
    "keyword of a class statement": "import luigi\n\nclass Base(luigi.Task):\n    def __init_subclass__(cls, how=0, **more):\n        cls.how = how\n\nclass T(Base, how=1):\n    def run(self):\n        return self.how\n",
    "__init_subclass__ of a base elsewhere": {
        "base.py": "import luigi\n\nclass Base(luigi.Task):\n    def __init_subclass__(cls, **more):\n        cls.how = 1\n",
        "tasks.py": "from .base import Base\n\nclass T(Base):\n    def run(self):\n        return self.how\n",
    },
    "class made by type()": "import luigi\n\ndef run(self):\n    return 1\n\nT = type('T', (luigi.Task,), {'run': run, '__module__': __name__})\n",
    "class made by new_class": "import types\nimport luigi\n\ndef fill(space):\n    space['run'] = run\n\ndef run(self):\n    return 1\n\nT = types.new_class('T', (luigi.Task,), {}, fill)\nT.__module__ = __name__\n",
    "factory with a number": "import luigi\n\ndef make(n):\n    class T(luigi.Task):\n        def run(self):\n            return n\n    return T\n\nT = make(1)\n",
    "factory with a default": "import luigi\n\ndef make(n=1):\n    class T(luigi.Task):\n        def run(self):\n            return n\n    return T\n\nT = make()\n",
    "factory of factories": "import luigi\n\ndef outer(n):\n    def make(f):\n        class T(luigi.Task):\n            def run(self):\n                return f(n)\n        return T\n    return make\n\nT = outer(1)(abs)\n",
    "factory with a function in its cell": "import luigi\n\ndef one():\n    return 1\n\ndef make(f):\n    class T(luigi.Task):\n        def run(self):\n            return f()\n    return T\n\nT = make(one)\n",
    "factory with a lambda in its cell": "import luigi\n\ndef make(f):\n    class T(luigi.Task):\n        def run(self):\n            return f()\n    return T\n\nT = make(lambda: 1)\n",
    "factory with a partial in its cell": "import functools\nimport luigi\n\ndef show(n, m):\n    return n\n\ndef make(f):\n    class T(luigi.Task):\n        def run(self):\n            return f(3)\n    return T\n\nT = make(functools.partial(show, 1))\n",
    "factory with an instance in its cell": "import luigi\n\nclass Box:\n    def go(self):\n        return 1\n\ndef make(f):\n    class T(luigi.Task):\n        def run(self):\n            return f.go()\n    return T\n\nT = make(Box())\n",
    "factory with a bound method in its cell": "import luigi\n\nclass Box:\n    def go(self):\n        return 1\n\ndef make(f):\n    class T(luigi.Task):\n        def run(self):\n            return f()\n    return T\n\nT = make(Box().go)\n",
    "factory with a class in its cell": "import luigi\n\nclass Box:\n    def go(self):\n        return 1\n\ndef make(c):\n    class T(luigi.Task):\n        def run(self):\n            return c().go()\n    return T\n\nT = make(Box)\n",
    "factory with a module in its cell": {
        "leaf.py": "def f():\n    return 1\n",
        "tasks.py": "import luigi\nfrom . import leaf\n\ndef make(m):\n    class T(luigi.Task):\n        def run(self):\n            return m.f()\n    return T\n\nT = make(leaf)\n",
    },
    "factory with containers in its cell": "import luigi\n\ndef make(rows):\n    class T(luigi.Task):\n        def run(self):\n            return rows\n    return T\n\nT = make({'a': [{3, 4}, (1, None)]})\n",
    "factory with a dataclass in its cell": "import dataclasses\nimport luigi\n\n@dataclasses.dataclass\nclass Row:\n    x: int\n\ndef make(row):\n    class T(luigi.Task):\n        def run(self):\n            return row.x\n    return T\n\nT = make(Row(1))\n",
    "factory in another module": {
        "factory.py": "import luigi\n\ndef make(n):\n    class Made(luigi.Task):\n        def run(self):\n            return helper(n)\n    return Made\n\ndef helper(n):\n    return n * 1\n",
        "tasks.py": "from .factory import make\n\nT = make(3)\n",
    },
    "factories in a dict": "import luigi\n\ndef make(n):\n    class Made(luigi.Task):\n        def run(self):\n            return n\n    return Made\n\nMADE = {name: make(n) for name, n in [('a', 1), ('b', 7)]}\nT = MADE['a']\n",
    "factory by inheritance": "import luigi\n\ndef base(n):\n    class Base(luigi.Task):\n        def go(self):\n            return n\n    return Base\n\nclass T(base(1)):\n    def run(self):\n        return self.go()\n",
    "make_dataclass": task(
        "return Row().x", "import dataclasses\nRow = dataclasses.make_dataclass('Row', [('x', int, 1)])"
    ),
    "named tuple by call": task(
        "return Row()", "import collections\nRow = collections.namedtuple('Row', 'x', defaults=[1])"
    ),
    "helper class by type()": task("return Box.n", "Box = type('Box', (), {'n': 1})"),
    "simple namespace": task(
        "return CONFIG.db.port", "from types import SimpleNamespace as N\nCONFIG = N(db=N(port=1))"
    ),
    "chain map": task(
        "return CONFIG['a']", "from collections import ChainMap\nBASE = {'a': 1}\nCONFIG = ChainMap({}, BASE)"
    ),
    "mapping proxy": task(
        "return CONFIG['a']",
        "from types import MappingProxyType\nBASE = {'a': 1}\nCONFIG = MappingProxyType(BASE)",
    ),
    "registry of functions, nested": task(
        "return HOW['a']['b'][0]()", "def one():\n    return 1\n\nHOW = {'a': {'b': [one]}}"
    ),
    "string constant used in eval": task("return eval(CODE)", "CODE = '1'"),
    "regular expression compiled": task("return WORD.findall('aa')", "import re\nWORD = re.compile('a{1}')"),
    "two names of one list": task("return A", "A = B = []\nB.append(1)"),
    "name of a name of a list": task("return A", "A = []\nB = A\nB += [1]"),
    "list in a list": task("return ROWS", "INNER = []\nROWS = [INNER]\nINNER.append(1)"),
    "element of a list changed through a loop": task(
        "return ROWS", "ROWS = [{}, {}]\nfor row in ROWS:\n    row['x'] = 1"
    ),
    "changed by a function of the module": task(
        "return TABLE", "TABLE = {}\n\ndef fill(table):\n    table['x'] = 1\n\nfill(TABLE)"
    ),
    "changed by a function that names it": task(
        "return TABLE", "TABLE = {}\n\ndef fill():\n    TABLE.update(x=1)\n\nfill()"
    ),
    "changed by a method": task(
        "return TABLE",
        "TABLE = {}\n\nclass Filler:\n    def go(self, table):\n        table['x'] = 1\n\nFiller().go(TABLE)",
    ),
    "changed by a comprehension's call": task(
        "return TABLE", "TABLE = []\n[TABLE.append(i * 1) for i in range(3)]"
    ),
    "changed by a lambda": task("return TABLE", "TABLE = []\nadd = lambda x: TABLE.append(x)\nadd(1)"),
    "changed by a decorator on something unused": task(
        "return TABLE",
        "TABLE = {}\n\ndef note(n):\n    def inner(f):\n        TABLE[f.__name__] = n\n        return f\n    return inner\n\n@note(1)\ndef nobody():\n    pass",
    ),
    "changed by heapq": task("return QUEUE", "import heapq\nQUEUE = []\nheapq.heappush(QUEUE, 1)"),
    "changed by operator.setitem": task(
        "return TABLE", "import operator\nTABLE = {}\noperator.setitem(TABLE, 'x', 1)"
    ),
    "changed by list.append": task("return TABLE", "TABLE = []\nlist.append(TABLE, 1)"),
    "changed under a condition in a try": task(
        "return TABLE",
        "TABLE = {}\ntry:\n    if not TABLE:\n        TABLE['x'] = 1\nexcept KeyError:\n    pass\nelse:\n    pass",
    ),
    "changed in a while": task("return ROWS", "ROWS = []\nwhile len(ROWS) < 3:\n    ROWS.append(1)"),
    "changed in a match": task(
        "return ROWS", "ROWS = []\nmatch len(ROWS):\n    case 0:\n        ROWS.append(1)"
    ),
    "left by a loop": task("return last", "for last in (3, 1):\n    pass"),
    "left by a with": task(
        "return name", "import contextlib\nwith contextlib.nullcontext(1) as name:\n    pass"
    ),
    "left by an except": task(
        "return message",
        "try:\n    raise ValueError('1')\nexcept ValueError as error:\n    message = str(error)",
    ),
    "walrus at the top": task("return n", "if (n := 1) > 0:\n    pass"),
    "walrus in a comprehension": task("return n", "[n := x * 1 for x in range(3)]"),
    "walrus computed by a function": task(
        "return n", "def compute():\n    return 1\n\nprint(end='') or (n := compute())"
    ),
    "swapped": task("return A", "A, B = 3, 1\nA, B = B, A"),
    "star in unpacking": task("return REST", "FIRST, *REST = 3, 1, 4"),
    "nested unpacking": task("return Z", "X, (Y, [Z]) = 3, (4, [1])"),
    "slice": task("return ROWS", "ROWS = [3, 4, 5]\nROWS[0:2] = [1]"),
    "deep attribute": task("return C", "class C:\n    class D:\n        pass\nC.D.e = 1"),
    "deleted item": task("return TABLE", "TABLE = dict.fromkeys(range(3))\ndel TABLE[1]"),
    "globals()": task("return LIMIT", "globals()['LIMIT'] = 1"),
    "globals().update": task("return LIMIT", "globals().update(LIMIT=1)"),
    "vars()": task("return LIMIT", "vars()['LIMIT'] = 1"),
    "setattr on the own module": task(
        "return LIMIT", "import sys\nsetattr(sys.modules[__name__], 'LIMIT', 1)"
    ),
    "exec of a text": task("return LIMIT", "exec('LIMIT = 1')"),
    "global in a function that is called": task(
        "return LIMIT", "def init():\n    global LIMIT\n    LIMIT = 1\n\ninit()"
    ),
    "global in a method that is called": task(
        "return LIMIT",
        "class Init:\n    def __init__(self):\n        global LIMIT\n        LIMIT = 1\n\nInit()",
    ),
    "global in a function called from another module": {
        "__init__.py": "from . import start\n",
        "settings.py": "LIMIT = 0\n\ndef init(n):\n    global LIMIT\n    LIMIT = n\n",
        "start.py": "from . import settings\nsettings.init(1)\n",
        "tasks.py": task("return settings.LIMIT", "from . import settings"),
    },
    "global in a class body": task("return LIMIT", "class Init:\n    global LIMIT\n    LIMIT = 1"),
    "computed by a comprehension over another module": {
        "values.py": "ROWS = [3, 1]\n",
        "tasks.py": task("return ALL", "from . import values\nALL = {str(r) for r in values.ROWS}"),
    },
    "sum of constants of two modules": {
        "values.py": "A = 1\n",
        "more.py": "from .values import A\nB = A + 3\n",
        "tasks.py": task("return C", "from .more import B\nC = [B, *range(B)]"),
    },
    "own function called like a builtin": task("return sum([3])", "def sum(rows):\n    return 1"),
    "own class called like a builtin": task(
        "return list('ab')", "class list:\n    def __init__(self, x):\n        self.n = 1"
    ),
    "own name like a builtin, through a star": {
        "own.py": "def sorted(rows):\n    return 1\n",
        "tasks.py": task("return sorted([3])", "from .own import *"),
    },
    "own __import__-like name": task("return __load__()", "def __load__():\n    return 1"),
    "own print used by a helper": task(
        "return helper()", "def print(*x):\n    return 1\n\ndef helper():\n    return print('x')"
    ),
    "insignificant parameter's use": "import luigi\n\nclass T(luigi.Task):\n    n = luigi.IntParameter(default=3, significant=False)\n    def run(self):\n        return self.n + 1\n",
    "own parameter class": "import luigi\n\nclass Percent(luigi.IntParameter):\n    def parse(self, x):\n        return super().parse(x) * 1\n\nclass T(luigi.Task):\n    n = Percent(default=3)\n    def run(self):\n        return self.n\n",
    "own target class": "import luigi\n\nclass Upper(luigi.LocalTarget):\n    def write(self, x):\n        return 1\n\nclass T(luigi.Task):\n    def output(self):\n        return Upper('x')\n    def run(self):\n        self.output().write('x')\n",
    "own context manager on the task": "import luigi\n\nclass Mixin:\n    def __enter__(self):\n        return 1\n    def __exit__(self, *more):\n        pass\n\nclass T(Mixin, luigi.Task):\n    def run(self):\n        with self as n:\n            return n\n",
    "option of an output decorator": "import luisy\n\n@luisy.final\n@luisy.csv_output(sep=SEP)\nclass T(luisy.Task):\n    def run(self):\n        return 3\n".replace(
        "@luisy.final", "SEP = '1'\n\n@luisy.final"
    ),
    "requirement used as code": {
        "tasks.py": "import luigi\n\nclass A(luigi.Task):\n    @staticmethod\n    def helper():\n        return 1\n\nclass T(luigi.Task):\n    def requires(self):\n        return A()\n    def run(self):\n        return A.helper()\n",
    },
    "attribute of a requirement's class": {
        "tasks.py": "import luigi\n\nclass A(luigi.Task):\n    TABLE = {'x': 1}\n\nclass T(luigi.Task):\n    def requires(self):\n        return A()\n    def run(self):\n        return A.TABLE\n",
    },
    "method of a requirement, through requires()": {
        "tasks.py": "import luigi\n\nclass A(luigi.Task):\n    def table(self):\n        return 1\n\nclass T(luigi.Task):\n    def requires(self):\n        return A()\n    def run(self):\n        return self.requires().table()\n",
    },
    "method of a task built in run()": {
        "tasks.py": "import luigi\n\nclass A(luigi.Task):\n    def table(self):\n        return 1\n\nclass T(luigi.Task):\n    def run(self):\n        return A().table()\n",
    },
    "plain class in requires": (
        "import luigi\n\nclass A(luigi.Task):\n    pass\n\nclass Plan:\n    days = 1\n\n"
        "class T(luigi.Task):\n    def requires(self):\n        return [A() for _ in range(Plan().days)]\n"
        "    def run(self):\n        return 3\n"
    ),
    "condition in requires": {
        "tasks.py": "import luigi\n\nclass A(luigi.Task):\n    pass\n\nclass T(luigi.Task):\n    def requires(self):\n        return [A() for _ in range(1)]\n    def run(self):\n        return 3\n",
    },
    "helper of requires": {
        "tasks.py": "import luigi\n\nclass A(luigi.Task):\n    pass\n\ndef count():\n    return 1\n\nclass T(luigi.Task):\n    def requires(self):\n        return [A() for _ in range(count())]\n    def run(self):\n        return 3\n",
    },
}
for label, files in ONE.items():
    piece(f"made of: {label}", "what the task does says 1 there", files)
