"""One task on behalf of a run elsewhere: ``main`` of a fresh process, which a Dask worker starts for each.

It has the settings, the workspace, the store and the credentials of its own machine. It resolves the task with the
results that it is given, compares the key with the driver's, brings the inputs here, lets Luigi's own process run the
task, and pushes. It ends at once, with all that it has started, when the pipe that brought the errand closes.
"""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import select
import signal
import socket
import sys
import traceback
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import luigi.worker
from luigi.scheduler import DONE, FAILED
from luigi.task_register import load_task

from luisy import settings as configuration
from luisy.errors import LuisyError, NoSuchResult, RemoteError, UsageError
from luisy.model import Outcome, Reason
from luisy.observe import imports
from luisy.plan import Kind
from luisy.runner.build import session_for
from luisy.runner.execution.errands import Answer, Errand, own_version
from luisy.runner.execution.factory import nested_builds
from luisy.runner.execution.process import CachingProcess
from luisy.runner.execution.worker import ResultQueue
from luisy.runner.pipeline.commandline import import_module, options_in_force
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.results.keeping import Execution, maker_of

if TYPE_CHECKING:
    from luisy.model import Key
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session

_SECONDS_BETWEEN = 0.5
"""Between two looks whether somebody still waits for the answer."""


def main() -> None:
    """Read an errand from stdin, and write its answer to the descriptor that the first argument names."""
    errand: Errand = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the Dask worker, whose code we are  # nosec B301
    life = os.dup(0)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    answer = answered(errand, life)
    with open(int(sys.argv[1]), "wb") as out:
        pickle.dump(answer, out)


def answered(errand: Errand, life: int) -> Answer:
    """What becomes of *errand*.

    :param life: a descriptor that becomes readable when nobody waits any more.
    """
    try:
        return _carried_out(errand, life)
    except LuisyError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return _refused(errand, Reason(error.slug, f"on {socket.gethostname()}: {error.text}{hint}"))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the driver tells it
        reason = Reason("errand-failed", f"on {socket.gethostname()}: {type(error).__name__}: {error}")
        return replace(_refused(errand, reason), explanation=traceback.format_exc())


def _refused(errand: Errand, reason: Reason) -> Answer:
    execution = Execution(errand.task_id, Outcome.FAILED, reason=reason)
    return Answer(FAILED, reason.text, [], [], execution, socket.gethostname())


def _carried_out(errand: Errand, life: int) -> Answer:
    if errand.version != own_version():
        raise UsageError(
            f"luisy is {own_version()} here, and {errand.version} at the driver",
            slug="worker-mismatch",
            hint="install the same version on both",
        )
    with ExitStack() as stack:
        settings = stack.enter_context(
            configuration.overridden(executor="local", download=True, upload=True, **errand.settings)
        )
        for module in errand.modules:
            import_module(module)
        stack.enter_context(options_in_force(errand.options))
        session = stack.enter_context(session_for(settings, create=True, given=errand.given))
        stack.enter_context(session.store.running())
        return _run(session, _built(errand), errand, life)


def _built(errand: Errand) -> luigi.Task:
    """The task, from the text of its parameters.

    :raises UsageError: it cannot be built; without Luigi's own words, which tell all values.
    """
    try:
        with imports.resumed():
            task: luigi.Task = load_task(errand.module, errand.family, dict(errand.params))
    except Exception as error:  # noqa: BLE001 - constructors are user code
        raise UsageError(
            f"{errand.family} cannot be built from its parameters: {type(error).__name__}",
            slug="worker-mismatch",
            hint="bring the same code to both",
        ) from None
    return task


def _run(session: Session, task: luigi.Task, errand: Errand, life: int) -> Answer:
    session.hash_raw = session.eager = True
    session.exchange.require()
    session.plan([task])
    node = session.roots[0]
    _demand_inputs(node)
    _demand_key(node, errand)
    session.begin()
    try:
        if session.served_now(node):
            answer = _answer(DONE, _served(node))
        else:
            _demand_inputs(node)
            _demand_key(node, errand)
            answer = _executed(session, node, life)
    finally:
        session.finish()
    if answer.status == DONE:
        answer = replace(answer, action=_shared(session, answer))
    return replace(answer, remote=session.exchange.traffic.url)


