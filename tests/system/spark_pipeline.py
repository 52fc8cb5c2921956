"""The pipeline of the Spark tests: csv, folders of parquet files, tables, and what is made of them."""

# Written as people write pipelines: without annotations.
# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"

from __future__ import annotations

import os

import luisy

BLOBS = f"file://{os.environ.get('SPARK_TEST_BLOBS', '/nowhere')}"


@luisy.raw
@luisy.csv_output
class Raw(luisy.ExternalTask):
    def get_file_name(self):
        return "raw"


@luisy.requires(Raw)
@luisy.interim
@luisy.parquetdir_output(outdir="clean")
class Clean(luisy.SparkTask):
    """By Spark, a folder of parquet files."""

    def run(self):
        table = self.read_input()
        self.write(table.filter(table.x > 0))


@luisy.requires(Clean)
@luisy.final
@luisy.csv_output
class Total(luisy.Task):
    """By pandas."""

    def run(self):
        self.write(self.input().read().groupby("y", as_index=False).x.sum())


@luisy.requires(Clean)
@luisy.final
@luisy.pickle_output
class Counted(luisy.SparkTask):
    """By Spark, from a folder to a pickle."""

    def run(self):
        self.write(self.read_input().groupBy("y").count().orderBy("y"))


@luisy.requires(Raw)
@luisy.interim
@luisy.csv_output
class Short(luisy.Task):
    """By pandas, the same for raw files whose last column alone differs."""

    def run(self):
        self.write(self.read_input()[["x", "y"]])


@luisy.requires(Short)
@luisy.interim
@luisy.csv_output
class BySpark(luisy.SparkTask):
    def run(self):
        self.write(self.read_input())


@luisy.requires(Short)
@luisy.interim
@luisy.csv_output
class ByPandas(luisy.Task):
    def run(self):
        self.write(self.read_input())


class Both(luisy.WrapperTask):
    def requires(self):
        return [BySpark(), ByPandas()]


@luisy.requires(Raw)
@luisy.deltatable_output(schema="default", table_name="numbers")
class Table(luisy.SparkTask):
    """One table, whatever the factor."""

    factor = luisy.IntParameter(default=1)

    def run(self):
        table = self.read_input()
        self.write(table.withColumn("x", table.x * self.factor))


@luisy.requires(Table)
@luisy.final
@luisy.csv_output
class OfTable(luisy.SparkTask):
    def run(self):
        self.write(self.read_input().orderBy("x"))


@luisy.requires(Raw)
@luisy.azure_blob_storage_output(endpoint=BLOBS, directory="numbers")
class Blob(luisy.SparkTask):
    """One location, whatever the factor."""

    factor = luisy.IntParameter(default=1)

    def run(self):
        table = self.read_input()
        self.write(table.withColumn("x", table.x * self.factor))


@luisy.final
@luisy.csv_output
@luisy.azure_blob_storage_input(endpoint=BLOBS, directory="theirs", file_format="csv", inferschema=True)
class OfTheirs(luisy.SparkTask):
    """From a location that somebody else writes."""

    def run(self):
        self.write(self.read_input())


@luisy.interim
@luisy.csv_output
class Part(luisy.SparkTask):
    """Made of nothing, by whatever session there is."""

    number = luisy.IntParameter()

    def run(self):
        frame = self.spark.createDataFrame([(self.number, self.spark.sparkContext.master)], ["n", "master"])
        self.write(frame)


class Parts(luisy.WrapperTask):
    def requires(self):
        return [Part(number=number) for number in range(4)]
