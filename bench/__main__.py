"""``python -m bench``: all workloads, or those that are named."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

WORKLOADS = {
    "w0": "bench.w0_start",
    "w1": "bench.w1_noop",
    "w2": "bench.w2_cold",
    "w3": "bench.w3_changed",
    "w4": "bench.w4_store",
    "w5": "bench.w5_transfer",
    "w6": "bench.w6_status",
    "w7": "bench.w7_gc",
    "audit": "bench.audit",
    "w8": "bench.w8_fingerprint",
    "w9": "bench.w9_large",
}


def main() -> None:
    """Parse, then run one workload after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], help="all by default")
    parser.add_argument("--pairs", type=int, default=5, metavar="N", help="pairs per comparison (5)")
    parser.add_argument("--tasks", type=int, metavar="N", help="size of the DAG in W1 to W3")
    parser.add_argument("--full", action="store_true", help="the sizes of TARGETS, where they take long")
    parser.add_argument(
        "--peers",
        type=Path,
        metavar="DIR",
        help="further peers: DIR/dvc is a venv with dvc[azure], DIR/luisy147 one with luisy 1.4.7 (made if missing)",
    )
    options = parser.parse_args()
    for name in options.workloads or WORKLOADS:
        importlib.import_module(WORKLOADS[name]).main(options)


if __name__ == "__main__":
    main()
