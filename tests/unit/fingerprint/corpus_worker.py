"""Run as a script: fingerprints the cases that stand on stdin as JSON, each in modules of its own.

Reads a list of [folder, class] pairs (a class as ``module:name``); writes one JSON object, folder ->
{digest, parts, blind, kept} or {error}; *kept* is the text that an action would keep.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import linecache
import sys
import traceback
import types
import warnings
from pathlib import Path

from luisy.fingerprint import Fingerprinter
from luisy.fingerprint.kept import encode, kept


def fingerprint(folder: str, target: str) -> dict[str, object]:
    before = dict(sys.modules)
    path = list(sys.path)
    sys.path.insert(0, folder)
    sys.path.append(str(Path(folder, "site-packages")))
    importlib.invalidate_caches()
    try:
        module, _, name = target.partition(":")
        found = Fingerprinter().of(getattr(_loaded(folder, module), name))
    except Exception:  # noqa: BLE001  # a crash is the case's result
        return {"error": traceback.format_exc()}
    else:
        blind = [[spot.line, spot.text] for spot in found.blind_spots]
        return {
            "digest": found.digest,
            "parts": dict(found.parts),
            "blind": blind,
            "kept": encode(kept(found)).decode(),
        }
    finally:
        sys.path[:] = path
        sys.modules["__main__"] = before["__main__"]
        for file in [file for file in linecache.cache if file.startswith("<")]:
            del linecache.cache[file]
        for place in [place for place in sys.path_importer_cache if place.startswith(folder)]:
            del sys.path_importer_cache[place]  # each would be asked again by every later case
        new = sys.modules.keys() - before.keys()
        for loaded in [n for n in new if n.partition(".")[0] == "pkg" or _is_below(folder, sys.modules[n])]:
            del sys.modules[loaded]


def _loaded(folder: str, module: str) -> types.ModuleType:
    """The module that a case's target names (see ``cases/table.py``)."""
    kind, _, file = module.partition(" ")
    if not file:
        return importlib.import_module(module[1:] if module.startswith("/") else f"pkg.{module}")
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    text = Path(folder, file).read_text("utf-8")
    if kind == "script":
        main.__file__ = str(Path(folder, file))
        exec(compile(text, main.__file__, "exec"), vars(main))  # as Python runs a program
        return main
    for number, cell in enumerate(text.split("# %%\n")):
        _run_cell(main, kind, number, cell)
    return main


def _run_cell(main: types.ModuleType, kind: str, number: int, cell: str) -> None:
    """Run one cell as IPython or the interactive prompt does: its text is where these leave it."""
    file = f"<ipython-input-{number}-0>" if kind == "cells" else f"<python-input-{number}>"
    linecache.cache[file] = (len(cell), None, cell.splitlines(keepends=True), file)
    if kind == "cells":
        vars(main).setdefault("In", [""]).append(cell)
    lines = [line for line in cell.splitlines(keepends=True) if not line.startswith(("%", "!"))]
    if cell.startswith("%%"):
        return
    with contextlib.suppress(SyntaxError):
        exec(compile("".join(lines), file, "exec"), vars(main))  # as above


def _is_below(folder: str, module: object) -> bool:
    names = getattr(module, "__dict__", {})
    places = [names.get("__file__"), *list(names.get("__path__", ()))]
    return any(isinstance(place, str) and place.startswith(folder) for place in places)


def main() -> None:
    sys.modules["__main__"] = types.ModuleType("__main__")  # this program is no part of the cases
    warnings.simplefilter("ignore")
    pairs = json.load(sys.stdin)
    output, sys.stdout = sys.stdout, sys.stderr
    json.dump({folder: fingerprint(folder, target) for folder, target in pairs}, output)


if __name__ == "__main__":
    main()
