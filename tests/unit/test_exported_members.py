"""``import luisy`` shows exactly the public names, and costs next to nothing."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from types import ModuleType

import luigi
import pytest

import luisy

OURS = {
    "Task", "ExternalTask", "WrapperTask", "ConcatenationTask", "SparkTask",
    "Config", "set_working_dir", "activate_download",
    "raw", "interim", "final", "requires", "inherits", "auto_filename", "project_name", "side_outputs", "declares",
    "csv_output", "json_output", "pickle_output", "parquet_output", "parquetdir_output", "feather_output",
    "hdf_output", "xlsx_output", "make_directory_output", "deltatable_output", "deltatable_input",
    "azure_blob_storage_output", "azure_blob_storage_input",
    "build", "key", "plan",
}  # fmt: skip


def luigis_parameters() -> set[str]:
    return {name for name in luigi.__all__ if name.endswith("Parameter")}


def test_all_is_exactly_the_public_surface() -> None:
    """``__all__`` holds luisy's own names and every parameter class of Luigi, and nothing else."""
    assert set(luisy.__all__) == OURS | luigis_parameters()
    assert len(luisy.__all__) == len(set(luisy.__all__))


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_name_is_there(name: str) -> None:
    """Each of luisy's own names can be used, and is no module."""
    assert callable(getattr(luisy, name))
    assert not isinstance(getattr(luisy, name), ModuleType)


@pytest.mark.parametrize("name", sorted(luigis_parameters()))
def test_parameters_are_luigis(name: str) -> None:
    """The parameter classes are Luigi's own."""
    assert getattr(luisy, name) is getattr(luigi, name)


def test_dir_lists_the_public_names() -> None:
    """Completion in a shell finds all names before they are imported."""
    assert set(luisy.__all__) <= set(dir(luisy))


def test_unknown_names_are_attribute_errors() -> None:
    """A name that is not public is missing in the usual way."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = luisy.no_such_name


def test_importing_a_submodule_hides_no_name() -> None:
    """``luisy.plan`` is the function, also after the module of that name was imported."""
    import luisy.plan

    assert inspect.isfunction(luisy.plan)


PROGRAM = (
    "import json, sys; import luisy; print(json.dumps(sorted(m.partition('.')[0] for m in sys.modules)))"
)
HEAVY = {
    "luigi",
    "pandas",
    "numpy",
    "pyarrow",
    "tables",
    "azure",
    "rich",
    "click",
    "sqlite3",
    "blake3",
    "pyspark",
}


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_import_is_cheap() -> None:
    """``import luisy`` imports none of the libraries that luisy uses."""
    assert HEAVY & set(json.loads(run(PROGRAM))) == set()


def test_tasks_need_no_extra() -> None:
    """Defining tasks with any format imports no library of the dataframe extra."""
    uses = "luisy.Task; luisy.SparkTask; luisy.deltatable_output; luisy.parquetdir_output; luisy.hdf_output"
    loaded = set(
        json.loads(
            run(
                PROGRAM.replace(
                    "import luisy;",
                    f"import warnings; warnings.simplefilter('ignore'); import luisy; {uses};",
                )
            )
        )
    )
    assert {"pandas", "numpy", "pyarrow", "tables", "openpyxl", "pyspark", "py4j"} & loaded == set()


def test_import_says_and_configures_nothing() -> None:
    """Importing and first use print nothing and leave the logging of the program alone."""
    program = "import warnings; warnings.simplefilter('ignore'); import logging, luisy; luisy.Task; luisy.Config(); assert not logging.getLogger().handlers"
    assert run(program) == ""


def test_modules_of_luisy_1_need_no_import_of_their_own() -> None:
    """``luisy.config`` and its like are there after ``import luisy``, as in luisy 1.x."""
    assert (
        run(
            "import warnings; warnings.simplefilter('ignore'); import luisy; print(luisy.config.__name__, luisy.tasks.__name__)"
        )
        == "luisy.config luisy.tasks\n"
    )
