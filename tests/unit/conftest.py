"""What several folders of unit tests use."""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.unit.fingerprint import corpus
from tests.unit.fingerprint.cases import CASES

if TYPE_CHECKING:
    from tests.unit.fingerprint.corpus import Answers


@pytest.fixture(scope="session")
def corpus_answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What the worker says of each case of the corpus; it takes long, so test processes side by side share one run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "corpus.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if not (text := file.read()):
            text = json.dumps(corpus.run(CASES, tmp_path_factory.mktemp("corpus")))
            file.write(text)
    answers: Answers = json.loads(text)
    return answers
