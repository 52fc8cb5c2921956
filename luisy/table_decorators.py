"""Decorators for task classes whose output or input is a table: it stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from luisy import targets
from luisy.declarations import DecoratorError

if TYPE_CHECKING:
    from collections.abc import Callable

TaskClass = TypeVar("TaskClass", bound=type)


def deltatable_output(
    catalog: str | None = None, schema: str | None = None, table_name: str | None = None
) -> Callable[[TaskClass], TaskClass]:
    """The task's output is a table of Spark's catalog, ``catalog.schema.table_name``; it stays where it is.

    :raises DecoratorError: without a *table_name*.
    """
    options = {"catalog": catalog, "schema": schema, "table_name": table_name}
    return _table_output(targets.DeltaTableTarget, options, table_name)


def deltatable_input(
    catalog: str | None = None, schema: str | None = None, table_name: str | None = None
) -> Callable[[TaskClass], TaskClass]:
    """The task's ``input()`` is a table of Spark's catalog, which counts by its version.

    :raises DecoratorError: without a *table_name*.
    """
    options = {"catalog": catalog, "schema": schema, "table_name": table_name}
    return _table_input(targets.DeltaTableTarget, options, table_name)


def azure_blob_storage_output(
    endpoint: str,
    directory: str,
    file_format: str = "parquet",
    inferschema: bool = False,  # noqa: FBT001, FBT002 - luisy 1.x's signature
) -> Callable[[TaskClass], TaskClass]:
    """The task's output is a folder that Spark writes by its URI, *endpoint*/*directory*; it stays where it is.

    :param endpoint: such as ``abfss://container@account.dfs.core.windows.net``.
    :param file_format: Spark's name of the format.
    :param inferschema: whether formats without types are read with types.
    :raises DecoratorError: where one of the first two is empty.
    """
    options = _blobs(endpoint, directory, file_format, inferschema=inferschema)
    return _table_output(targets.AzureBlobStorageTarget, options, endpoint and directory)


def azure_blob_storage_input(
    endpoint: str,
    directory: str,
    file_format: str = "parquet",
    inferschema: bool = False,  # noqa: FBT001, FBT002 - luisy 1.x's signature
) -> Callable[[TaskClass], TaskClass]:
    """The task's ``input()`` is a folder that Spark reads by its URI, which counts by its version.

    :param endpoint: and the others, as in ``azure_blob_storage_output``.
    :raises DecoratorError: where *endpoint* or *directory* is empty.
    """
    options = _blobs(endpoint, directory, file_format, inferschema=inferschema)
    return _table_input(targets.AzureBlobStorageTarget, options, endpoint and directory)


def _blobs(endpoint: str, directory: str, file_format: str, *, inferschema: bool) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "directory": directory,
        "file_format": file_format,
        "inferschema": inferschema,
    }


def _table_output(
    target_cls: type[targets.TableTarget], options: dict[str, Any], name: str | None
) -> Callable[[TaskClass], TaskClass]:
    def decorate(cls: Any) -> Any:
        _check_table_name(cls, name)
        cls.target_cls = target_cls
        cls.target_kwargs = options
        return cls

    return decorate


def _table_input(
    target_cls: type[targets.TableTarget], options: dict[str, Any], name: str | None
) -> Callable[[TaskClass], TaskClass]:
    def decorate(cls: Any) -> Any:
        _check_table_name(cls, name)
        cls.table_input = target_cls(**options)
        cls.input = lambda self: self.table_input
        return cls

    return decorate


def _check_table_name(cls: type, name: str | None) -> None:
    if not name:
        raise DecoratorError(
            f"the decorator of {cls.__name__} names no table",
            hint="give a table_name, or an endpoint and a directory",
        )
