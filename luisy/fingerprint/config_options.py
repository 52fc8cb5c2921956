"""Which options of ``luigi.cfg`` code asks for by ``luigi.configuration.get_config()``.

Found in the text: calls of the parser's methods with a section and an option that are constants, in code that can
get at the configuration at all. A dictionary that is asked in the same words costs nothing: what no configuration
file has counts for nothing. What is computed is a blind spot.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from luisy.fingerprint.project import namespace
from luisy.fingerprint.result import Option
from luisy.fingerprint.trees import subtree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from luisy.fingerprint.modules import Unit
    from luisy.fingerprint.nodes import External

_OF_OPTION = frozenset({"get", "getboolean", "getfloat", "getint", "has_option"})
_OF_SECTION = frozenset({"getintdict", "has_section", "items", "options"})
_WAYS_IN = frozenset({"get_config", "LuigiConfigParser", "LuigiTomlParser"})


def gets_at_configuration(externals: Iterable[External]) -> bool:
    """Whether Luigi's configuration is among what code names."""
    return any(e.module.startswith("luigi.configuration") and _WAYS_IN & {*e.rest} for e in externals)


def options_in(unit: Unit) -> Iterator[Option | int]:
    """The options that a statement asks for; for one that is computed, its line."""
    for call in subtree(unit.statement):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        given = {"section": 0, "option": 1}
        values = {
            name: _text(argument, unit.module)
            for name, place in given.items()
            if (argument := _argument(call, name, place)) is not None
        }
        if call.func.attr in _OF_OPTION and len(values) == len(given):
            section, option = values["section"], values["option"]
            if section is not None:
                yield Option(section, option or "")  # an unknown one: whatever the section has
            elif _is_parser(call.func.value):
                yield call.lineno
        elif call.func.attr in _OF_SECTION and (section := values.get("section")) is not None:
            yield Option(section, "")


def _argument(call: ast.Call, name: str, place: int) -> ast.expr | None:
    if len(call.args) > place:
        return call.args[place]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _text(expression: ast.expr, module: str) -> str | None:
    """The text that *expression* is known to be."""
    if isinstance(expression, ast.Constant):
        value = expression.value
    elif isinstance(expression, ast.Name):
        value = namespace(module).get(expression.id)
    else:
        value = None
    return value if isinstance(value, str) else None


def _is_parser(expression: ast.expr) -> bool:
    """Whether *expression* is a direct call of ``get_config``: other objects are asked in the same words."""
    if not isinstance(expression, ast.Call):
        return False
    name = expression.func.attr if isinstance(expression.func, ast.Attribute) else expression.func
    return name == "get_config" or (isinstance(name, ast.Name) and name.id == "get_config")
