"""Why a key is another one than that of an earlier result. Pure: accounts are compared, nothing is read.

changes   one account against another: which labelled parts differ
code      of a fingerprint: which function, class or constant in which file, as a unified diff
causes    an input that changed has causes of its own, and those have; what is at the root of it
"""

from luisy.explain.causes import Cause, causes_of, input_change
from luisy.explain.changes import (
    UNKNOWN,
    Account,
    Change,
    Part,
    changed_inputs,
    in_short,
    own_changes,
    shown_value,
)
from luisy.explain.code import code_changes

__all__ = [
    "UNKNOWN",
    "Account",
    "Cause",
    "Change",
    "Part",
    "causes_of",
    "changed_inputs",
    "code_changes",
    "in_short",
    "input_change",
    "own_changes",
    "shown_value",
]
