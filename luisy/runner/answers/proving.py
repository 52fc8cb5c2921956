"""``luisy accept --prove``: new code is executed on the inputs of an earlier result and must make the same.

Each task runs in a process and a workspace of its own, which are thrown away. Its outputs, and those of the tasks that
it requires, are looked for there: luisy's tasks by way of the working dir, others by way of their targets' paths. To the
real workspace nothing is written.
"""

from __future__ import annotations

import copy
import logging
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luigi.task import DynamicRequirements
from luigi.task_register import Register
from luigi.worker import TaskProcess

from luisy import settings as configuration
from luisy.cas import output_of
from luisy.errors import LuisyError
from luisy.formats.endings import format_of
from luisy.model import LinkMode
from luisy.runner.answers.accepting import NotAcceptedError
from luisy.runner.answers.comparing import difference
from luisy.runner.answers.fence import fenced
from luisy.runner.pipeline.describe import describe_outputs, is_local_file
from luisy.runner.pipeline.graph import Node, flat, input_leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet
    from multiprocessing.connection import Connection

    import luigi

    from luisy.model import Digest, Manifest
    from luisy.runner.answers.accepting import Accepted
    from luisy.runner.session import Session

logger = logging.getLogger("luisy")


class NotEquivalentError(LuisyError):
    """The new code made something else; nothing was recorded."""

    slug = "not-equivalent"


@dataclass(frozen=True, slots=True)
class Proof:
    """One execution of new code.

    :param fingerprint: of the code.
    :param seconds: how long it took.
    :param same: ``bytes``, or ``values`` where the bytes differ and what they are read as does not.
    """

    family: str
    task: str
    fingerprint: Digest
    seconds: float
    same: str

    def as_json(self) -> dict[str, Any]:
        """Its part of the document that ``luisy accept --json`` prints."""
        return {"family": self.family, "task": self.task, "seconds": self.seconds, "same": self.same}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the process of a task found.

    :param unable: why the task could not be executed there.
    :param differences: what is different, one line for each output.
    """

    seconds: float = 0.0
    same: str = "bytes"
    unable: str = ""
    differences: tuple[str, ...] = ()


def prove(session: Session, accepted: Sequence[Accepted]) -> list[Proof]:
    """Execute, of each family that is to be accepted, the task that took least, and compare.

    :raises NotEquivalentError: one made something else.
    :raises NotAcceptedError: one cannot be executed apart from the workspace, or fails.
    """
    cheapest: dict[Digest, Accepted] = {}
    for item in sorted(accepted, key=lambda item: item.result.seconds):
        cheapest.setdefault(item.record.fingerprint, item)
    proofs = []
    for item in cheapest.values():
        away = [
            node.task for node in (item.node, *input_leaves(item.node)) if session.resolver.is_remote(node)
        ]
        found = (
            _Outcome(unable=f"the result of {away[0]} is in the remote only")
            if away
            else _in_a_process(session, item)
        )
        if found.unable:
            raise NotAcceptedError(
                f"{item.node.task} cannot be proved: {found.unable}",
                hint="nothing was recorded; without --prove it is accepted on your word",
            )
        if found.differences:
            raise NotEquivalentError(
                f"the new code of {item.node.task} makes something else: {'; '.join(found.differences)}",
                hint="nothing was recorded; `luisy run` executes it",
            )
        record, task = item.record, str(item.node.task)
        proofs.append(Proof(record.family, task, record.fingerprint, found.seconds, found.same))
    return proofs


def _in_a_process(session: Session, item: Accepted) -> _Outcome:
    """What became of one task; its process and its workspace are gone then."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    scratch = tempfile.mkdtemp(prefix="prove-", dir=session.store.path / "tmp")
    try:
        process = context.Process(target=_tell, args=(session, item, scratch, sender))
        process.start()
        sender.close()
        try:
            found: _Outcome = receiver.recv()
        except EOFError:
            found = _Outcome(unable="its process ended without a word")
        process.join()
        return found
    finally:
        receiver.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _tell(session: Session, item: Accepted, scratch: str, sender: Connection) -> None:
    try:
        found = _proved(session, item, scratch)
    except NotAcceptedError as error:
        found = _Outcome(unable=error.text)
    except Exception as error:
        logger.debug("the new code of %s cannot be executed apart", item.node.task, exc_info=True)
        found = _Outcome(unable=f"{type(error).__name__}: {error}")
    sender.send(found)
    sender.close()


def _proved(session: Session, item: Accepted, scratch: str) -> _Outcome:
    new, old = os.path.join(scratch, "new"), os.path.join(scratch, "old")
    with configuration.overridden(working_dir=new):
        Register.clear_instance_cache()  # what instances remember of paths is true of the real workspace
        node = _arranged(item.node.task.clone(), new)
        required = input_leaves(item.node)
        for leaf in required:
            _bring(session, leaf, _arranged(leaf.task.clone(), new))
        for _, path in node.outputs:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        began = time.monotonic()
        workspace = session.workspace.watched(session.graph)
        with fenced(workspace, but=[os.path.realpath(session.store.path), str(session.store.path)]):
            _execute(node.task, {leaf.task_id for leaf in required})
        seconds = time.monotonic() - began
        manifest = session.resolver.lookup.manifest(item.result)
        made = session.store.snapshot(node.outputs)
        if made.digest == manifest.digest:
            return _Outcome(seconds)
        return _Outcome(
            seconds, "values", differences=tuple(_differences(session, node, manifest, made, old))
        )