def _answer(status: str, execution: Execution) -> Answer:
    return Answer(status, None, [], [], execution, socket.gethostname())


def _served(node: Node) -> Execution:
    """Somebody else has made it meanwhile."""
    reason = Reason("remote", "the remote has its result")
    return Execution(
        node.task_id,
        Outcome.REMOTE,
        node.seconds,
        key=node.key,
        content=node.content,
        size=node.size,
        reason=reason,
    )


def _demand_inputs(node: Node) -> None:
    """Make sure that everything is there that the task is to be run with.

    :raises NoSuchResult: something is not.
    """
    for leaf in input_leaves(node):
        if leaf.problem:
            raise NoSuchResult(leaf.problem, slug="input-not-shared")
        if leaf.kind is Kind.EXTERNAL and leaf.missing:
            raise NoSuchResult(
                f"its input {leaf.task} is neither here nor in the remote", slug="input-not-shared"
            )


def _demand_key(node: Node, errand: Errand) -> None:
    """Make sure that the task is here what it is at the driver: its result would count for something else.

    :raises UsageError: it is not.
    """
    if node.base_key == errand.key and not node.uncacheable:
        return
    if node.problem or node.uncacheable or node.facts is None:
        what = f"it cannot be cached: {node.problem or node.uncacheable}"
    elif node.facts.fingerprint != errand.fingerprint:
        what = "its code, or the version of a package that it uses, is another one"
    elif maker_of(node) != errand.facts:
        what = "its parameters, options, declared files or what its module reads are others"
    else:
        what = "its inputs are others"
    raise UsageError(
        f"{node.task} is not what it is at the driver: {what}",
        slug="worker-mismatch",
        hint="bring the same code, packages and configuration to both; `luisy key` shows what a key is made of",
    )


def _executed(session: Session, node: Node, life: int) -> Answer:
    """Let a process of Luigi's run the task, and take in what it says."""
    results = ResultQueue(multiprocessing.get_context("fork").Queue(), session.finished)
    process = _process(session, node, results)
    with nested_builds(session):
        process.start()
        _, status, explanation, missing, new = _message(process, results, life)
    process.join()
    execution = session.executions[-1] if session.executions else None
    return Answer(status, explanation, missing, new, execution, socket.gethostname())


def _message(process: CachingProcess, results: ResultQueue, life: int) -> tuple[Any, ...]:
    """What the process says; where it died without a word, what Luigi would say."""
    ended = False
    while True:
        with contextlib.suppress(queue.Empty):
            return results.get(timeout=_SECONDS_BETWEEN)
        if select.select([life], [], [], 0)[0]:
            os.killpg(0, signal.SIGKILL)
        if ended:
            died = f"the process that ran it died with exit code {process.exitcode}"
            results.put((process.task.task_id, FAILED, died, [], []))
        ended = process.exitcode is not None


def _process(session: Session, node: Node, results: ResultQueue) -> CachingProcess:
    config = luigi.worker.worker()
    return CachingProcess(
        session,
        node,
        config.task_process_context,
        node.task,
        f"errand-{os.getpid()}",
        results,
        _Nobody(),
        use_multiprocessing=True,
        check_unfulfilled_deps=config.check_unfulfilled_deps,
        check_complete_on_run=config.check_complete_on_run,
    )


class _Nobody:
    """Who hears what a task says of its progress: the scheduler is elsewhere."""

    scheduler_messages = None

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


def _shared(session: Session, answer: Answer) -> Key:
    """The key of the action under which the driver finds the result.

    :raises RemoteError: the remote does not have it.
    """
    execution, node = answer.execution, session.roots[0]
    assert execution is not None
    why = session.exchange.incomplete or execution.reason
    if execution.key is not None and node.facts is not None:
        key = execution.key if node.result is None else node.result.key
        if session.resolver.lookup.in_remotes(key, node.facts.project) is not None:
            return key
        action = session.store.action(key)
        if action is not None and action.held_back:
            why = Reason("held-back", action.held_back)
    raise RemoteError(
        f"{node.task} ran, but its result cannot be shared: {why.text if why else 'it was not kept'}",
        slug="not-shared",
    )
