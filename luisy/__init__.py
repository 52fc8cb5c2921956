"""luisy: a content-addressed artifact cache for Luigi pipelines.

Everything public is imported when it is first used, so that ``import luisy`` costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from luisy import gone as _gone
from luisy import loading as _loading  # noqa: F401 - watches imports from here on
from luisy.observe import imports as _imports

__version__ = "2.0.0.dev0"

if TYPE_CHECKING:
    from luigi import (
        BoolParameter,
        ChoiceListParameter,
        ChoiceParameter,
        DateHourParameter,
        DateIntervalParameter,
        DateMinuteParameter,
        DateParameter,
        DateSecondParameter,
        DictParameter,
        EnumListParameter,
        EnumParameter,
        FloatParameter,
        IntParameter,
        ListParameter,
        MonthParameter,
        NumericalParameter,
        OptionalBoolParameter,
        OptionalChoiceParameter,
        OptionalDictParameter,
        OptionalFloatParameter,
        OptionalIntParameter,
        OptionalListParameter,
        OptionalNumericalParameter,
        OptionalParameter,
        OptionalPathParameter,
        OptionalStrParameter,
        OptionalTupleParameter,
        Parameter,
        PathParameter,
        StrParameter,
        TaskParameter,
        TimeDeltaParameter,
        TupleParameter,
        YearParameter,
    )

    from luisy.config import Config, activate_download, set_working_dir
    from luisy.decorators import (
        auto_filename,
        azure_blob_storage_input,
        azure_blob_storage_output,
        csv_output,
        declares,
        deltatable_input,
        deltatable_output,
        feather_output,
        final,
        hdf_output,
        inherits,
        interim,
        json_output,
        make_directory_output,
        parquet_output,
        parquetdir_output,
        pickle_output,
        project_name,
        raw,
        requires,
        side_outputs,
        xlsx_output,
    )
    from luisy.runner.build import build, key, plan
    from luisy.tasks import ConcatenationTask, ExternalTask, SparkTask, Task, WrapperTask

__all__ = [
    "BoolParameter",
    "ChoiceListParameter",
    "ChoiceParameter",
    "ConcatenationTask",
    "Config",
    "DateHourParameter",
    "DateIntervalParameter",
    "DateMinuteParameter",
    "DateParameter",
    "DateSecondParameter",
    "DictParameter",
    "EnumListParameter",
    "EnumParameter",
    "ExternalTask",
    "FloatParameter",
    "IntParameter",
    "ListParameter",
    "MonthParameter",
    "NumericalParameter",
    "OptionalBoolParameter",
    "OptionalChoiceParameter",
    "OptionalDictParameter",
    "OptionalFloatParameter",
    "OptionalIntParameter",
    "OptionalListParameter",
    "OptionalNumericalParameter",
    "OptionalParameter",
    "OptionalPathParameter",
    "OptionalStrParameter",
    "OptionalTupleParameter",
    "Parameter",
    "PathParameter",
    "SparkTask",
    "StrParameter",
    "Task",
    "TaskParameter",
    "TimeDeltaParameter",
    "TupleParameter",
    "WrapperTask",
    "YearParameter",
    "activate_download",
    "auto_filename",
    "azure_blob_storage_input",
    "azure_blob_storage_output",
    "build",
    "csv_output",
    "declares",
    "deltatable_input",
    "deltatable_output",
    "feather_output",
    "final",
    "hdf_output",
    "inherits",
    "interim",
    "json_output",
    "key",
    "make_directory_output",
    "parquet_output",
    "parquetdir_output",
    "pickle_output",
    "plan",
    "project_name",
    "raw",
    "requires",
    "set_working_dir",
    "side_outputs",
    "xlsx_output",
]

_HOMES = {
    "luisy.config": ("Config", "activate_download", "set_working_dir"),
    "luisy.runner": ("build", "key", "plan"),
    "luisy.tasks": ("ConcatenationTask", "ExternalTask", "SparkTask", "Task", "WrapperTask"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_SUBMODULES = (  # ``luisy.config.Config`` needs no import of its own
    "cli",
    "config",
    "decorators",
    "file_system",
    "helpers",
    "targets",
    "tasks",
    "testing",
    "visualize",
)


def _home(name: str) -> str:
    """The module that the public *name* comes from."""
    return _HOME.get(name) or ("luigi" if name.endswith("Parameter") else "luisy.decorators")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"luisy.{name}")
    if name not in __all__:
        _gone.refuse(f"luisy.{name}")
        raise AttributeError(f"module 'luisy' has no attribute {name!r}")
    value = getattr(importlib.import_module(_home(name)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Facade(ModuleType):
    """The import system binds each submodule to its package; ``luisy.plan`` is to stay the public function."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Facade
_imports.begin()
