"""Edits that look like nothing and matter, and names that look alike and are not."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import edit, piece, task

# -- what is no type-only edit -------------------------------------------------------------------------------

for label, files, old, new in [
    (
        "annotations read at run time",
        task("return {k: t('3') for k, t in Row.__annotations__.items()}", "class Row:\n    n: int"),
        "n: int",
        "n: float",
    ),
    (
        "annotations read by get_type_hints elsewhere",
        {
            "rows.py": "class Row:\n    n: int\n",
            "read.py": "import typing\n\ndef read(cls):\n    return {k: t('3') for k, t in typing.get_type_hints(cls).items()}\n",
            "tasks.py": task("return read(Row)", "from .read import read\nfrom .rows import Row"),
        },
        "n: int",
        "n: float",
    ),
    (
        "annotation read from the signature",
        task(
            "return [p.annotation('3') for p in inspect.signature(f).parameters.values()]",
            "import inspect\n\ndef f(x: int):\n    pass",
        ),
        "x: int",
        "x: float",
    ),
    (
        "field of a dataclass more",
        task("return Row(3)", "import dataclasses\n\n@dataclasses.dataclass\nclass Row:\n    x: int"),
        "x: int",
        "x: int\n    y: int = 4",
    ),
    (
        "field of a dataclass becomes a class variable",
        task(
            "return Row(x=3)",
            "import dataclasses\nfrom typing import ClassVar\n\n@dataclasses.dataclass\nclass Row:\n    x: int = 3",
        ),
        "x: int",
        "x: ClassVar[int]",
    ),
    (
        "field of a dataclass becomes an InitVar",
        task("return Row(x=3)", "import dataclasses\n\n@dataclasses.dataclass\nclass Row:\n    x: int = 3"),
        "x: int",
        "x: dataclasses.InitVar[int]",
    ),
    (
        "keyword-only fields",
        task(
            "return Row(x=3)",
            "import dataclasses\n\n@dataclasses.dataclass\nclass Row:\n    x: int = 3\n    y: int = 4",
        ),
        "x: int = 3\n",
        "_: dataclasses.KW_ONLY\n    x: int = 3\n",
    ),
    (
        "fields in another order",
        task(
            "return Row(3, 4)",
            "import dataclasses\n\n@dataclasses.dataclass\nclass Row:\n    x: int\n    y: int",
        ),
        "x: int\n    y: int",
        "y: int\n    x: int",
    ),
    (
        "fields of a base in another module, for a dataclass",
        {
            "base.py": "import dataclasses\n\n@dataclasses.dataclass\nclass Base:\n    x: int\n    y: int\n",
            "tasks.py": task(
                "return Row(3, 4, 5)",
                "from dataclasses import dataclass as rows\nfrom .base import Base\n\n@rows\nclass Row(Base):\n    z: int",
            ),
        },
        "x: int\n    y: int",
        "y: int\n    x: int",
    ),
    (
        "field of a named tuple more",
        task("return Row(3)", "from typing import NamedTuple\n\nclass Row(NamedTuple):\n    x: int"),
        "x: int",
        "x: int\n    y: int = 4",
    ),
    (
        "fields through an own decorator over dataclass",
        task(
            "return Row(3)",
            "import dataclasses\n\ndef rows(cls):\n    return dataclasses.dataclass(cls, frozen=True)\n\n@rows\nclass Row:\n    x: int",
        ),
        "x: int",
        "x: int\n    y: int = 4",
    ),
    (
        "fields through a metaclass",
        task(
            "return Row.fields",
            "class Meta(type):\n    def __init__(cls, name, bases, space):\n        cls.fields = list(space.get('__annotations__', {}))\n\n"
            "class Row(metaclass=Meta):\n    x: int",
        ),
        "x: int",
        "x: int\n    y: int",
    ),
    (
        "fields through __init_subclass__",
        task(
            "return Row.fields",
            "import inspect\n\nclass Base:\n    def __init_subclass__(cls):\n        cls.fields = list(inspect.get_annotations(cls))\n\nclass Row(Base):\n    x: int",
        ),
        "x: int",
        "x: int\n    y: int",
    ),
    (
        "annotation that is a value",
        task(
            "return Row.n.__metadata__",
            "from typing import Annotated\n\nclass Row:\n    n = Annotated[int, 'a']",
        ),
        "'a'",
        "'b'",
    ),
    ("a type that is called", task("return Rows('ab')", "Rows = list"), "Rows = list", "Rows = tuple"),
    (
        "a type variable's bound, asked for",
        task("return X.__bound__('3')", "from typing import TypeVar\nX = TypeVar('X', bound=int)"),
        "bound=int",
        "bound=float",
    ),
    (
        "a typed dict whose keys are asked for",
        task(
            "return sorted(Row.__annotations__)",
            "from typing import TypedDict\n\nclass Row(TypedDict):\n    x: int",
        ),
        "x: int",
        "z: int",
    ),
    (
        "a runtime protocol",
        task(
            "return isinstance(3, Has)",
            "from typing import Protocol, runtime_checkable\n\n@runtime_checkable\nclass Has(Protocol):\n    def real(self): ...",
        ),
        "def real",
        "def unreal",
    ),
    ("slots", task("return Row.__slots__", "class Row:\n    __slots__ = ('x',)"), "('x',)", "('y',)"),
]:
    edit(f"no type-only edit: {label}", "changed", "the annotation is read when it runs", files, old, new)

# -- order and values that matter ----------------------------------------------------------------------------

TWO_IN_A_CLASS = """
import luigi

