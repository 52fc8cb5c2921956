"""The entry points: ``key``, ``plan`` and ``build`` for a task in Python, and what the command line calls."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import luigi
import luigi.configuration
import luigi.interface
from luigi.execution_summary import _summary_dict
from luigi.retcodes import retcode

from luisy import settings as configuration
from luisy.errors import ExitCode
from luisy.model import Outcome
from luisy.observe import imports
from luisy.plan import Status
from luisy.runner.execution.factory import Factory, nested_builds, session_in_charge
from luisy.runner.garbage import thawed
from luisy.runner.pipeline.asking import answered
from luisy.runner.pipeline.discretion import discreet_names
from luisy.runner.pipeline.params import memoised_params
from luisy.runner.pipeline.parts import parts_of
from luisy.runner.results.room import make_room
from luisy.runner.session import Session, open_store
from luisy.tasks import naming_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from luisy.fingerprint import Fingerprint
    from luisy.model import Key, Reason
    from luisy.plan import Report, TaskReport
    from luisy.runner.execution.dispatch import Dispatch
    from luisy.runner.pipeline.given import Given
    from luisy.runner.pipeline.graph import Node
    from luisy.settings import Settings


@dataclass(frozen=True, slots=True)
class KeyedInput:
    """An input in the answer of ``key``."""

    family: str
    key: Key | None


@dataclass(frozen=True, slots=True)
class TaskKey:
    """The key of a task, its fingerprint (``code_hash``) and the parts that it is made of."""

    family: str
    key: Key | None
    code_hash: str | None
    parts: Mapping[str, str]
    inputs: tuple[KeyedInput, ...]
    fingerprint: Fingerprint | None = None

    def as_json(self, *, verbose: bool = False) -> dict[str, Any]:
        """The document that ``luisy key --json`` prints; *verbose* with what the fingerprint is made of."""
        return self._made_of() | (self._code() if verbose else {})

    def _code(self) -> dict[str, Any]:
        found = self.fingerprint
        places = {} if found is None else found.places
        return {
            "code": [
                {"part": label, "value": value, "file": place.file, "first": place.first, "last": place.last}
                for label, value in ({} if found is None else found.parts).items()
                for place in places.get(label, ())
            ],
            "blind_spots": [
                {"file": spot.file, "line": spot.line, "text": spot.text}
                for spot in (() if found is None else found.blind_spots)
            ],
        }

    def _made_of(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "key": self.key,
            "code_hash": self.code_hash,
            "parts": dict(self.parts),
            "inputs": [{"family": i.family, "key": i.key} for i in self.inputs],
        }


@contextmanager
def session_for(
    settings: Settings, *, create: bool, given: Mapping[str, Given] | None = None
) -> Iterator[Session]:
    """A session on the store that *settings* name, closed at the end of the block.

    :param create: make the store if there is none; else a missing one counts as empty.
    :param given: by task id, results that are decided on elsewhere.
    """
    with (
        thawed(),
        memoised_params(),
        discreet_names(),
        naming_only(),
        imports.suspended(),
        open_store(settings, create=create) as store,
    ):
        session = Session(settings, store, given=given or {})
        with answered(session.oracle):
            yield session


def key_of(session: Session, node: Node) -> TaskKey:
    """The key of a walked task with everything that it is made of."""
    return TaskKey(
        node.family,
        node.own_key,
        None if node.facts is None else node.facts.fingerprint,
        parts_of(node, session.store.secret()),
        tuple(KeyedInput(dep.family, dep.key or dep.base_key) for dep in node.all_deps),
        None if node.facts is None else session.fingerprinter.of(type(node.task)),
    )


def run_session(
    session: Session, tasks: Sequence[luigi.Task], luigi_options: Mapping[str, object]
) -> Outcomes:
    """Plan *tasks*, run what is left through Luigi, and report.

    :param luigi_options: values of Luigi's own ``[core]`` options, such as ``workers``.
    """
    options = {"no_lock": True, "local_scheduler": True, "workers": session.settings.workers, **luigi_options}
    with session.store.running():
        outcomes = _run(session, tasks, options)
    if outcomes.report.status is not Status.SUCCESS:
        return outcomes  # what it made is protected by no complete run
    note = make_room(session.store, session.settings)
    return outcomes if note is None else outcomes.with_note(note)


def _run(session: Session, tasks: Sequence[luigi.Task], options: Mapping[str, object]) -> Outcomes:
    session.hash_raw = session.eager = True
    with _dispatching(session) as dispatch:
        return _run_through(session, tasks, options, dispatch)


def _dispatching(session: Session) -> AbstractContextManager[Dispatch | None]:
    """The dispatch of a run that is to execute on a cluster; None for one that executes here."""
    if session.settings.executor != "dask":
        return nullcontext()
    from luisy.runner.execution.dispatch import dispatching  # no other run waits for its import

    return dispatching(session)


def _run_through(
    session: Session,
    tasks: Sequence[luigi.Task],
    options: Mapping[str, object],
    dispatch: Dispatch | None,
) -> Outcomes:
    if not options["local_scheduler"] and session.settings.uses_remote:
        session.share()
    session.plan(tasks)
    if dispatch is not None and session.has_work:
        dispatch.connect()
        if "workers" not in session.settings.provenance:
            options = {**options, "workers": dispatch.threads}
    session.begin()
    factory = Factory(session, dispatch)
    result = None
    try:
        with nested_builds(session):
            result = luigi.interface._schedule_and_run(list(tasks), factory, options)  # noqa: SLF001 - build() cannot take the lock options
    finally:
        session.finish()
    failed = any(n.outcome in (Outcome.FAILED, Outcome.MISSING, Outcome.BLOCKED) for n in session.graph)
    return Outcomes(session.report(Status.FAILED if failed else Status.SUCCESS), result)


def central_scheduler(settings: Settings) -> dict[str, object]:
    """Luigi's options for the scheduler that *settings* or an explicit ``[core]`` of luigi.cfg name; a local one else."""
    if settings.scheduler_host is not None:
        port = {} if settings.scheduler_port is None else {"scheduler_port": settings.scheduler_port}
        return {"local_scheduler": False, "scheduler_host": settings.scheduler_host, **port}
    config = luigi.configuration.get_config()
    names = (
        "scheduler_host",
        "scheduler-host",
        "default-scheduler-host",
        "default_scheduler_host",
        "scheduler_url",
    )
    return {"local_scheduler": not any(config.has_option("core", name) for name in names)}


