"""What goes to a cluster's worker."""

from __future__ import annotations

import pickle
import subprocess
import sys

from luisy.model import Digest, Key
from luisy.runner.execution.errands import Errand, own_version
from luisy.runner.pipeline.given import Given

_ERRAND = Errand(
    version=own_version(),
    number=1,
    task_id="Task_1",
    family="Task",
    module="pipe",
    modules=("pipe",),
    params={"word": "open-sesame"},
    key=Key("ab" * 32),
    fingerprint=Digest("cd" * 32),
    facts=Digest("ef" * 32),
    given={"Other_1": Given(Key("01" * 32), Key("01" * 32), Digest("02" * 32), by_content=False)},
    options={"Task_word": "open-sesame"},
)


def test_an_errand_shows_a_name_and_nothing_else() -> None:
    """What Dask logs of a call's arguments holds no value of a parameter."""
    assert repr(_ERRAND) == str(_ERRAND) == "Errand(Task-abababababab)"
    assert repr((_ERRAND,)) == "(Errand(Task-abababababab),)"


def test_an_errand_arrives_as_it_was_sent() -> None:
    """All of it goes through a pickle."""
    assert pickle.loads(pickle.dumps(_ERRAND)) == _ERRAND


def test_the_version_can_be_read_first() -> None:
    """A worker of another version has to be able to say so: the version is the first of an errand's fields."""
    assert next(iter(Errand.__dataclass_fields__)) == "version"


def test_a_run_without_a_cluster_loads_nothing_of_dask() -> None:
    """Dask is an extra, and slow to load: neither the runner nor the command line imports it."""
    code = (
        "import luisy.runner.build, luisy.cli.run, luisy.runner.execution.dispatch, sys; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"dask", "distributed"}.intersection(loaded.stdout.split())
