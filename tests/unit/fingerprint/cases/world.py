"""What lies around the modules: programs, notebooks, prompts, installed distributions, compiled code."""

from __future__ import annotations

import json

from tests.unit.fingerprint.cases.table import case, edit, task

RUN = "import luigi\n\nclass T(luigi.Task):\n    def run(self):\n        return helper()\n"

# -- programs ------------------------------------------------------------------------------------------------

for label, expectation, text, old, new in [
    ("helper above", "changed", "def helper():\n    return 31\n\n" + RUN, "31", "32"),
    ("helper below", "changed", RUN + "\n\ndef helper():\n    return 31\n", "31", "32"),
    (
        "set in the main block",
        "changed",
        RUN.replace("helper()", "LIMIT") + "\nif __name__ == '__main__':\n    LIMIT = 31\n",
        "31",
        "32",
    ),
    (
        "parameters in the main block",
        "same",
        "def helper():\n    return 3\n\n" + RUN + "\nif __name__ == '__main__':\n    WORKERS = 31\n",
        "31",
        "32",
    ),
    ("unused", "same", "def helper():\n    return 3\n\ndef other():\n    return 31\n\n" + RUN, "31", "32"),
    (
        "shebang",
        "same",
        "#!/usr/bin/python\n\ndef helper():\n    return 3\n\n" + RUN,
        "/usr/bin/",
        "/usr/bin/env ",
    ),
]:
    edit(f"program: {label}", expectation, label, {"tasks.py": text}, old, new, "script pkg/tasks.py:T")
edit(
    "program: helper in a module beside it",
    "changed",
    "a program's folder is where its modules are",
    {
        "../beside_program.py": "def helper():\n    return 31\n",
        "tasks.py": "from beside_program import helper\n" + RUN,
    },
    "31",
    "32",
    "script pkg/tasks.py:T",
)

# -- cells ---------------------------------------------------------------------------------------------------

CELLS = "import luigi\n# %%\ndef helper():\n    return 31\n# %%\nclass T(luigi.Task):\n    def run(self):\n        return helper()\n"


def cells(label: str, expectation: str, before: str, after: str) -> None:
    """A case in a notebook, and the same at a prompt."""
    for kind in ("cells", "prompt"):
        if kind == "cells" or "%" not in after.replace("# %%", ""):
            case(f"{kind}: {label}", expectation, label, before, after, f"{kind} pkg/tasks.py:T")


cells("helper", "changed", CELLS, CELLS.replace("31", "32"))
cells("comment", "same", CELLS, CELLS.replace("31", "31  # rows"))
cells("another cell", "same", CELLS, CELLS + "# %%\nprint('done')\n")
cells("helper defined again", "changed", CELLS, CELLS + "# %%\ndef helper():\n    return 32\n")
cells(
    "helper defined again as it was",
    "same",
    CELLS,
    CELLS + "# %%\ndef helper():\n    return 31  # again\n",
)
cells(
    "an earlier definition",
    "same",
    CELLS.replace("# %%\nclass", "# %%\ndef helper():\n    return 5\n# %%\nclass"),
    CELLS.replace("# %%\nclass", "# %%\ndef helper():\n    return 5\n# %%\nclass").replace("31", "32"),
)
cells(
    "class defined again",
    "changed",
    CELLS,
    CELLS + "# %%\nclass T(luigi.Task):\n    def run(self):\n        return 5\n",
)
cells(
    "a table that a later cell changes",
    "changed",
    "import luigi\n# %%\nROWS = [3]\n# %%\nclass T(luigi.Task):\n    x = ROWS\n",
    "import luigi\n# %%\nROWS = [3]\n# %%\nclass T(luigi.Task):\n    x = ROWS\n# %%\nROWS.append(4)\n",
)
cells("a magic", "same", CELLS, "%matplotlib inline\n" + CELLS)
cells("a shell line", "same", CELLS, "!ls\n" + CELLS)
cells("a cell in another language", "same", CELLS, CELLS + "# %%\n%%bash\nls | wc\n")
cells("a cell that failed", "same", CELLS, CELLS + "# %%\ndef (:\n")
cells("a helper from a module", "same", CELLS, CELLS.replace("import luigi\n", "import luigi\nimport os\n"))

# -- distributions -------------------------------------------------------------------------------------------


def distribution(name: str, version: str, *files: str, editable: str = "") -> dict[str, str]:
    """The metadata of an installed distribution with *files*; *editable*: the folder that it was installed from."""
    folder = f"../site-packages/{name}-{version}.dist-info"
    record = "".join(f"{file},,\n" for file in files)
    found = {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{folder}/RECORD": record,
    }
    if editable:
        origin = {"url": f"file://{editable}", "dir_info": {"editable": True}}
        found[f"{folder}/direct_url.json"] = json.dumps(origin)
    return found


