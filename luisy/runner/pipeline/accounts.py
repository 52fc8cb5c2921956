"""Accounts of what keys are, or were, made of: of tasks as they are now, and of actions as they were kept."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from luisy.errors import LuisyError
from luisy.explain import Account
from luisy.fingerprint.kept import decode, kept
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.pipeline.parts import HIDDEN, inputs_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from luisy.cas import Store
    from luisy.fingerprint import Fingerprinter
    from luisy.fingerprint.kept import Kept
    from luisy.model import Action, Digest
    from luisy.runner.pipeline.graph import Node

logger = logging.getLogger("luisy")

_INPUT = "input "


class Accounts:
    """Makes accounts; what tasks and actions of one class share is read once.

    :param bring: fetches objects into the store that an action of a remote needs.
    """

    def __init__(
        self, store: Store, fingerprinter: Fingerprinter, bring: Callable[[Action, Iterable[Digest]], None]
    ) -> None:
        self._store = store
        self._fingerprinter = fingerprinter
        self._bring = bring
        self._now: dict[Digest, Kept] = {}
        self._then: dict[Digest, Kept | None] = {}

    def of_node(self, node: Node, dynamic: Sequence[Node] = ()) -> Account:
        """What the key of *node* is made of as things stand.

        :param dynamic: what it is taken to yield.
        """
        leaves = (*input_leaves(node), *dynamic)
        contents = {leaf.task_id: leaf.content for leaf in leaves if leaf.content is not None}
        parts = parts_of(node, self._store.secret()) | inputs_of(dynamic)
        return Account(parts, self.code_of_node(node), contents=contents)

    def code_of_node(self, node: Node) -> Kept | None:
        """Parts and sources of its fingerprint now; None where it has none."""
        if node.facts is None:
            return None
        digest = node.facts.fingerprint
        if digest not in self._now:
            self._now[digest] = kept(self._fingerprinter.of(type(node.task)))
        return self._now[digest]

    def of_action(self, action: Action, now: Account) -> Account:
        """What the key of *action* was made of.

        :param now: what it will be compared with: values of parameters that are not shown are told apart only by
            digests that are keyed with the store's secret, which say nothing across stores.
        """
        parts = self._parts(action)
        if parts is None:  # adopted, or its objects are gone: what the action itself says
            parts = {"fingerprint": action.fingerprint}
            parts |= {f"parameter {name}": value for name, value in action.params.items()}
            return Account(parts, self.code_of_action(action), whole=False)
        hidden = {label for label, value in parts.items() if value.startswith(HIDDEN)}
        if action.provenance.get("store") not in (None, self._store.pseudonym()):
            parts |= {
                label: now.parts[label] for label in hidden if now.parts.get(label, "").startswith(HIDDEN)
            }
        names = [label.removeprefix(_INPUT) for label in parts if label.startswith(_INPUT)]
        contents = {}
        if len(names) == len(action.inputs):
            contents = {name: item.digest for name, item in zip(names, action.inputs, strict=True)}
        return Account(parts, self.code_of_action(action), contents=contents)

    def code_of_action(self, action: Action) -> Kept | None:
        """Parts and sources of its fingerprint then; None where they are not to be had."""
        if action.sources is None:
            return None
        if action.sources not in self._then:
            self._then[action.sources] = self._read_code(action)
        return self._then[action.sources]

    def _read_code(self, action: Action) -> Kept | None:
        content = self._read(action, action.sources)
        try:
            return None if content is None else decode(content)
        except ValueError:
            logger.debug("the sources of %s are no such object", action.key)
            return None

    def _parts(self, action: Action) -> dict[str, str] | None:
        content = self._read(action, action.parts)
        try:
            return None if content is None else msgspec.json.decode(content, type=dict[str, str])
        except (msgspec.MsgspecError, ValueError):  # two things in older msgspec
            logger.debug("the parts of %s are no such object", action.key)
            return None

    def _read(self, action: Action, digest: Digest | None) -> bytes | None:
        if digest is None:
            return None
        try:
            if digest not in self._store.check([digest]):
                self._bring(action, [one for one in (action.parts, action.sources) if one is not None])
            return self._store.get(digest)
        except (OSError, LuisyError) as error:
            logger.debug("an object of %s is not to be had: %s", action.key, error)
            return None
