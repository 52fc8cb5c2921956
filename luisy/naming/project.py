"""The name of the project that a task belongs to: part of its key and of its paths."""

from __future__ import annotations

import os
import sys
from typing import Any


def project_of(task: Any) -> str:
    """The name of a task's project: its ``project_name``, else the first component of its module.

    :param task: a task or a task class, of luisy or of Luigi.
    """
    named = getattr(task, "project_name", None)
    if named:
        return str(named)
    return project_of_module((task if isinstance(task, type) else type(task)).__module__)


def project_of_module(module: str) -> str:
    """The project's name for tasks of *module*; a script counts by its file's name.

    ``python -m package.module`` counts as the package, since that is what an import of it would say. What has
    no file is ``notebook`` in a Jupyter kernel and ``__main__`` anywhere else (REPL, ``python -c``, stdin).
    """
    first = module.partition(".")[0]
    return _script_name() if first in ("__main__", "__mp_main__") else first


def _script_name() -> str:
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name.partition(".")[0])
    stem = os.path.splitext(os.path.basename(getattr(main, "__file__", None) or ""))[0]
    if stem and not stem.startswith("<"):
        return stem
    return "notebook" if "ipykernel" in sys.modules else "__main__"