def _arranged(task: luigi.Task, folder: str) -> Node:
    """*task* with its outputs below *folder*, wherever they would lie otherwise."""
    output: Callable[[], Any] = task.output

    def moved() -> Any:
        outputs = output()
        for target in flat(outputs):
            if is_local_file(target):
                path = os.path.abspath(target.path)
                target.path = path if _is_below(path, folder) else f"{folder}{path}"
        return outputs

    vars(task)["output"] = moved
    node = Node(task)
    describe_outputs(node)
    stray = [path for _, path in node.outputs if not _is_below(path, folder)]
    if stray:
        raise NotAcceptedError(f"{stray[0]} cannot be put elsewhere")
    return node


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}{os.sep}")


def _bring(session: Session, leaf: Node, arranged: Node) -> None:
    """Put what *leaf* has made, or what somebody else made of it, where *arranged* looks for it."""
    if leaf.result is not None:
        manifest = session.resolver.lookup.manifest(leaf.result)
        session.store.restore(manifest, dict(arranged.outputs), mode=LinkMode.REFLINK)
        session.store.unplace([path for _, path in arranged.outputs])
        return
    for (_, source), (_, path) in zip(leaf.outputs, arranged.outputs, strict=True):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, path, symlinks=True)
        else:
            shutil.copy2(source, path)


def _execute(task: luigi.Task, brought: AbstractSet[str]) -> None:
    """Run *task* as Luigi would; what it yields must be among what was *brought*, by task id."""
    with _reporting(task):
        answer: Any = task.run()
        if isinstance(answer, Generator):
            _drive(answer, brought)
        task.on_success()


def _drive(generator: Generator[Any, Any, Any], brought: AbstractSet[str]) -> None:
    sent = None
    while True:
        try:
            yielded = generator.send(sent)
        except StopIteration:
            return
        requirements = yielded if isinstance(yielded, DynamicRequirements) else DynamicRequirements(yielded)
        for task in requirements.flat_requirements:
            if task.task_id not in brought:
                raise NotAcceptedError(f"it yields {task}, which the earlier execution did not")
        sent = requirements.paths


@contextmanager
def _reporting(task: luigi.Task) -> Iterator[None]:
    """What Luigi lets a task tell its scheduler while it runs is told to nobody."""
    for name in TaskProcess.forward_reporter_attributes.values():
        setattr(task, name, lambda *_args, **_kwargs: None)
    yield


# --- comparing


def _differences(
    session: Session, node: Node, manifest: Manifest, made: Manifest, folder: str
) -> Iterator[str]:
    """A line for each output whose values are other ones than those in *manifest*."""
    for number, ((name, path), target) in enumerate(zip(node.outputs, node.targets, strict=True)):
        before = output_of(manifest, name)
        if before.digest == output_of(made, name).digest:
            continue
        place = os.path.join(folder, str(number), os.path.basename(path))
        session.store.restore(manifest, {name: place})
        session.store.unplace([place])
        found = _of_paths(target, place, path)
        if found:
            yield f"{os.path.basename(path)}: {found}"


def _of_paths(target: Any, old: str, new: str) -> str:
    """How two files or folders differ in what they are read as; in their bytes, where nobody can read them."""
    if callable(getattr(target, "read", None)):
        return difference(_read(target, old), _read(target, new))
    if os.path.isdir(old) and os.path.isdir(new):
        return _of_folders(old, new)
    kind = format_of(new)
    if kind is not None and os.path.isfile(old) and os.path.isfile(new):
        return difference(kind.read(old, {}), kind.read(new, {}))
    return _of_bytes(old, new)


def _read(target: Any, path: str) -> Any:
    there = copy.copy(target)
    there.path = path
    content = there.read()
    return list(content) if isinstance(content, Iterator) else content


def _of_folders(old: str, new: str) -> str:
    before, after = (
        {
            os.path.relpath(os.path.join(folder, name), top)
            for folder, _, names in os.walk(top)
            for name in names
        }
        for top in (old, new)
    )
    if before != after:
        return f"other files: {', '.join(sorted(before ^ after)[:3])}"
    found = ((name, _of_paths(None, f"{old}/{name}", f"{new}/{name}")) for name in sorted(before))
    return next((f"{name}: {how}" for name, how in found if how), "")


def _of_bytes(old: str, new: str) -> str:
    """The first line, or byte, in which two files differ; empty if there is none."""
    with open(old, "rb") as one, open(new, "rb") as other:
        before, after = one.read(), other.read()
    if before == after:
        return ""
    try:
        lines = before.decode().splitlines(), after.decode().splitlines()
    except UnicodeDecodeError:
        return f"{len(before)} -> {len(after)} bytes"
    place = next((i for i, (a, b) in enumerate(zip(*lines, strict=False)) if a != b), min(map(len, lines)))
    shown = [repr(text[place][:60]) if place < len(text) else "nothing" for text in lines]
    return f"line {place + 1}: {shown[0]} -> {shown[1]}"