class T(luigi.Task):
    def go(self):
        return 3
    def go(self):
        return 4
    def run(self):
        return self.go()
"""
OVERRIDE = """
import luigi

class A(luigi.Task):
    def go(self):
        return 3

class T(A):
    def go(self):
        return 4
    def run(self):
        return self.go()
"""
MODULE_DOC = """
'Text.'
import argparse
import luigi

class T(luigi.Task):
    def run(self):
        return argparse.ArgumentParser(description=__doc__)
"""
for label, files, old, new in [
    (
        "bases",
        "import luigi\n\nclass A:\n    n = 3\n\nclass B:\n    n = 4\n\nclass T(A, B, luigi.Task):\n    def run(self):\n        return self.n\n",
        "(A, B, ",
        "(B, A, ",
    ),
    (
        "bases of a base",
        "import luigi\n\nclass A:\n    n = 3\n\nclass B:\n    n = 4\n\nclass C(A, B):\n    pass\n\nclass T(C, luigi.Task):\n    def run(self):\n        return self.n\n",
        "(A, B)",
        "(B, A)",
    ),
    (
        "decorators",
        task(
            "return f()",
            "def up(f):\n    return lambda: f() + 1\n\ndef twice(f):\n    return lambda: f() * 2\n\n@up\n@twice\ndef f():\n    return 3",
        ),
        "@up\n@twice",
        "@twice\n@up",
    ),
    (
        "members of an enum",
        task("return list(How)", "import enum\n\nclass How(enum.Enum):\n    A = 1\n    B = 2"),
        "A = 1\n    B = 2",
        "B = 2\n    A = 1",
    ),
    (
        "keys of a dict",
        task("return list(TABLE)", "TABLE = {'a': 1, 'b': 2}"),
        "'a': 1, 'b': 2",
        "'b': 2, 'a': 1",
    ),
    (
        "two appends",
        task("return ROWS", "ROWS = []\nROWS.append(1)\nROWS.append(2)"),
        "(1)\nROWS.append(2)",
        "(2)\nROWS.append(1)",
    ),
    ("two assignments", task("return X", "X = 1\nX = 2"), "X = 1\nX = 2", "X = 2\nX = 1"),
    (
        "two definitions of one method",
        TWO_IN_A_CLASS,
        "return 3\n    def go(self):\n        return 4",
        "return 4\n    def go(self):\n        return 3",
    ),
    (
        "a value and what is computed from it",
        task("return B", "A = 3\nB = A\nA = 4"),
        "B = A\nA = 4",
        "A = 4\nB = A",
    ),
    (
        "a function and its redefinition",
        task("return f()", "def f():\n    return 3\ng = f\ndef f():\n    return g() + 4"),
        "    return 3\ng = f",
        "    return 5\ng = f",
    ),
    (
        "attributes of a class that build on another",
        task("return C.b", "class C:\n    a = 3\n    b = a\n    a = 4"),
        "b = a\n    a = 4",
        "a = 4\n    b = a",
    ),
    ("int and float", task("return X", "X = 1000"), "1000", "1000.0"),
    ("bool and int", task("return X", "X = True"), "True", "1"),
    ("zero and minus zero", task("return X", "X = 0.0"), "0.0", "-0.0"),
    ("text and bytes", task("return X", "X = '31'"), "'31'", "b'31'"),
    ("tuple and list", task("return X", "X = (3, 4)"), "(3, 4)", "[3, 4]"),
    ("tuple and value", task("return X", "X = (3)"), "(3)", "(3,)"),
    ("set and dict", task("return X", "X = set()"), "set()", "{}"),
    ("two texts that look alike", task("return X", "X = 'e\u0301'"), "e\u0301", "\u00e9"),
    ("spaces in a text", task("return X", "X = 'a b'"), "a b", "a  b"),
    ("a line end in a text", task("return X", "X = 'a\\n'"), "a\\n", "a\\r\\n"),
    ("a comment sign in a text", task("return X", "X = 'a # b'"), "# b", "# c"),
    ("space in a self-documenting f-string", task("x = 3\nreturn f'{x=}'"), "{x=}", "{x = }"),
    ("conversion in an f-string", task("x = 3\nreturn f'{x!r}'"), "!r", "!s"),
    ("format in an f-string", task("x = 3\nreturn f'{x:>3}'"), ":>3", ":<3"),
    ("braces in an f-string", task("x = 3\nreturn f'{{x}}{x}'"), "{{x}}", "{x}"),
    ("positional only", task("return f(3)", "def f(x, *k):\n    return k"), "(x, *k)", "(x, /, *k)"),
    ("star and double star", task("return f(3, 4)", "def f(*a, b=0):\n    return a"), "*a, b=0", "b=0, *a"),
    (
        "await",
        task("return go()", "async def f():\n    return 3\n\nasync def go():\n    return f()"),
        "return f()",
        "return await f()",
    ),
    ("async", task("return go()", "def go():\n    return 3"), "def go()", "async def go()"),
    ("yield", task("return go()", "def go():\n    return 3"), "return 3", "yield 3"),
    ("is and ==", task("return self.n is 3"), "is 3", "== 3"),
    ("parentheses that matter", task("return 3 - (4 - 5)"), "3 - (4 - 5)", "3 - 4 - 5"),
    ("parentheses of a chain", task("return (1 < 2) < 3"), "(1 < 2) < 3", "1 < 2 < 3"),
    (
        "generator and list",
        task("return list(x for x in [3])"),
        "list(x for x in [3])",
        "[(x for x in [3])]",
    ),
    (
        "else of a loop",
        task("for x in []:\n    y = 3\nelse:\n    y = 4\nreturn y"),
        "else:\n            y = 4",
        "y = 4",
    ),
    ("finally", task("try:\n    y = 3\nfinally:\n    y = 4\nreturn y"), "finally", "except ValueError"),
    (
        "indentation",
        task("y = 0\nfor x in [3]:\n    y += 1\n    y += 2\nreturn y"),
        "    y += 2",
        "y += 2",
    ),
    (
        "docstring read by the code",
        "import luigi\n\nclass T(luigi.Task):\n    'Text.'\n    def run(self):\n        return self.__doc__\n",
        "Text.",
        "Other.",
    ),
    (
        "docstring of a function read elsewhere",
        {
            "docs.py": "def doc_of(f):\n    return f.__doc__\n",
            "tasks.py": task("return doc_of(f)", "from .docs import doc_of\n\ndef f():\n    'Text.'"),
        },
        "Text.",
        "Other.",
    ),
    ("docstring of a module as the usage", MODULE_DOC, "Text.", "Other."),
    (
        "docstring read by inspect",
        task("return inspect.getdoc(f)", "import inspect\n\ndef f():\n    'Text.'"),
        "Text.",
        "Other.",
    ),
    (
        "name of a function that is read",
        task("return g.__name__", "def f():\n    pass\n\ng = f"),
        "def f():\n    pass\n\ng = f",
        "def h():\n    pass\n\ng = h",
    ),
    (
        "condition that never holds",
        task("return f()", "def f():\n    return 3\n\nif True:\n    def f():\n        return 4"),
        "if True",
        "if False",
    ),
    ("removal of an override", OVERRIDE, "    def go(self):\n        return 4\n", ""),
    (
        "a def after an import",
        {
            "leaf.py": "def f():\n    return 3\n",
            "tasks.py": task("return f()", "from .leaf import f\n# here"),
        },
        "# here",
        "def f():\n    return 4",
    ),
    (
        "condition of a definition",
        task(
            "return f()",
            "import sys\nif sys.maxsize > 3:\n    def f():\n        return 3\nelse:\n    def f():\n        return 4",
        ),
        "> 3",
        "> 5",
    ),
    (
        "name imported from another place",
        {
            "a.py": "def f():\n    return 3\n",
            "b.py": "def f():\n    return 4\n",
            "tasks.py": task("return f()", "from .a import f"),
        },
        "from .a",
        "from .b",
    ),
    (
        "class attribute that hides a method",
        "import luigi\n\nclass A(luigi.Task):\n    def run(self):\n        return 3\n\nclass T(A):\n    pass\n",
        "    pass",
        "    run = None",
    ),
]:
    edit(f"matters: {label}", "changed", "the two programs give different results", files, old, new)

# -- scopes --------------------------------------------------------------------------------------------------

F = "def f():\n    return 1"


def in_class(body: str, head: str = "x = 1") -> str:
    """A module whose task has *body* instead of a plain ``run``."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"import luigi\n\n{head}\n\nclass T(luigi.Task):\n{lines}"


