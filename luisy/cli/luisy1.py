"""luisy 1.x's ways in: ``luisy.cli.build`` and ``luisy.cli.luisy_run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from luisy.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    import luigi

    from luisy.plan import Report
    from luisy.runner.build import BuildResult


def build(
    task: luigi.Task,
    workers: int = 1,
    local_scheduler: bool = True,  # noqa: FBT001, FBT002 - luisy 1.x's signature
    *,
    dry_run: bool = False,
    hash_update_mode: bool = False,
    **args_luisy: object,
) -> BuildResult | Report:
    """``luisy.build`` as luisy 1.x had it: *args_luisy* hold for the rest of the process, too.

    :param dry_run: return the plan instead.
    :param hash_update_mode: execute nothing, but let existing results count for the code as it is now (`luisy accept`);
        return the plan.
    :raises LuisyError: where the settings or the pipeline are wrong. A task that fails raises nothing.
    """
    from luisy.config import Config
    from luisy.runner.build import build, plan

    Config().update(args_luisy)
    if hash_update_mode and not dry_run:
        from luisy.runner.answers.accepting import accept

        accept(task)
    if dry_run or hash_update_mode:
        return plan(task)
    return build(task, workers, local_scheduler=local_scheduler)


def luisy_run(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line *argv* (that of the process by default) and exit."""
    main(argv)
