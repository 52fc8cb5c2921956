"""What luisy 1.x had noted in a workspace: which files it made.

It kept ``{"/shop/raw/orders.csv": "hash", ...}``, paths from the working dir on, in ``<working dir>/<project>/.luisy.hash``:
one file for all that a root task of that project required, whichever project that belonged to.
"""

from __future__ import annotations

import glob
import json
import os

_NAME = ".luisy.hash"


class Luisy1Files:
    """The files that luisy 1.x listed below a working dir; read when they are first asked for.

    :param root: the working dir, or None where tasks lie anywhere.
    """

    def __init__(self, root: str | None) -> None:
        self.root = root
        self._found: tuple[frozenset[str], frozenset[str]] | None = None

    def leaves_out(self, path: str) -> bool:
        """Whether luisy 1.x was used where *path* lies, and did not list it: then it is none of its results."""
        if self.root is None or not path.startswith(os.path.join(self.root, "")):
            return False
        projects, listed = self._files(self.root)
        project, _, rest = os.path.relpath(path, self.root).partition(os.sep)
        # A task without a layer writes directly to the working dir, which belongs to all projects.
        used = project in projects if rest else bool(projects)
        return used and path not in listed

    def _files(self, root: str) -> tuple[frozenset[str], frozenset[str]]:
        """The folders with a list, and the paths in all lists together."""
        if self._found is None:
            lists = glob.glob(os.path.join(glob.escape(root), "*", _NAME))
            listed = {
                os.path.normpath(os.path.join(root, name.lstrip("/")))
                for path in lists
                for name in _read(path)
            }
            self._found = (
                frozenset(os.path.basename(os.path.dirname(path)) for path in lists),
                frozenset(listed),
            )
        return self._found


def _read(path: str) -> list[str]:
    """The names in a list; of one that cannot be read, none."""
    try:
        with open(path, encoding="utf-8") as file:
            return list(map(str, json.load(file)))
    except (OSError, ValueError, TypeError):
        return []
