"""What luisy is told: one frozen ``Settings`` with the provenance of each value.

Strongest first: flag (or a call such as ``set_working_dir``), environment, ``[tool.luisy]`` in
pyproject.toml, ``[luisy]`` in luigi.cfg or luigi.toml, default. ``--foo-bar``, ``LUISY_FOO_BAR`` and
``foo_bar`` are one setting. Secrets come from the environment only and appear in no ``repr``.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luisy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BY_FLAG = "flag or call"
"""The provenance of what was given on the command line or set by a call."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("expected yes or no")


def _count(value: object) -> int:
    number = int(str(value))
    if number < 1:
        raise ValueError("expected a whole number of 1 or more")
    return number


def _seconds(value: object) -> float:
    number = float(str(value))
    if not 0 <= number < float("inf"):
        raise ValueError("expected a number of seconds, 0 or more")
    return number


_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SIZES |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
_AGES = {"": 86400, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def _measure(value: object, units: Mapping[str, int], expected: str) -> float:
    text = str(value).strip().lower()
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text[len(number) :].strip()
    if unit not in units:
        raise ValueError(expected)
    amount = float(number) * units[unit]
    if not 0 <= amount < float("inf"):
        raise ValueError(expected)
    return amount


def _bytes(value: object) -> int:
    return int(_measure(value, _SIZES, "expected a size such as 20GiB, 500MB, or a number of bytes"))


def _age(value: object) -> float:
    return _measure(value, _AGES, "expected an age such as 90d, 12h, 2w; without a unit, days")


def _whole(value: object) -> int:
    number = int(str(value))
    if number < 0:
        raise ValueError("expected a whole number of 0 or more")
    return number


def _port(value: object) -> int:
    number = int(str(value))
    if not 0 < number < 65536:  # noqa: PLR2004 - the range of TCP ports
        raise ValueError("expected a port from 1 to 65535")
    return number


def _urls(value: object) -> tuple[str, ...]:
    """One or several remotes: a list, or text with commas between them."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise ValueError("expected one URL or a list of them")  # noqa: TRY004 - becomes a UsageError like the others
    return tuple(str(item).strip() for item in items if str(item).strip())


def _key_file(value: object) -> str:
    text = str(value).strip()
    if not text or "\n" in text or "-----" in text:
        raise ValueError("expected the path of a file with a key, as `luisy signing generate` makes one")
    return text


def _public_keys(value: object) -> tuple[str, ...]:
    """Public keys: a list, or text with commas between them. None at all is a mistake, and not everybody's key.

    But for the default itself, as ``get_default_params`` hands it out.
    """
    if value == ():
        return ()
    keys = tuple(key.lower() for key in _urls(value))
    if not keys or not all(_PUBLIC_KEY.fullmatch(key) for key in keys):
        raise ValueError(
            "expected public keys, each 64 hexadecimal digits, as `luisy signing list` shows them"
        )
    return keys


def _choice(*names: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if str(value) not in names:
            raise ValueError(f"expected one of {', '.join(names)}")
        return str(value)

    return parse


def _setting(default: object, parse: Callable[[object], object], **extra: object) -> Any:
    """A dataclass field that knows how its text is parsed.

    :param extra: ``secret``, ``path``, old names in the ``environment``; ``hidden``: a value that cannot be is not
        shown, since it may be a secret by mistake.
    """
    return field(default=default, repr=not extra.get("secret"), metadata={"parse": parse, **extra})


@dataclass(frozen=True)
class Settings:
    """Every setting with its value; ``provenance`` says for each name where the value came from."""

    module: str | None = _setting(None, str)
    working_dir: str | None = _setting(None, str, path=True, environment=("WORKING_DIR",))
    store: str | None = _setting(None, str, path=True)
    download: bool = _setting(default=False, parse=_boolean)
    upload: bool = _setting(default=False, parse=_boolean)
    remote: str | None = _setting(None, str)
    read: tuple[str, ...] = _setting((), _urls)
    write: str | None = _setting(None, str)
    require_remote: bool = _setting(default=False, parse=_boolean)
    retry_seconds: float = _setting(25.0, _seconds)
    azure_account_name: str | None = _setting(None, str)
    azure_container_name: str | None = _setting(None, str)
    azure_storage_key: str | None = _setting(None, str, secret=True)
    azure_sas_token: str | None = _setting(None, str, secret=True)
    azure_connection_string: str | None = _setting(None, str, secret=True)
    azure_endpoint: str | None = _setting(None, str)
    workers: int = _setting(1, _count)
    executor: str = _setting("local", _choice("local", "dask"))
    dask_scheduler: str | None = _setting(None, str)
    scheduler_host: str | None = _setting(None, str)
    scheduler_port: int | None = _setting(None, _port)
    force: bool = _setting(default=False, parse=_boolean)
    force_all: bool = _setting(default=False, parse=_boolean)
    adopt: bool = _setting(default=True, parse=_boolean)
    materialise: str = _setting("auto", _choice("auto", "needed", "all"))
    audit: str = _setting("warn", _choice("off", "warn", "strict"))
    link: str = _setting("reflink", _choice("reflink", "copy", "hardlink"))
    older_than: float = _setting(90 * 86400.0, _age)
    keep_last: int = _setting(0, _whole)
    max_size: int | None = _setting(None, _bytes)
    signing_key: str | None = _setting(None, _key_file, path=True, hidden=True)
    trusted_keys: tuple[str, ...] = _setting((), _public_keys)
    requirements_path: str | None = _setting(None, str, path=True)
    no_ask: bool = _setting(default=False, parse=_boolean)
    json: bool = _setting(default=False, parse=_boolean)
    verbose: bool = _setting(default=False, parse=_boolean)
    quiet: bool = _setting(default=False, parse=_boolean)
    provenance: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def store_path(self) -> str | None:
        """Where the store lies: the setting, else ``<working_dir>/.luisy``; None without either."""
        if self.store is not None:
            return self.store
        return None if self.working_dir is None else os.path.join(self.working_dir, ".luisy")

    @property
    def uses_remote(self) -> bool:
        """Whether any request may be made: results are to be downloaded, uploaded or both."""
        return self.download or self.upload

    @property
    def required_working_dir(self) -> str:
        """The working dir; a ``UsageError`` that names the places to set it where there is none."""
        if self.working_dir is None:
            raise UsageError(
                "no working dir is set: luisy does not know where the pipeline's files lie",
                slug="no-working-dir",
                hint="pass --working-dir DIR, set WORKING_DIR in the environment, working_dir in [tool.luisy] of "
                "pyproject.toml or in [luisy] of luigi.cfg, or call luisy.set_working_dir(DIR)",
            )
        return self.working_dir


_FIELDS = {f.name: f for f in fields(Settings) if f.metadata}
NAMES: tuple[str, ...] = tuple(_FIELDS)
SECRETS: frozenset[str] = frozenset(name for name, f in _FIELDS.items() if f.metadata.get("secret"))


_DBFS = "dbfs:/"


def environment_names(name: str) -> tuple[str, ...]:
    """The environment variables that set *name*, strongest first."""
    return (f"LUISY_{name.upper()}", *_FIELDS[name].metadata.get("environment", ()))


def _parsed(name: str, raw: object, origin: str, base: str) -> object:
    metadata = _FIELDS[name].metadata
    try:
        value = metadata["parse"](raw)
    except ValueError as error:
        shown = "(not shown)" if name in SECRETS or metadata.get("hidden") else repr(raw)
        raise UsageError(
            f"{origin}: {name.replace('_', '-')} cannot be {shown}: {error}",
            slug="bad-setting",
            hint="see the table of settings in docs/cli.md",
        ) from None
    if metadata.get("path"):
        path = str(value)
        if path.startswith(_DBFS):  # Spark's name of what Databricks mounts at /dbfs
            path = f"/dbfs/{path[len(_DBFS) :]}"
        return os.path.normpath(os.path.join(base, os.path.expanduser(path)))
    return value


def _checked(values: Mapping[str, object], origin: str) -> dict[str, object]:
    """*values* with underscores for dashes; unknown names and secrets in files are refused."""
    named = {name.replace("-", "_"): value for name, value in values.items()}
    if unknown := sorted(set(named) - set(NAMES)):
        raise UsageError(
            f"{origin}: unknown setting {unknown[0]}",
            slug="unknown-setting",
            hint=f"known settings are {', '.join(n for n in NAMES if n not in SECRETS)}",
        )
    if secret := sorted(set(named) & SECRETS):
        raise UsageError(
            f"{origin}: {secret[0]} is a secret and is read from the environment only",
            slug="secret-in-file",
            hint=f"set {environment_names(secret[0])[0]} instead",
        )
    return named


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: not valid TOML: {error}", slug="bad-config", hint="mend the file"
        ) from None


def _pyproject() -> tuple[Path, dict[str, Any]] | None:
    """The nearest pyproject.toml at or above the current directory that has a ``[tool.luisy]``."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            section = _toml(path).get("tool", {}).get("luisy")
            if isinstance(section, dict):
                return path, section
    return None


def _luigi_section() -> tuple[Path, dict[str, Any]] | None:
    """``[luisy]`` of Luigi's configuration: the places where Luigi itself looks, the last one wins."""
    found: tuple[Path, dict[str, Any]] | None = None
    chosen = os.environ.get("LUIGI_CONFIG_PATH")
    places = ["/etc/luigi/luigi.cfg", "client.cfg", "luigi.cfg", "luigi.toml", *([chosen] if chosen else [])]
    for path in map(Path, places):
        if not path.is_file():
            continue
        section = _toml(path).get("luisy") if path.suffix == ".toml" else _cfg_section(path)
        if section:
            found = path.absolute(), section
    return found


def _cfg_section(path: Path) -> dict[str, Any] | None:
    text = path.read_text(encoding="utf-8", errors="replace")
    if "[luisy]" not in text:  # configparser costs more than the rest of the start
        return None
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text, source=str(path))
    except configparser.Error as error:
        raise UsageError(
            f"{path}: not a valid configuration: {error}", slug="bad-config", hint="mend the file"
        ) from None
    return dict(parser["luisy"])