for label, files in {
    "class attribute is not what a method sees": in_class("x = 3\ndef run(self):\n    return x"),
    "comprehension in a class sees the module": in_class(
        "x = 3\ny = [x for _ in range(3)]\ndef run(self):\n    return self.y"
    ),
    "lambda in a class sees the module": in_class(
        "x = 3\ny = lambda self: x\ndef run(self):\n    return self.y()"
    ),
    "class reads a name before it binds it": in_class("y = x\nx = 3\ndef run(self):\n    return self.y"),
    "class binds a name under a condition": in_class(
        "if 3 > 4:\n    x = 3\ny = x\ndef run(self):\n    return self.y"
    ),
    "local of another method of the same name": in_class(
        "def other(self):\n    f = 3\n    return f\ndef run(self):\n    return f()", F
    ),
    "comprehension's iterable of the same name": task("return [f for f in f()]", "def f():\n    return [1]"),
    "nested function's parameter of the same name": task("def inner(f):\n    return f\nreturn inner(f)", F),
    "nested function's own local": task("def inner():\n    f = 3\n    return f\nreturn inner(), f()", F),
    "global in a nested function": task(
        "f = 3\ndef inner():\n    global f\n    return f()\nreturn inner(), f", F
    ),
    "class in a function does not hide": task(
        "class Inner:\n    f = 3\n    def go(self):\n        return f()\nreturn Inner().go()", F
    ),
}.items():
    piece(f"scope: {label}", "the name is the module's", files)

