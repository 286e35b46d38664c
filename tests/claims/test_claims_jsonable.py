"""Figures in JSON lose nothing and are never written by accident; files appear whole."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest
import sympy

from deqmath.claims.jsonable import jsonable
from deqmath.claims.write import check_target, write_text
from deqmath.errors import InputError


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3, 3),
        (2**53 + 1, "9007199254740993"),
        (0.1, 0.1),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (True, True),
        (None, None),
        (Fraction(1, 3), "1/3"),
        (Decimal("0.10"), "0.10"),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.uint64(2**63), "9223372036854775808"),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.longdouble(0.5), "0.5"),
        (np.array([[1.0, np.nan]]), [[1.0, "nan"]]),
        (np.arange(2), [0, 1]),
        (sympy.Integer(3), 3),
        (sympy.Rational(1, 3), "1/3"),
        (sympy.pi, "pi"),
        (sympy.true, True),
        (sympy.Float("0.1", 40), str(sympy.Float("0.1", 40))),
        (mpmath.mpf(1), "1.0"),
        (flint.fmpz(7), "7"),
        (flint.fmpq(1, 3), "1/3"),
        ((1, [2], {3: Fraction(1, 2)}), [1, [2], {"3": "1/2"}]),
        ({"b", "a"}, ["a", "b"]),
        (Path("a"), "a"),
    ],
)
def test_values(value, written):
    result = jsonable(value)
    assert result == written
    assert type(result) is type(written)
    assert json.loads(json.dumps(result, allow_nan=False)) == written


@pytest.mark.parametrize(
    "value", [object(), {"a": [object()]}, np.array([object()])[0:1].astype("O"), np.random.default_rng(0)]
)
def test_other_objects_are_refused_by_name(value):
    with pytest.raises(InputError, match="the figure"):
        jsonable(value, "the figure")


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    write_text(path, "new ⊗\n")
    assert path.read_text(encoding="utf-8") == "new ⊗\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_written_through_and_a_device_is_not_replaced(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    write_text(link, "x")
    assert link.is_symlink()
    assert real.read_text() == "x"
    write_text("/dev/null", "x")
    assert not Path("/dev/null").is_file()


def test_bad_targets_are_refused_before_work_is_done(tmp_path):
    check_target(None)
    check_target("-")
    check_target(tmp_path / "new")
    for bad, says in (
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "x", "does not exist"),
        ("--html", "reads as an option"),
    ):
        with pytest.raises(InputError, match=says):
            check_target(bad, "--json")
