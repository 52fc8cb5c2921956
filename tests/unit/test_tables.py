"""Targets that are tables, as far as they go without Spark."""

from __future__ import annotations

import pytest

import luisy
from luisy import targets
from luisy.decorators import DecoratorError
from luisy.errors import UsageError
from luisy.settings import overridden
from luisy.tables import AzureBlobStorageTarget, DeltaTableTarget


def test_the_name_of_a_table() -> None:
    """Catalog and schema stand before the table's name, where they are given; case does not tell locations apart."""
    assert DeltaTableTarget(schema="s", catalog="c", table_name="T").table_uri == "c.s.T"
    assert DeltaTableTarget(schema=None, catalog=None, table_name="T").table_uri == "T"
    upper, lower = (DeltaTableTarget(schema="s", catalog="c", table_name=name) for name in ("T", "t"))
    assert upper.location == lower.location


@pytest.mark.parametrize(("endpoint", "directory"), [("abfss://c@a", "d/e"), ("abfss://c@a/", "/d/e/")])
def test_the_uri_of_a_location(endpoint: str, directory: str) -> None:
    """Slashes between and at the ends make no difference."""
    assert AzureBlobStorageTarget(endpoint=endpoint, directory=directory).blob_uri == "abfss://c@a/d/e"


def test_the_format_counts_and_the_place_does_not() -> None:
    """What a table's options are goes into the key of its task."""
    csv = AzureBlobStorageTarget(endpoint="e", directory="d", file_format="csv")
    assert csv.options == {"file_format": "csv", "inferschema": False}
    assert DeltaTableTarget(table_name="t").options == {}


def test_output_decorators() -> None:
    """They set the target's class and how it is made, as in luisy 1.x."""

    @luisy.deltatable_output(catalog="c", schema="s", table_name="t")
    class Table(luisy.SparkTask):
        pass

    @luisy.azure_blob_storage_output("abfss://c@a", "d", "csv", True)  # noqa: FBT003 - luisy 1.x's signature
    class Blob(luisy.SparkTask):
        pass

    with overridden(working_dir="/w"):
        table, blob = Table().output(), Blob().output()
    assert (type(table), table.table_uri) == (targets.DeltaTableTarget, "c.s.t")
    assert (type(blob), blob.blob_uri, blob.file_format, blob.inferschema) == (
        targets.AzureBlobStorageTarget,
        "abfss://c@a/d",
        "csv",
        True,
    )


def test_input_decorators() -> None:
    """They make a table the task's ``input()``."""

    @luisy.deltatable_input(catalog="c", schema="s", table_name="t")
    class OfTable(luisy.SparkTask):
        pass

    @luisy.azure_blob_storage_input(endpoint="abfss://c@a", directory="d")
    class OfBlob(luisy.SparkTask):
        pass

    assert OfTable().input().table_uri == "c.s.t"
    assert OfBlob().input().blob_uri == "abfss://c@a/d"


@pytest.mark.parametrize(
    "decorator",
    [
        luisy.deltatable_output(schema="s"),
        luisy.deltatable_input(),
        luisy.azure_blob_storage_output("", "d"),
        luisy.azure_blob_storage_input("e", ""),
    ],
)
def test_a_decorator_without_a_name(decorator: object) -> None:
    """A table that has no name is refused where the class is made."""
    with pytest.raises(DecoratorError) as caught:
        decorator(type("Nameless", (luisy.SparkTask,), {}))  # type: ignore[operator]  # a decorator
    assert isinstance(caught.value, UsageError)