def _imply(values: dict[str, object], provenance: dict[str, str]) -> None:
    """Set what follows from other settings."""
    if values.get("executor") == "dask":  # results come and go by the remote alone
        for name in ("download", "upload"):
            values[name], provenance[name] = True, "executor"


def load(flags: Mapping[str, object] | None = None) -> Settings:
    """The settings as they stand now.

    :param flags: values given on the command line or in a call; None values count as not given.
    :raises UsageError: for a value that does not parse, an unknown name, a secret in a file.
    """
    values: dict[str, object] = {}
    provenance: dict[str, str] = {}
    for read, kind in ((_luigi_section, "luigi"), (_pyproject, "pyproject")):
        if (found := read()) is not None:
            path, section = found
            origin = f"{path} [{'tool.luisy' if kind == 'pyproject' else 'luisy'}]"
            for name, raw in _checked(section, origin).items():
                values[name] = _parsed(name, raw, origin, str(path.parent))
                provenance[name] = origin
    for name in NAMES:
        for variable in reversed(environment_names(name)):
            if (raw_text := os.environ.get(variable)) is not None and (raw_text or name not in SECRETS):
                values[name] = _parsed(name, raw_text, f"environment variable {variable}", str(Path.cwd()))
                provenance[name] = f"environment variable {variable}"
    for name, raw in {**_overrides, **(flags or {})}.items():
        if raw is not None:
            values[name] = _parsed(name, raw, f"--{name.replace('_', '-')}", str(Path.cwd()))
            provenance[name] = BY_FLAG
    _imply(values, provenance)
    return Settings(**values, provenance=provenance)  # type: ignore[arg-type]  # parsed by each field's own parser


