"""Code that comes to the task from other modules: every way to import, register, and patch."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import edit, task

LEAF = "def f():\n    return 1\n\ndef g():\n    return 7\n"

# -- imports -----------------------------------------------------------------------------------------------

for used, expectation, old, new in [
    ("the leaf", "changed", "return 1", "return 2"),
    ("a sibling of the leaf", "same", "return 7", "return 8"),
]:
    for label, files in {
        "re-exported twice under other names": {
            "lib/__init__.py": "from .inner import first as second\n",
            "lib/inner/__init__.py": "from .leaf import f as first, g as other\n",
            "lib/inner/leaf.py": LEAF,
            "tasks.py": task("return third()", "from .lib import second as third"),
        },
        "a submodule that only another module imports": {
            "sub/__init__.py": "",
            "sub/leaf.py": LEAF,
            "loader.py": "import pkg.sub.leaf\n",
            "tasks.py": task("return pkg.sub.leaf.f()", "import pkg\nfrom . import loader"),
        },
        "a dotted import that is bound again": {
            "sub/__init__.py": "",
            "sub/leaf.py": LEAF,
            "tasks.py": task("return short.f()", "import pkg.sub.leaf\nshort = pkg.sub.leaf"),
        },
        "a module chain round a circle": {
            "a.py": "from . import b\n" + LEAF,
            "b.py": "from . import a\n",
            "tasks.py": task("return a.b.a.f()", "from . import a"),
        },
        "parent's sibling, from a subpackage": {
            "sub/__init__.py": "",
            "common.py": LEAF,
            "sub/deep.py": "from ..common import f\n\ndef h():\n    return f()\n",
            "tasks.py": task("from .sub.deep import h\nreturn h()"),
        },
        "getattr by a constant name": {
            "leaf.py": LEAF,
            "tasks.py": task("return getattr(leaf, 'f')()", "from . import leaf"),
        },
        "a namespace package": {
            "../spaced/leaf.py": LEAF,
            "tasks.py": task("return f()", "from spaced.leaf import f"),
        },
        "a namespace package, by chain": {
            "../spaced/deeper/leaf.py": LEAF,
            "tasks.py": task("return s.leaf.f()", "import spaced.deeper.leaf\nimport spaced.deeper as s"),
        },
        "an own module with a name of the standard library": {
            "../colorsys.py": LEAF,
            "tasks.py": task("return colorsys.f()", "import colorsys"),
        },
        "an own submodule with a name of the standard library": {
            "statistics.py": LEAF,
            "tasks.py": task("return statistics.f()", "from . import statistics"),
        },
        "import in a class body": {
            "leaf.py": LEAF,
            "tasks.py": "import luigi\nclass T(luigi.Task):\n    from .leaf import f\n    def run(self):\n        return type(self).f()\n",
        },
        "import in a nested function": {
            "leaf.py": LEAF,
            "tasks.py": task("def inner():\n    from .leaf import f as q\n    return q()\nreturn inner()"),
        },
        "import in the else of type checking": {
            "leaf.py": LEAF,
            "tasks.py": task(
                "return f()",
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from typing import Any as f\nelse:\n    from .leaf import f",
            ),
        },
        "import in a finally": {
            "leaf.py": LEAF,
            "tasks.py": task("return f()", "try:\n    pass\nfinally:\n    from .leaf import f"),
        },
        "import in a with": {
            "leaf.py": LEAF,
            "tasks.py": task(
                "return f()",
                "import contextlib\nwith contextlib.suppress(ImportError):\n    from .leaf import f",
            ),
        },
        "import by another name in a tuple": {
            "leaf.py": LEAF,
            "tasks.py": task("return PAIR[0].f()", "from . import leaf\nPAIR = (leaf, 3)"),
        },
    }.items():
        if label.startswith("import by another name in a tuple") and expectation == "same":
            continue  # what comes out of a container is not told apart
        edit(f"{label}: {used}", expectation, f"{label} reaches one name of the module", files, old, new)

edit(
    "fallback import that is taken",
    "changed",
    "the first import fails, so the own module is what runs",
    {
        "leaf.py": LEAF,
        "tasks.py": task(
            "return m.f()",
            "try:\n    import not_there_at_all as m\nexcept ImportError:\n    from . import leaf as m",
        ),
    },
    "return 1",
    "return 2",
)
edit(
    "fast path that is taken",
    "changed",
    "the import works, so the definition in the handler never counts",
    {
        "fast.py": LEAF,
        "tasks.py": task(
            "return f()", "try:\n    from .fast import f\nexcept ImportError:\n    def f():\n        return 9"
        ),
    },
    "return 1",
    "return 2",
)
edit(
    "private name through __all__ and star",
    "changed",
    "__all__ exports the underscore name",
    {
        "leaf.py": "__all__ = ['_f']\ndef _f():\n    return 1\n",
        "tasks.py": task("return _f()", "from .leaf import *"),
    },
    "return 1",
    "return 2",
)
edit(
    "star import over a later definition",
    "same",
    "the definition after the star is the one that counts",
    {"leaf.py": LEAF, "tasks.py": task("return f()", "from .leaf import *\ndef f():\n    return 3")},
    "return 1",
    "return 2",
)
edit(
    "star import after a definition",
    "changed",
    "the star after the definition is the one that counts",
    {"leaf.py": LEAF, "tasks.py": task("return f()", "def f():\n    return 3\nfrom .leaf import *")},
    "return 1",
    "return 2",
)
for which, expectation in (("one", "same"), ("two", "changed")):
    edit(
        f"two stars bring one name: {which}",
        expectation,
        "the last star wins",
        {
            "one.py": "def f():\n    return 'one'\n",
            "two.py": "def f():\n    return 'two'\n",
            "tasks.py": task("return f()", "from .one import *\nfrom .two import *"),
        },
        f"'{which}'",
        "'new'",
    )
edit(
    "star import loads a submodule by __all__",
    "changed",
    "__all__ of a package names a submodule",
    {
        "lib/__init__.py": "__all__ = ['leaf']\n",
        "lib/leaf.py": LEAF,
        "tasks.py": task("return leaf.f()", "from .lib import *"),
    },
    "return 1",
    "return 2",
)
edit(
    "__all__ put together from two modules",
    "changed",
    "exported through a computed __all__",
    {
        "lib/__init__.py": "from . import a, b\nfrom .a import *\nfrom .b import *\n__all__ = a.__all__ + b.__all__\n",
        "lib/a.py": "__all__ = ['f']\ndef f():\n    return 1\n",
        "lib/b.py": "__all__ = ['_g']\ndef _g():\n    return f()\ndef f():\n    return 5\n",
        "tasks.py": task("return _g()", "from .lib import *"),
    },
    "return 5",
    "return 6",
)
edit(
    "constant through a star through a loop",
    "changed",
    "the loop computes what is imported",
    {
        "deep.py": "ROWS = []\nfor i in range(3):\n    ROWS.append(i * 2)\n",
        "lib.py": "from .deep import *\n",
        "tasks.py": task("return ROWS", "from .lib import ROWS"),
    },
    "i * 2",
    "i * 3",
)
edit(
    "module __getattr__",
    "changed",
    "the attribute is made by __getattr__ of the module",
    {
        "lib.py": "def _make(name):\n    return 1\n\ndef __getattr__(name):\n    return _make(name)\n",
        "tasks.py": task("return lib.thing", "from . import lib"),
    },
    "return 1",
    "return 2",
)
edit(
    "lazy package: name imported through __getattr__",
    "changed",
    "the name that arrived was defined in a module that only __getattr__ names",
    {
        "lib/__init__.py": "import importlib\n_LAZY = {'f': '.leaf'}\n\ndef __getattr__(name):\n"
        "    if name not in _LAZY:\n        raise AttributeError(name)\n"
        "    return getattr(importlib.import_module(_LAZY[name], __name__), name)\n",
        "lib/leaf.py": LEAF,
        "tasks.py": task("return f()", "from .lib import f"),
    },
    "return 1",
    "return 2",
)
edit(
    "lazy package: attribute through __getattr__",
    "changed",
    "the attribute is loaded when it is used",
    {
        "lib/__init__.py": "import importlib\n_LAZY = {'f': '.leaf'}\n\ndef __getattr__(name):\n"
        "    if name not in _LAZY:\n        raise AttributeError(name)\n"
        "    return getattr(importlib.import_module(_LAZY[name], __name__), name)\n",
        "lib/leaf.py": LEAF,
        "tasks.py": task("return lib.f()", "from . import lib\nSEEN = lib.f"),
    },
    "return 1",
    "return 2",
)
edit(
    "an object in place of a module",
    "changed",
    "sys.modules holds an instance of a class of the module",
    {
        "lib.py": "import sys\n\nclass Lib:\n    def f(self):\n        return 1\n\nsys.modules[__name__] = Lib()\n",
        "tasks.py": task("return lib.f()", "from . import lib"),
    },
    "return 1",
    "return 2",
)
edit(
    "modules in a dict",
    "changed",
    "which module is looked up cannot be told, so all count",
    {
        "a.py": LEAF,
        "b.py": "def f():\n    return 3\n",
        "tasks.py": task("return MODULES['a'].f()", "from . import a, b\nMODULES = {'a': a, 'b': b}"),
    },
    "return 1",
    "return 2",
)
edit(
    "module handed to a function",
    "changed",
    "the function uses an attribute of the module that it gets",
    {
        "leaf.py": LEAF,
        "helpers.py": "def call(module):\n    return module.f()\n",
        "tasks.py": task("return call(leaf)", "from . import leaf\nfrom .helpers import call"),
    },
    "return 1",
    "return 2",
)
for label, head, body in [
    (
        "import_module, relative",
        "import importlib",
        "return importlib.import_module('.leaf', __package__).f()",
    ),
    (
        "import_module under another name",
        "from importlib import import_module as load",
        "return load('pkg.leaf').f()",
    ),
    ("__import__ with fromlist", "", "return __import__('pkg.leaf', fromlist=['f']).f()"),
    ("__import__ of the package", "", "return __import__('pkg.leaf').leaf.f()"),
    (
        "import_module in a constant",
        "import importlib\nLEAF = importlib.import_module('pkg.leaf')",
        "return LEAF.f()",
    ),
    (
        "attrgetter chain",
        "import operator\nimport pkg.leaf\nimport pkg",
        "return operator.attrgetter('leaf.f')(pkg)()",
    ),
    ("methodcaller", "import operator\nfrom . import leaf", "return operator.methodcaller('f')(leaf)"),
    ("vars of a module", "from . import leaf", "return vars(leaf)['f']()"),
    ("__dict__ of a module", "from . import leaf", "return leaf.__dict__['f']()"),
    ("sys.modules by name", "import sys\nfrom . import leaf", "return sys.modules['pkg.leaf'].f()"),
    ("partial", "import functools\nfrom .leaf import f", "return functools.partial(f)()"),
    ("map", "from . import leaf", "return list(map(lambda _: leaf.f(), [1]))"),
    ("getattr with default", "from . import leaf", "return getattr(leaf, 'f', None)()"),
    ("walrus on a module", "from . import leaf", "return (m := leaf).f()"),
    (
        "conditional expression of modules",
        "from . import leaf, other",
        "return (leaf if self.n else other).f()",
    ),
    ("module as default argument", "from . import leaf\ndef h(m=leaf):\n    return m.f()", "return h()"),
    ("module as attribute of a class", "from . import leaf\nclass Box:\n    m = leaf", "return Box.m.f()"),
    ("module as attribute of self", "from . import leaf", "self.m = leaf\nreturn self.m.f()"),
    ("import in a lambda", "load = lambda: __import__('pkg.leaf', fromlist=['f'])", "return load().f()"),
]:
    edit(
        f"dynamic: {label}",
        "changed",
        "the name is a constant in the source",
        {"leaf.py": LEAF, "other.py": "def f():\n    return 3\n", "tasks.py": task(body, head)},
        "return 1",
        "return 2",
    )

edit(
    "names of a package's __init__",
    "changed",
    "the package's own constant is used from below",
    {
        "__init__.py": "LIMIT = 1\nOTHER = 2\n__version__ = '1'\n",
        "leaf.py": "from pkg import LIMIT\n\ndef f():\n    return LIMIT\n",
        "tasks.py": task("return f()", "from .leaf import f"),
    },
    "LIMIT = 1",
    "LIMIT = 3",
)
edit(
    "__version__ of the package, used",
    "changed",
    "a dunder name is a name",
    {
        "__init__.py": "__version__ = '1'\n",
        "tasks.py": task("return __version__", "from pkg import __version__"),
    },
    "'1'",
    "'2'",
)
edit(
    "__version__ of the package, not used",
    "same",
    "nobody reads it",
    {"__init__.py": "__version__ = '1'\n", "tasks.py": task("return 3")},
    "'1'",
    "'2'",
)
edit(
    "module of the same name as a standard one, not imported",
    "same",
    "an absolute import means the standard library",
    {"json.py": "def dumps(x):\n    return 1\n", "tasks.py": task("return json.dumps(3)", "import json")},
    "return 1",
    "return 2",
)

# -- registration --------------------------------------------------------------------------------------------

REGISTRY = "REGISTRY = {}\n\ndef register(name):\n    def add(f):\n        REGISTRY[name] = f\n        return f\n    return add\n"
PLUGIN = "from .registry import register\n\n@register('a')\ndef a():\n    return 1\n\ndef unused():\n    return 7\n"
for label, files in {
    "decorator with a name": {
        "__init__.py": "from . import plugin\n",
        "registry.py": REGISTRY,
        "plugin.py": PLUGIN,
        "tasks.py": task("return REGISTRY['a']()", "from .registry import REGISTRY"),
    },
    "plain decorator and a list": {
        "__init__.py": "from . import plugin\n",
        "registry.py": "ALL = []\n\ndef register(f):\n    ALL.append(f)\n    return f\n",
        "plugin.py": PLUGIN.replace("@register('a')", "@register"),
        "tasks.py": task("return [f() for f in registry.ALL]", "from . import registry"),
    },
    "method of a registry object": {
        "__init__.py": "from . import plugin\n",
        "registry.py": "class Registry:\n    def __init__(self):\n        self.known = {}\n    def add(self, f):\n"
        "        self.known[f.__name__] = f\n        return f\n    def get(self, name):\n        return self.known[name]\n\n"
        "registry = Registry()\n",
        "plugin.py": "from .registry import registry\n\n@registry.add\ndef a():\n    return 1\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return registry.get('a')()", "from .registry import registry"),
    },
    "registry object as decorator": {
        "__init__.py": "from . import plugin\n",
        "registry.py": "class Registry(dict):\n    def __call__(self, f):\n        self[f.__name__] = f\n        return f\n\nregistry = Registry()\n",
        "plugin.py": "from .registry import registry\n\n@registry\ndef a():\n    return 1\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return registry['a']()", "from .registry import registry"),
    },
    "call of the registering function": {
        "__init__.py": "from . import plugin\n",
        "registry.py": REGISTRY,
        "plugin.py": "from . import registry\n\ndef a():\n    return 1\n\nregistry.register('a')(a)\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return REGISTRY['a']()", "from .registry import REGISTRY"),
    },
    "item assignment in another module": {
        "__init__.py": "from . import plugin\n",
        "registry.py": REGISTRY,
        "plugin.py": "from pkg import registry\n\ndef a():\n    return 1\n\nregistry.REGISTRY['a'] = a\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return REGISTRY['a']()", "from .registry import REGISTRY"),
    },
    "__init_subclass__": {
        "__init__.py": "from . import plugin\n",
        "base.py": "class Base:\n    known = {}\n    def __init_subclass__(cls, **more):\n        Base.known[cls.__name__] = cls\n",
        "plugin.py": "from .base import Base\n\nclass A(Base):\n    def go(self):\n        return 1\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return Base.known['A']().go()", "from .base import Base"),
    },
    "metaclass": {
        "__init__.py": "from . import plugin\n",
        "base.py": "KNOWN = []\n\nclass Meta(type):\n    def __new__(meta, name, bases, space):\n        cls = super().__new__(meta, name, bases, space)\n"
        "        KNOWN.append(cls)\n        return cls\n\nclass Base(metaclass=Meta):\n    pass\n",
        "plugin.py": "from .base import Base\n\nclass A(Base):\n    def go(self):\n        return 1\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return KNOWN[-1]().go()", "from .base import KNOWN"),
    },
    "__subclasses__": {
        "__init__.py": "from . import plugin\n",
        "base.py": "class Base:\n    pass\n",
        "plugin.py": "from .base import Base\n\nclass A(Base):\n    def go(self):\n        return 1\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return [s().go() for s in Base.__subclasses__()]", "from .base import Base"),
    },
    "class decorator": {
        "__init__.py": "from . import plugin\n",
        "registry.py": REGISTRY,
        "plugin.py": "from .registry import register\n\n@register('a')\nclass A:\n    def __call__(self):\n        return 1\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return REGISTRY['a']()()", "from .registry import REGISTRY"),
    },
    "singledispatch, decorator by annotation": {
        "__init__.py": "from . import plugin\n",
        "generic.py": "import functools\n\n@functools.singledispatch\ndef show(x):\n    return 0\n",
        "plugin.py": "from .generic import show\n\n@show.register\ndef _(x: int):\n    return 1\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return show(3)", "from .generic import show"),
    },
    "singledispatch, call": {
        "__init__.py": "from . import plugin\n",
        "generic.py": "from functools import singledispatch\n\n@singledispatch\ndef show(x):\n    return 0\n",
        "plugin.py": "from . import generic\n\ndef impl(x):\n    return 1\n\ngeneric.show.register(int, impl)\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return show(3)", "from .generic import show"),
    },
    "abc.register": {
        "__init__.py": "from . import plugin\n",
        "base.py": "import abc\n\nclass Base(abc.ABC):\n    pass\n",
        "plugin.py": "from .base import Base\n\nclass A:\n    def go(self):\n        return 1\n\nBase.register(A)\nMADE = A()\n\ndef unused():\n    return 7\n",
        "tasks.py": task(
            "from .plugin import MADE\nreturn isinstance(MADE, Base) and MADE.go()", "from .base import Base"
        ),
    },
    "loop over what a module has": {
        "registry.py": "from . import plugin\n\nREGISTRY = {k: v for k, v in vars(plugin).items() if k in ('a',)}\n",
        "plugin.py": "def a():\n    return 1\n",
        "tasks.py": task("return REGISTRY['a']()", "from .registry import REGISTRY"),
    },
    "setdefault and extend": {
        "__init__.py": "from . import plugin\n",
        "registry.py": "HOOKS = {}\n",
        "plugin.py": "from .registry import HOOKS\n\ndef a():\n    return 1\n\nHOOKS.setdefault('x', []).extend([a])\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return HOOKS['x'][0]()", "from .registry import HOOKS"),
    },
    "augmented assignment of an attribute": {
        "__init__.py": "from . import plugin\n",
        "registry.py": "HOOKS = ()\n",
        "plugin.py": "from . import registry\n\ndef a():\n    return 1\n\nregistry.HOOKS += (a,)\n\ndef unused():\n    return 7\n",
        "tasks.py": task("return registry.HOOKS[0]()", "from . import registry"),
    },
}.items():
    edit(f"registered elsewhere: {label}", "changed", "the registry holds it", files, "return 1", "return 2")
    if any("unused" in text for text in files.values()):
        edit(f"beside what is registered: {label}", "same", "nobody uses it", files, "return 7", "return 8")

edit(
    "singledispatch: the annotation decides",
    "changed",
    "register reads the type from the annotation, which is no type-only edit then",
    "import functools\nimport luigi\n\n@functools.singledispatch\ndef show(x):\n    return 0\n\n@show.register\ndef _(x: int):\n    return 1\n\n"
    "class T(luigi.Task):\n    def run(self):\n        return show(3)\n",
    "x: int",
    "x: float",
)
edit(
    "singledispatchmethod: the annotation decides",
    "changed",
    "as with singledispatch, in a class",
    "import functools\nimport luigi\n\nclass Show:\n    @functools.singledispatchmethod\n    def show(self, x):\n        return 0\n\n    @show.register\n"
    "    def _(self, x: int):\n        return 1\n\nclass T(luigi.Task):\n    def run(self):\n        return Show().show(3)\n",
    "x: int",
    "x: float",
)
edit(
    "order of registration",
    "changed",
    "a registry is walked in the order in which it was filled",
    {
        "registry.py": "ALL = []\n\ndef register(f):\n    ALL.append(f)\n    return f\n",
        "tasks.py": "import luigi\nfrom .registry import ALL, register\n\n@register\ndef a():\n    return 1\n\n@register\ndef b():\n    return 2\n\n"
        "class T(luigi.Task):\n    def run(self):\n        return [f() for f in ALL]\n",
    },
    "def a():\n    return 1\n\n@register\ndef b():\n    return 2\n",
    "def b():\n    return 2\n\n@register\ndef a():\n    return 1\n",
)
edit(
    "a plugin more",
    "changed",
    "another entry in the registry that is walked",
    {
        "__init__.py": "from . import plugin\n",
        "registry.py": REGISTRY,
        "plugin.py": PLUGIN,
        "tasks.py": task("return [f() for f in REGISTRY.values()]", "from .registry import REGISTRY"),
    },
    "def unused():\n    return 7\n",
    "@register('b')\ndef unused():\n    return 7\n",
)
edit(
    "another registry",
    "same",
    "what another registry holds is nobody's here",
    {
        "__init__.py": "from . import plugin\n",
        "registry.py": REGISTRY,
        "others.py": REGISTRY,
        "plugin.py": PLUGIN.replace("registry", "others"),
        "tasks.py": task("return REGISTRY", "from .registry import REGISTRY"),
    },
    "return 1",
    "return 2",
)

# -- patching ------------------------------------------------------------------------------------------------

RUN = "import luigi\n\nclass T(luigi.Task):\n    def run(self):\n        return 0\n"
for label, expectation, files in [
    (
        "T.run set by a module that the package imports",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "tasks.py": RUN,
            "patch.py": "from . import tasks\n\ndef better(self):\n    return 1\n\ntasks.T.run = better\n",
        },
    ),
    (
        "T.run set by setattr",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "tasks.py": RUN,
            "patch.py": "from .tasks import T\n\ndef better(self):\n    return 1\n\nsetattr(T, 'run', better)\n",
        },
    ),
    (
        "T.run set in a function that is called",
        "changed",
        {
            "__init__.py": "from . import patch\npatch.install()\n",
            "tasks.py": RUN,
            "patch.py": "def better(self):\n    return 1\n\ndef install():\n    from .tasks import T\n    T.run = better\n",
        },
    ),
    (
        "T.run set to a lambda",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "tasks.py": RUN,
            "patch.py": "from .tasks import T\n\ndef better():\n    return 1\n\nT.run = lambda self: better()\n",
        },
    ),
    (
        "T.run set in a loop over names",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "tasks.py": RUN,
            "patch.py": "from .tasks import T\n\ndef make(name):\n    def method(self):\n        return 1\n    return method\n\n"
            "for name in ('run', 'on_success'):\n    setattr(T, name, make(name))\n",
        },
    ),
    (
        "a mixin appended to the bases",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "tasks.py": "import luigi\n\nclass Base(luigi.Task):\n    pass\n\nclass T(Base):\n    pass\n",
            "patch.py": "import luigi\nfrom .tasks import T\n\nclass Mixin(luigi.Task):\n    def run(self):\n        return 1\n\nT.__bases__ = (Mixin,)\n",
        },
    ),
    (
        "function of a module replaced",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "leaf.py": "def f():\n    return 0\n\ndef g():\n    return 0\n",
            "patch.py": "from . import leaf\n\ndef better():\n    return 1\n\nleaf.f = better\n",
            "tasks.py": task("return leaf.f()", "from . import leaf"),
        },
    ),
    (
        "function of a module replaced by setattr",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "leaf.py": "def f():\n    return 0\n\ndef g():\n    return 0\n",
            "patch.py": "import pkg.leaf\n\ndef better():\n    return 1\n\nsetattr(pkg.leaf, 'f', better)\n",
            "tasks.py": task("return leaf.f()", "from . import leaf"),
        },
    ),
    (
        "function of a module wrapped in place",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "leaf.py": "def f():\n    return 0\n",
            "patch.py": "from . import leaf\n\ndef wrap(f):\n    def inner():\n        return f() + 1\n    return inner\n\nleaf.f = wrap(leaf.f)\n".replace(
                "return f() + 1", "x = f()\n        return 1"
            ),
            "tasks.py": task("return leaf.f()", "from . import leaf"),
        },
    ),
    (
        "an imported name replaced where it was imported",
        "changed",
        {
            "__init__.py": "from . import z_patch\n",
            "leaf.py": "def f():\n    return 0\n",
            "z_patch.py": "from . import tasks\n\ndef better():\n    return 1\n\ntasks.f = better\n",
            "tasks.py": task("return f()", "from .leaf import f"),
        },
    ),
    (
        "an imported module replaced where it was imported",
        "changed",
        {
            "__init__.py": "from . import z_patch\n",
            "leaf.py": "def f():\n    return 0\n",
            "z_patch.py": "from . import tasks\n\nclass Fake:\n    def f(self):\n        return 1\n\ntasks.leaf = Fake()\n",
            "tasks.py": task("return leaf.f()", "from . import leaf"),
        },
    ),
    (
        "a name that only another module sets",
        "changed",
        {
            "__init__.py": "from . import z_patch\n",
            "leaf.py": "def f():\n    return 0\n",
            "z_patch.py": "from . import leaf\n\ndef better():\n    return 1\n\nleaf.more = better\n",
            "a_user.py": "from . import leaf\n\ndef use():\n    return leaf.more()\n",
            "tasks.py": task("return use()", "from .a_user import use"),
        },
    ),
    (
        "a name in the task's module that only another module sets",
        "changed",
        {
            "__init__.py": "from . import z_patch\n",
            "z_patch.py": "from . import tasks\n\ndef better():\n    return 1\n\ntasks.more = better\n",
            "tasks.py": task("return more()"),
        },
    ),
    (
        "a builtin replaced in the task's module",
        "changed",
        {
            "__init__.py": "from . import z_patch\n",
            "z_patch.py": "from . import tasks\n\ndef better(rows):\n    return 1\n\ntasks.sum = better\n",
            "tasks.py": task("return sum([3])"),
        },
    ),
    (
        "a builtin that only another module sets",
        "changed",
        {
            "__init__.py": "from . import z_patch\n",
            "z_patch.py": "import builtins\n\ndef better(rows):\n    return 1\n\nbuiltins.sum_of = better\n",
            "tasks.py": task("return sum_of([3])"),
        },
    ),
    (
        "another function of the module replaced",
        "same",
        {
            "__init__.py": "from . import patch\n",
            "leaf.py": "def f():\n    return 0\n\ndef g():\n    return 0\n",
            "patch.py": "from . import leaf\n\ndef better():\n    return 1\n\nleaf.g = better\n",
            "tasks.py": task("return leaf.f()", "from . import leaf"),
        },
    ),
    (
        "function replaced inside a test that nobody imports",
        "same",
        {
            "leaf.py": "def f():\n    return 0\n",
            "test_leaf.py": "from . import leaf\n\ndef test():\n    leaf.f = lambda: 1\n    return 1\n",
            "tasks.py": task("return leaf.f()", "from . import leaf"),
        },
    ),
    (
        "method of a helper class set later",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "leaf.py": "class Cleaner:\n    def clean(self):\n        return self.how()\n",
            "patch.py": "from .leaf import Cleaner\n\ndef _how():\n    return 1\n\nCleaner.how = staticmethod(_how)\n",
            "tasks.py": task("return Cleaner().clean()", "from .leaf import Cleaner"),
        },
    ),
    (
        "attribute of a function set later",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "leaf.py": "def f():\n    return f.how()\n",
            "patch.py": "from .leaf import f\n\ndef how():\n    return 1\n\nf.how = how\n",
            "tasks.py": task("return f()", "from .leaf import f"),
        },
    ),
    (
        "attribute of an instance set later",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "leaf.py": "class Box:\n    pass\n\nbox = Box()\nbox.inner = Box()\n",
            "patch.py": "from . import leaf\n\ndef how():\n    return 1\n\nleaf.box.inner.how = how\n",
            "tasks.py": task("return box.inner.how()", "from .leaf import box"),
        },
    ),
    (
        "a library's function replaced by own code",
        "changed",
        {
            "tasks.py": task(
                "return textwrap.dedent('x')",
                "import textwrap\n\ndef own(text):\n    return 1\n\ntextwrap.dedent = own",
            ),
        },
    ),
    (
        "a library's function replaced by own code elsewhere",
        "changed",
        {
            "__init__.py": "from . import patch\n",
            "patch.py": "import textwrap\n\ndef own(text):\n    return 1\n\ntextwrap.indent = own\n",
            "tasks.py": task("return textwrap.indent('x', '')", "import textwrap"),
        },
    ),
]:
    edit(f"patched: {label}", expectation, label, files, "return 1", "return 2")

for label, files, old, new in [
    (
        "random.seed here",
        {"tasks.py": task("return random.random()", "import random\nrandom.seed(31)")},
        "31",
        "32",
    ),
    (
        "random.seed in the package",
        {
            "__init__.py": "import random\nrandom.seed(31)\n",
            "tasks.py": task("return random.random()", "import random"),
        },
        "31",
        "32",
    ),
    (
        "precision of the context",
        {
            "tasks.py": task(
                "return Decimal(1) / 3", "from decimal import Decimal, getcontext\ngetcontext().prec = 31"
            )
        },
        "31",
        "32",
    ),
    (
        "environment set here",
        {"tasks.py": task("return os.environ['MODE']", "import os\nos.environ['MODE'] = 'm31'")},
        "31",
        "32",
    ),
    (
        "environment set in another module",
        {
            "__init__.py": "from . import settings\n",
            "settings.py": "import os\nos.environ.setdefault('MODE_OF_A_CASE', 'm31')\n",
            "tasks.py": task("return os.getenv('MODE_OF_A_CASE')", "import os"),
        },
        "31",
        "32",
    ),
]:
    edit(
        f"state of a library: {label}",
        "changed",
        "the statement changes what the library does",
        files,
        old,
        new,
    )
