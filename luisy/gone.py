"""What luisy 1.x had and this one has not: by name, with the reason and what to do instead.

``docs/migration.md`` says the same, sentence by sentence. Whoever imports such a name is told.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luisy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class GoneError(UsageError, ImportError):
    """A name of luisy 1.x is not here. An ``ImportError``, so that ``from luisy import ...`` shows it."""

    slug = "gone"


@dataclass(frozen=True, slots=True)
class Gone:
    """Why a name is gone, and what to do instead; both whole clauses."""

    reason: str
    instead: str
    slug: str = "gone"


_HASHES = Gone(
    "results are found by their keys, not by hashes in a file",
    'look at luisy.plan(task), luisy.key(task) and "luisy cas ls"',
)
_NAMES = Gone("get_related_instances needs no such thing any more", "call get_related_instances")
_COORDINATORS = Gone("there are no coordinators any more", "call luisy.build(task) or luisy.plan(task)")
_DEFAULTS = Gone("settings are described in one place", "call luisy.config.get_default_params()")
_DRAWING = Gone("pictures are drawn without networkx", "call luisy.visualize.picture_of(task)")

GONE = {
    "luisy.log_format": Gone(
        "importing luisy configures no logging", "call logging.basicConfig with a format of your own"
    ),
    "luisy.cli.HashUpdateMode": _COORDINATORS,
    "luisy.cli.PipelineMode": _COORDINATORS,
    "luisy.cli.disable_azure_logging": Gone(
        "the log of azure is left alone", 'call logging.getLogger("azure").setLevel("ERROR")'
    ),
    "luisy.cli.get_root_task": _COORDINATORS,
    "luisy.cli.parse_args": Gone(
        "the command line is parsed by click and Luigi", "call luisy.cli.main(arguments)"
    ),
    "luisy.code_inspection": Gone(
        "code is fingerprinted in another way",
        "take code_hash of luisy.key(task) for the hash of a task's code",
    ),
    "luisy.config.Singleton": Gone(
        "every luisy.Config() shows the settings of the process", "call luisy.Config()"
    ),
    "luisy.config.default_params": _DEFAULTS,
    "luisy.config.env_keys": _DEFAULTS,
    "luisy.default_params": _DEFAULTS,
    "luisy.file_system.AzureContainer": Gone(
        "it switched off the checks of TLS certificates for the whole process",
        "use ContainerClient of azure.storage.blob for files of your own; results travel with --download and --upload",
    ),
    "luisy.hashes": _HASHES,
    "luisy.helpers.RegexParam": _NAMES,
    "luisy.helpers.RegexTaskPattern": _NAMES,
    "luisy.helpers.remove_parent_directories": Gone(
        "it served AzureContainer alone", "compare the parents of pathlib.PurePath"
    ),
    "luisy.helpers.wrap_in_brackets": _NAMES,
    "luisy.luigi_interface": _COORDINATORS,
    "luisy.visualize.add_children": _DRAWING,
    "luisy.visualize.create_label": _DRAWING,
    "luisy.visualize.make_dependency_graph": _DRAWING,
    "luisy.visualize.simple_task_string": _DRAWING,
    "luisy.visualize.unique_types": _DRAWING,
}
"""By full name. A whole module stands for all that was in it."""


REEXPORTED = {
    "luisy.cli": {"get_default_params": "luisy.config"},
    "luisy.config": {"AzureContainer": "luisy.file_system"},
    "luisy.decorators": {
        **dict.fromkeys(
            (
                *(
                    "AzureBlobStorageTarget",
                    "CSVTarget",
                    "DeltaTableTarget",
                    "DirectoryTarget",
                    "FeatherTarget",
                ),
                *("HDFTarget", "JSONTarget", "ParquetDirTarget", "PickleTarget", "XLSXTarget"),
            ),
            "luisy.targets",
        ),
        "Config": "luisy.config",
        "ExternalTask": "luigi",
        "get_string_repr": "luisy.helpers",
    },
    "luisy.file_system": {
        "get_df_from_parquet_dir": "luisy.helpers",
        "remove_parent_directories": "luisy.helpers",
    },
    "luisy.targets": {
        "Config": "luisy.config",
        "change_working_dir": "luisy.config",
        "get_df_from_parquet_dir": "luisy.helpers",
    },
    "luisy.tasks.base": {
        "Config": "luisy.config",
        "RegexTaskPattern": "luisy.helpers",
        "visualize_task": "luisy.visualize",
    },
}
"""What could be imported from a module of luisy 1.x since that one had imported it: by module, name and home."""


def refuse(name: str) -> None:
    """Raise a ``GoneError`` if the full *name* is one that is gone."""
    if (gone := GONE.get(name)) is not None:
        raise GoneError(f"{name} is gone: {gone.reason}", slug=gone.slug, hint=gone.instead)


def attributes_of(module: str) -> Callable[[str], Any]:
    """A ``__getattr__`` for *module*, which tells names that moved or are gone from those that never were."""

    def missing(name: str) -> Any:
        refuse(f"{module}.{name}")
        if (home := REEXPORTED.get(module, {}).get(name)) is not None:
            return getattr(importlib.import_module(home), name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return missing


class _Tombstone:
    """The last finder on ``sys.meta_path``: asked for modules that nobody else finds."""

    @staticmethod
    def find_spec(name: str, _path: Sequence[str] | None = None, _target: object = None) -> None:
        """Raise for a module that is gone; find nothing."""
        refuse(name)


_finder: Any = _Tombstone  # as much of a finder as the import system asks for
sys.meta_path.append(_finder)