# The process-wide part: what was set by calls, and the settings last loaded. Tasks ask for the working dir
# at every output(), so it is loaded once and again only after a change that can matter to them.
_overrides: dict[str, object] = {}
_loaded: tuple[tuple[str | None, ...], Settings] | None = None


def current() -> Settings:
    """The settings of this process, loaded again after ``override`` or a change of the working dir's variables."""
    global _loaded  # noqa: PLW0603 - the one memo of this module, see above
    token = tuple(os.environ.get(name) for name in environment_names("working_dir"))
    if _loaded is None or _loaded[0] != token:
        _loaded = (token, load())
    return _loaded[1]


def override(**values: object) -> None:
    """Set *values* for this process, stronger than any file or variable; None takes a value back.

    :raises UsageError: for an unknown name.
    """
    global _loaded  # noqa: PLW0603
    for name in values:
        if name not in _FIELDS:
            raise UsageError(
                f"unknown setting {name}", slug="unknown-setting", hint=f"known are {', '.join(NAMES)}"
            )
    for name, value in values.items():
        if value is None:
            _overrides.pop(name, None)
        else:
            _overrides[name] = value
    _loaded = None


def reset() -> None:
    """Forget every override and what was loaded."""
    global _loaded  # noqa: PLW0603
    _overrides.clear()
    _loaded = None


@contextmanager
def overridden(**values: object) -> Iterator[Settings]:
    """The settings with *values* on top for the length of a block; None values change nothing."""
    global _loaded  # noqa: PLW0603
    before = dict(_overrides)
    override(**{name: value for name, value in values.items() if value is not None})
    try:
        yield current()
    finally:
        _overrides.clear()
        _overrides.update(before)
        _loaded = None
