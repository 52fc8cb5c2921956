"""The public surface of luisy 1.4.7: every name is here, or is gone for a reason that is told."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import luisy
from luisy.errors import UsageError
from luisy.gone import GONE, REEXPORTED, GoneError

PAGE = (Path(__file__).parents[2] / "docs/migration.md").read_text(encoding="utf-8")

SPARK = "azure_blob_storage_input azure_blob_storage_output deltatable_input deltatable_output"

# Every module of 1.4.7 with what it defines, and for packages what they import from their own modules. Names that
# begin with an underscore, and libraries that a module happens to import, are no surface.
SURFACE = {
    "luisy": f"""
        Task ExternalTask ConcatenationTask WrapperTask Config set_working_dir activate_download final interim raw
        inherits requires auto_filename csv_output json_output xlsx_output hdf_output pickle_output
        parquetdir_output {SPARK} Parameter IntParameter FloatParameter TupleParameter ListParameter DictParameter
        DateParameter DateIntervalParameter BoolParameter log_format
        SparkTask MonthParameter parquet_output""",  # the last three: its documentation uses them
    "luisy.cli": """
        HashUpdateMode PipelineMode build disable_azure_logging get_root_task luisy_run parse_args""",
    "luisy.code_inspection": "",
    "luisy.config": """
        Config Singleton activate_download add_working_dir change_working_dir default_params env_keys
        get_default_params pass_args
        remove_working_dir set_working_dir""",
    "luisy.decorators": f"""
        auto_filename csv_output feather_output final hdf_output inherits interim json_output make_directory_output
        parquetdir_output pickle_output project_name raw requires xlsx_output {SPARK}""",
    "luisy.default_params": "",
    "luisy.file_system": "AzureContainer",
    "luisy.hashes": "",
    "luisy.helpers": """
        RegexParam RegexTaskPattern add_filter_info get_all_reqs get_df_from_parquet_dir get_related_instances
        get_start_date get_stop_date get_string_repr remove_parent_directories wrap_in_brackets""",
    "luisy.luigi_interface": "",
    "luisy.targets": """
        AzureBlobStorageTarget CSVTarget CloudTarget DeltaTableTarget DirectoryTarget FeatherTarget HDFTarget
        JSONTarget LocalTarget LuisyTarget ParquetDirTarget PickleTarget SparkTarget XLSXTarget""",
    "luisy.tasks": "ConcatenationTask ExternalTask SparkTask Task WrapperTask",
    "luisy.tasks.base": "ConcatenationTask ExternalTask SparkTask Task WrapperTask",
    "luisy.testing": """
        DFMock LuisyTestCase SparkMock create_file create_testing_config debug_run get_all_dependencies mock_target""",
    "luisy.visualize": """
        add_children create_label make_dependency_graph simple_task_string unique_types visualize_task""",
}

METHODS = {
    "luisy.Task": """
        clean complete download get_file_name get_outdir get_outfile get_related_instances get_sub_dir input logger
        output project_name read read_input requires target_cls target_kwargs upload visualize write""",
    "luisy.ConcatenationTask": "preprocess run",
    "luisy.Config": """
        check_params config download get_param init reset set_param spark update upload working_dir""",
    "luisy.targets.LuisyTarget": "exists read remove requires_pandas write",
    "luisy.targets.LocalTarget": "file_ending is_folder make_dir",
    "luisy.targets.CloudTarget": "exists read remove requires_pandas write",
    "luisy.SparkTask": "read_input spark write",
    "luisy.targets.SparkTarget": "spark",
    "luisy.targets.DeltaTableTarget": "exists file_ending make_dir path read remove table_uri write",
    "luisy.targets.AzureBlobStorageTarget": "blob_uri exists file_ending make_dir path read remove write",
    "luisy.targets.DirectoryTarget": "is_valid_file read_file regex_pattern",
    "luisy.testing.LuisyTestCase": "assertFail assertMissing assertSuccess get_execution_summary run_pipeline",
}

NAMES = sorted((module, name) for module, names in SURFACE.items() for name in names.split())
HERE = [(module, name) for module, name in NAMES if f"{module}.{name}" not in GONE]
GONE_NAMES = [(module, name) for module, name in NAMES if f"{module}.{name}" in GONE]
GONE_MODULES = sorted(module for module, names in SURFACE.items() if not names)


@pytest.mark.parametrize(("module", "name"), HERE)
def test_a_name_that_is_here(module: str, name: str) -> None:
    """It can be imported from where luisy 1.x had it."""
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("module", "name"), GONE_NAMES)
def test_a_name_that_is_gone(module: str, name: str) -> None:
    """Importing it says so, with the reason and what to do instead."""
    gone = GONE[f"{module}.{name}"]
    with pytest.raises(GoneError, match=re.escape(gone.reason)) as caught:
        getattr(importlib.import_module(module), name)
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, ImportError)
    assert (caught.value.slug, caught.value.hint) == (gone.slug, gone.instead)


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in REEXPORTED.items() for name in names]
)
def test_a_name_that_another_module_had_imported(module: str, name: str) -> None:
    """``from luisy.decorators import CSVTarget`` was possible: it gives what is at home in ``luisy.targets``."""
    home = REEXPORTED[module][name]
    if f"{home}.{name}" in GONE:
        with pytest.raises(GoneError):
            getattr(importlib.import_module(module), name)
    else:
        assert getattr(importlib.import_module(module), name) is getattr(importlib.import_module(home), name)


@pytest.mark.parametrize("module", GONE_MODULES)
def test_a_module_that_is_gone(module: str) -> None:
    """Importing it says so, like a name."""
    with pytest.raises(GoneError) as caught:
        importlib.import_module(module)
    assert caught.value.hint == GONE[module].instead


@pytest.mark.parametrize(
    ("owner", "name"), [(owner, name) for owner, names in METHODS.items() for name in names.split()]
)
def test_a_method_of_luisy_1(owner: str, name: str) -> None:
    """What tasks, targets and test cases of luisy 1.x offered is there."""
    module, _, kind = owner.rpartition(".")
    assert hasattr(getattr(importlib.import_module(module), kind), name) or name in (
        "get_file_name",
        "logger",
    )


def test_nothing_else_is_called_gone() -> None:
    """Each entry is a name or module that 1.4.7 had, or that its documentation uses."""
    assert set(GONE) == {f"{module}.{name}" for module, name in GONE_NAMES} | set(GONE_MODULES)


def test_what_is_gone_is_told_on_the_page() -> None:
    """docs/migration.md has a row for each: the name, why, and what to do instead."""
    rows = re.findall(r"^\| `(luisy[\w.]*)` \| (.+) \| (.+) \|$", PAGE, flags=re.MULTILINE)
    expected = {(name, gone.reason, gone.instead) for name, gone in GONE.items()}
    assert {(name, why, instead.replace("`", '"')) for name, why, instead in rows} == expected


def test_a_from_import_shows_the_reason() -> None:
    """What Python prints for ``from luisy import log_format`` says why it is gone, not only the name."""
    done = subprocess.run(
        [sys.executable, "-c", "from luisy import log_format"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "configures no logging" in done.stderr.splitlines()[-1]


def test_names_that_never_were() -> None:
    """Other names are missing in the usual way, also from modules that know what is gone."""
    for module in (luisy.helpers, luisy.testing, luisy.cli, luisy.targets):
        assert not hasattr(module, "no_such_name")
