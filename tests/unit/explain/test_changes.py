"""One account against another."""

from __future__ import annotations

from luisy.explain import UNKNOWN, Account, Change, Part, changed_inputs, in_short, own_changes
from luisy.model import Digest


def account(**parts: str) -> Account:
    """An account of these parts, ``parameter_x`` for the label ``parameter x``."""
    return Account({label.replace("_", " ", 1): value for label, value in parts.items()})


def test_equal_accounts_have_no_changes() -> None:
    """What is made of the same parts is not told apart."""
    one = account(parameter_x="1", output_a="Target", input_Up_1="a")
    assert own_changes(one, one) == []
    assert changed_inputs(one, one) == {}


def test_each_kind_of_part_is_told_as_such() -> None:
    """Parameters, outputs, options, declared and observed inputs are named with what they were and are."""
    labels = ("parameter", "output", "option", "declared", "observed")
    old = account(**{f"{label}_name": "old" for label in labels})
    new = account(**{f"{label}_name": "new" for label in labels})
    found = own_changes(old, new)
    assert [change.part.value for change in found] == list(labels)
    assert {(change.name, change.old, change.new) for change in found} == {("name", "old", "new")}


def test_what_is_new_and_what_is_gone_has_one_value() -> None:
    """A parameter that was not there has no old value, one that is gone no new one."""
    found = own_changes(account(parameter_gone="1"), account(parameter_fresh="2"))
    assert {(change.name, change.old, change.new) for change in found} == {
        ("gone", "1", None),
        ("fresh", None, "2"),
    }


def test_the_fingerprint_is_left_to_the_code() -> None:
    """That the digest of the code differs says nothing: which code does, is told elsewhere."""
    assert own_changes(account(fingerprint="a", version="1"), account(fingerprint="b", version="1")) == []


def test_of_an_account_in_part_only_what_both_have_is_compared() -> None:
    """What was not recorded is not taken for something that was not there."""
    old = Account({"parameter x": "1", "parameter y": "1"}, whole=False)
    found = own_changes(old, account(parameter_x="2", parameter_z="1"))
    assert [change.name for change in found] == ["x"]


def test_inputs_are_told_by_what_they_count_as() -> None:
    """An input with another key, one that is new, one that is gone and one of which nothing is known yet."""
    old = account(input_A="k1", input_B="k1", input_C="k1", input_D="k1", held_E="k1")
    new = account(input_A="k1", input_B="k2", input_D=UNKNOWN, input_F="k1", held_E="k2")
    assert changed_inputs(old, new) == {
        "B": ("k1", "k2"),
        "C": ("k1", None),
        "D": ("k1", None),
        "E": ("k1", "k2"),
        "F": (None, "k1"),
    }


def test_an_input_with_the_same_key_and_other_bytes_is_told() -> None:
    """A result that was made anew under its key counts by its content."""
    old = Account({"input A": "k1"}, contents={"A": Digest("c1")})
    assert changed_inputs(old, Account({"input A": "k1"}, contents={"A": Digest("c2")})) == {
        "A": ("c1", "c2")
    }
    assert changed_inputs(old, Account({"input A": "k1"})) == {}


def test_a_value_that_is_not_public_is_not_told() -> None:
    """Of a hidden parameter only that it changed is said, in a line that people read."""
    (change,) = own_changes(account(parameter_token="hidden 1a2b"), account(parameter_token="hidden 3c4d"))
    assert change.told() == "parameter token: a value that is not shown -> a value that is not shown"


def test_digests_are_cut_to_what_tells_them_apart() -> None:
    """Of a declared file twelve digits of each digest are shown in a line."""
    change = Change(Part.DECLARED, "file a.csv", "a" * 64, "b" * 64)
    assert change.told() == f"declared file a.csv: {'a' * 12} -> {'b' * 12}"


def test_long_values_are_cut_in_a_line() -> None:
    """A parameter of a thousand characters does not fill the screen; the document has it whole."""
    change = Change(Part.PARAMETER, "x", "a" * 1000, "b")
    assert len(change.told()) < 100
    assert change.as_json()["old"] == "a" * 1000


def test_the_first_of_several_changes_stands_for_them() -> None:
    """One line names the first change and counts the others."""
    code = Change(Part.CODE, "f.py:clean", "a", "b", what="clean() in f.py")
    package = Change(Part.PACKAGE, "numpy", "1.26", "2.0")
    assert in_short([code]) == "clean() in f.py"
    assert in_short([code, package, package]) == "clean() in f.py and 2 more"
    assert in_short([package]) == "package numpy: 1.26 -> 2.0"
    assert in_short([]) == ""