for label, files in {
    "class attribute through self": in_class("x = 3\ndef run(self):\n    return self.x"),
    "first iterable in a class sees the class": in_class(
        "x = [3]\ny = [i for i in x]\ndef run(self):\n    return self.y"
    ),
    "default in a class sees the class": in_class("x = 3\ndef run(self, y=x):\n    return y"),
    "parameter of the same name": task("return h(3)", F + "\n\ndef h(f):\n    return f"),
    "parameter of a lambda of the same name": task("return (lambda f: f)(3)", F),
    "keyword argument of the same name": task("return dict(f=3)", F),
    "attribute of the same name": task("return self.f", F),
    "local of the same name": task("f = 3\nreturn f", F),
    "loop variable of the same name": task("for f in [3]:\n    pass\nreturn f", F),
    "with target of the same name": task("with open('x') as f:\n    return f", F),
    "except target of the same name": task("try:\n    pass\nexcept ValueError as f:\n    return f", F),
    "match capture of the same name": task("match 3:\n    case [f, *g]:\n        return f, g", F),
    "local import of the same name": task("from os import path as f\nreturn f", F),
    "comprehension variable of the same name": task("return [f for f in [3]]", F),
    "walrus out of a comprehension": task("[f := x for x in [3]]\nreturn f", F),
    "enclosing function's local": task("f = 3\ndef inner():\n    return f\nreturn inner()", F),
    "local deleted": task("f = 3\ndel f", F),
    "name only in a string": task("return 'f()'", F),
    "name only in an annotation": task("x: f = 3\nreturn x", F),
    "name only in a docstring": task("'''Calls f().'''\nreturn 3", F),
    "a builtin's name as a parameter": task(
        "return h(3)", "def sum(x):\n    return 1\n\ndef h(sum):\n    return sum"
    ),
    "same name in another module": {
        "leaf.py": F,
        "tasks.py": task("return f()", "from . import leaf\n\ndef f():\n    return 3"),
    },
    "attribute of a class, and a function called like it": {
        "leaf.py": "class C:\n    pass\n\ndef go():\n    return 1\n",
        "tasks.py": task("return leaf.C.go", "from . import leaf"),
    },
}.items():
    piece(f"hidden: {label}", "the name is another one", files, "same")