def installed(
    label: str, expectation: str, tasks: str, module: str, more: dict[str, str] | None = None
) -> None:
    """A case in which the distribution of *module* is upgraded."""
    body = {f"../site-packages/{module}": "def f():\n    return 3\n", "tasks.py": tasks, **(more or {})}
    before = {**body, **distribution("Some_Dist", "1.0", module)}
    after = {**body, **distribution("Some_Dist", "2.0", module)}
    gone = {path: None for path in before if path not in after}
    case(f"distribution: {label}", expectation, label, before, {**after, **gone})


installed("used", "changed", task("return dist_one.f()", "import dist_one"), "dist_one.py")
installed("used in a function alone", "changed", task("import dist_two\nreturn dist_two.f()"), "dist_two.py")
installed("not used", "same", task("return 3"), "dist_three.py")
installed("imported, not used", "same", task("return 3", "import dist_four"), "dist_four.py")
installed(
    "for types alone",
    "same",
    task("return 3", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import dist_five"),
    "dist_five.py",
)
installed(
    "through a helper",
    "changed",
    task("return f()", "from .helpers import f"),
    "dist_six.py",
    {"helpers.py": "from dist_six import f\n"},
)
installed(
    "in a namespace package",
    "changed",
    task("return f()", "from space_seven.inner import f"),
    "space_seven/inner.py",
)
installed(
    "a base class of it",
    "changed",
    "import luigi\nimport dist_eight\n\nclass T(dist_eight.Base, luigi.Task):\n    pass\n",
    "dist_eight.py",
    {"../site-packages/dist_eight.py": "class Base:\n    pass\n"},
)
installed(
    "a decorator of it",
    "changed",
    task("return g()", "import dist_nine\n\n@dist_nine.deco\ndef g():\n    return 3"),
    "dist_nine.py",
    {"../site-packages/dist_nine.py": "def deco(f):\n    return f\n"},
)
installed(
    "in a default argument",
    "changed",
    task("return g()", "import dist_ten\n\ndef g(x=dist_ten.f()):\n    return x"),
    "dist_ten.py",
)
installed(
    "absent before",
    "changed",
    task("return m", "try:\n    import dist_eleven as m\nexcept ImportError:\n    m = None"),
    "dist_eleven.py",
)
edit(
    "distribution: its code without its version",
    "same",
    "installed code counts by its version",
    {
        "../site-packages/dist_a.py": "def f():\n    return 31\n",
        "tasks.py": task("return dist_a.f()", "import dist_a"),
        **distribution("dist-a", "1.0", "dist_a.py"),
    },
    "31",
    "32",
)
edit(
    "distribution: a file that no distribution has",
    "changed",
    "a module that was copied into site-packages belongs to nobody, so it is project code",
    {
        "../site-packages/dist_b.py": "def f():\n    return 31\n",
        "tasks.py": task("return dist_b.f()", "import dist_b"),
    },
    "31",
    "32",
)

# -- compiled code -------------------------------------------------------------------------------------------

NATIVE = task(
    "return native and native.f()", "try:\n    from . import native\nexcept ImportError:\n    native = None"
)
case(
    "compiled: its bytes",
    "changed",
    "compiled code counts by its bytes",
    {"tasks.py": NATIVE, "native.abi3.so": "a"},
    {"native.abi3.so": "b"},
)
case(
    "compiled: another one's bytes",
    "same",
    "nobody imports it",
    {"tasks.py": NATIVE, "native.abi3.so": "a", "other.abi3.so": "a"},
    {"other.abi3.so": "b"},
)
case(
    "compiled: through a helper",
    "changed",
    "reached through a module",
    {
        "tasks.py": task("return g()", "from .helpers import g"),
        "helpers.py": "try:\n    from .native import f\nexcept ImportError:\n    f = None\n\ndef g():\n    return f\n",
        "native.abi3.so": "a",
    },
    {"native.abi3.so": "b"},
)

EDITABLE = {
    "../elsewhere/src/edited_dist.py": "def f():\n    return 31\n",
    "tasks.py": task(
        "return edited_dist.f()",
        "import sys\nimport pathlib\nsys.path.append(str(pathlib.Path(__file__).parent.parent / 'elsewhere/src'))\nimport edited_dist",
    ),
}
edit(
    "editable: its code",
    "changed",
    "an editable install is project code",
    {**EDITABLE, **distribution("edited-dist", "1.0", "__editable__.edited_dist.pth", editable="/nowhere")},
    "31",
    "32",
)
