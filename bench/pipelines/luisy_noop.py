"""luisy resolves a finished DAG: every task keyed and verified, nothing executed."""

from __future__ import annotations

import sys
import time

from chains import Root  # type: ignore[import-not-found]  # beside it where it runs

from luisy import build


def main(tasks: int) -> None:
    """Resolve, and say how long it took."""
    started = time.perf_counter()
    result = build(Root(tasks=tasks))
    print(f"inner-seconds:{time.perf_counter() - started}")
    if result.counts["local"] != tasks + 1:
        sys.exit(f"not a no-op: {result.counts}")


main(int(sys.argv[1]))
