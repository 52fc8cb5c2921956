"""Names that functions import: in branches, twice, for others."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import piece, task

_ONE = {"one.py": "def f():\n    return 1\n", "other.py": "def f():\n    return 3\n"}

for _name, _reason, _body, _head in (
    (
        "import in run() with a fallback, where the first is missing",
        "the fallback is taken",
        "try:\n    from .absent import f\nexcept ImportError:\n    from .one import f\nreturn f()",
        "",
    ),
    (
        "import in run() with a fallback that is not taken",
        "the first is there",
        "try:\n    from .one import f\nexcept ImportError:\n    from .other import f\nreturn f()",
        "",
    ),
    (
        "first of two imports in branches of run()",
        "either may be taken",
        "if self.x:\n    from .one import f\nelse:\n    from .other import f\nreturn f()",
        "",
    ),
    (
        "first of two modules under one name in branches of run()",
        "either may be taken",
        "if self.x:\n    from . import one as way\nelse:\n    from . import other as way\nreturn way.f()",
        "",
    ),
    ("import that run() declares global", "it is read there", "global f\nfrom .one import f\nreturn f()", ""),
    (
        "global import of a function that run() calls",
        "it binds what run() reads",
        "load()\nreturn f()",
        "f = None\ndef load():\n    global f\n    from .one import f\n",
    ),
    (
        "global import of a function that the module calls",
        "it binds what run() reads",
        "return f()",
        "def load():\n    global f\n    from .one import f\nload()\n",
    ),
    (
        "import of an inner function that declares the name nonlocal",
        "it binds what run() reads",
        "f = None\ndef load():\n    nonlocal f\n    from .one import f\nload()\nreturn f()",
        "",
    ),
):
    piece(_name, _reason, {**_ONE, "tasks.py": task(_body, _head)})

piece(
    "global import of another module's function",
    "it binds what run() reads",
    {
        **_ONE,
        "o.py": "f = None\ndef load():\n    global f\n    from .one import f\n",
        "tasks.py": task("return o.f()", "from . import o\no.load()\n"),
    },
)
piece(
    "import in run() that is not used",
    "only the import itself happens",
    {**_ONE, "tasks.py": task("from .one import f\nreturn 3")},
    "same",
)
