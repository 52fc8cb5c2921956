"""Run as a script: fingerprints the cases that stand on stdin as JSON, each in modules of its own.

Reads a list of [folder, class] pairs (a class as ``module:name``); writes one JSON object, folder ->
{digest, parts, blind, kept} or {error}; *kept* is the text that an action would keep.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
import warnings

from luisy.fingerprint import Fingerprinter
from luisy.fingerprint.kept import encode, kept


def fingerprint(folder: str, target: str) -> dict[str, object]:
    before = set(sys.modules)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        module, _, name = target.partition(":")
        cls = getattr(importlib.import_module(f"pkg.{module}"), name)
        found = Fingerprinter().of(cls)
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
        sys.path.remove(folder)
        for loaded in set(sys.modules) - before:
            if loaded.partition(".")[0] == "pkg":
                del sys.modules[loaded]


def main() -> None:
    warnings.simplefilter("ignore")
    pairs = json.load(sys.stdin)
    output, sys.stdout = sys.stdout, sys.stderr
    json.dump({folder: fingerprint(folder, target) for folder, target in pairs}, output)


if __name__ == "__main__":
    main()