def luigi_code(report: Report) -> int:
    """The exit code of a run after which something is left undone, by ``[retcode]`` of Luigi.

    Of what happened, each has its code there, else that of ``task_failed``, else 1; the highest counts, as in ``luigi``.
    """
    happened = {name for task in report.tasks if (name := _happened(task))} or {"not_run"}
    failed = _code_set("task_failed", ExitCode.TASK_FAILED)
    return max(_code_set(name, failed) for name in happened)


def _code_set(name: str, otherwise: int) -> int:
    """What the command line or luigi.cfg set in ``[retcode]``; Luigi's own default of 0 is not set."""
    config = luigi.configuration.get_config()
    code = int(getattr(retcode(), name))
    given = any(config.has_option("retcode", spelled) for spelled in (name, name.replace("_", "-")))
    return code if code or given else otherwise


def _happened(task: TaskReport) -> str | None:
    """Luigi's name for what went wrong with *task*; None for one that was done, or waits for others."""
    if task.outcome is Outcome.FAILED:
        return "scheduling_error" if task.reason.slug == "broken" else "task_failed"
    return "missing_data" if task.outcome is Outcome.MISSING else None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A report together with Luigi's own result of the run."""

    report: Report
    luigi_result: Any

    def with_note(self, note: Reason) -> Outcomes:
        """These, and something that is told behind the rest."""
        return replace(self, report=replace(self.report, notes=(*self.report.notes, note)))


class BuildResult:
    """What ``build`` returns: the fields of the report, and what luisy 1.x's ``build`` offered.

    :param root_task: the task that was asked for.
    :param tasks_set: Luigi's categories (``completed``, ``already_done``, ``failed``, ...) with their tasks.
    """

    def __init__(self, report: Report, luigi_result: Any, root_task: luigi.Task) -> None:
        self.report = report
        self.root_task = root_task
        self.luigi_result = luigi_result
        self.tasks_set: dict[str, Any] = _summary_dict(luigi_result.worker)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.report, name)


def key(task: luigi.Task, **options: object) -> TaskKey:
    """The key of *task*.

    :param options: settings by name, such as ``working_dir``.
    :raises LuisyError: where the settings or the pipeline are wrong.
    """
    with configuration.overridden(**options) as settings, session_for(settings, create=False) as session:
        session.plan([task])
        return key_of(session, session.roots[0])


def plan(task: luigi.Task, **options: object) -> Report:
    """What ``build`` would do with *task* and why; touches no workspace file.

    :param options: settings by name, such as ``working_dir`` or ``force``.
    :raises LuisyError: where the settings or the pipeline are wrong.
    """
    with configuration.overridden(**options) as settings, session_for(settings, create=False) as session:
        session.plan([task])
        return session.report(Status.PLANNED)


def build(
    task: luigi.Task,
    workers: int | None = None,
    *,
    local_scheduler: bool = True,
    cloud_mode: bool = False,  # noqa: ARG001 - as in luisy 1.x
    **options: object,
) -> BuildResult:
    """Resolve *task* and everything upstream of it, execute what is left, keep the results.

    Inside the ``run()`` of another task it is that run which answers, by its own settings, and *task* becomes
    a dependency of the other one.

    :param workers: how many tasks may run at once; by default as the settings say.
    :param local_scheduler: schedule in this process; else at ``scheduler_host``.
    :param cloud_mode: nothing: each output says by itself where it lies.
    :param options: settings by name, such as ``working_dir`` or ``force``.
    :raises LuisyError: where the settings or the pipeline are wrong. A task that fails raises nothing.
    """
    if (outer := session_in_charge()) is not None:
        return _build_inside(outer, task, workers or 1)
    with (
        configuration.overridden(workers=workers, **options) as settings,
        session_for(settings, create=True) as session,
    ):
        outcome = run_session(session, [task], {"local_scheduler": local_scheduler, "log_level": "WARNING"})
        return BuildResult(outcome.report, outcome.luigi_result, task)


def _build_inside(session: Session, task: luigi.Task, workers: int) -> BuildResult:
    """Run *task* in the middle of a run; the report is that of everything so far."""
    options = {"no_lock": True, "local_scheduler": True, "workers": workers, "log_level": "WARNING"}
    result = luigi.interface._schedule_and_run([task], Factory(session), options)  # noqa: SLF001 - as run_session
    node = session.graph.get(task)
    done = node is not None and node.done
    return BuildResult(session.report(Status.SUCCESS if done else Status.FAILED), result, task)
