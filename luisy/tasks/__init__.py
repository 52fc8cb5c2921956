"""What users write against: the task classes, and the port through which they reach what is above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.gone import attributes_of
from luisy.tasks.base import ConcatenationTask, ExternalOutput, ExternalTask, NoOutput, Task, WrapperTask
from luisy.tasks.port import ResultSource, naming_only, set_result_source
from luisy.tasks.spark import SparkTask

__all__ = [
    "ConcatenationTask",
    "ExternalOutput",
    "ExternalTask",
    "NoOutput",
    "ResultSource",
    "SparkTask",
    "Task",
    "WrapperTask",
    "naming_only",
    "set_result_source",
]


if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)
