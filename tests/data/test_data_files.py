"""The first line of a .csv, and what is said of a .npz that NumPy would advise to load unsafely."""

from __future__ import annotations

import numpy as np
import pytest

from deqmath.data import load
from deqmath.errors import DataError


@pytest.mark.parametrize(
    ("first", "place"),
    [
        ("1_0,0,1", "column 1: '1_0'"),
        ("0x10,0,1", "column 1: '0x10'"),
        ("1,2,", "column 3: ''"),
        ("1;5,0,1", "column 1: '1;5'"),
        ("0,1,y", "column 3: 'y'"),
    ],
)
@pytest.mark.parametrize("before", ["", "a,b,y\n"])
def test_a_first_line_with_a_number_is_data(tmp_path, before, first, place):
    path = tmp_path / "bad.csv"
    path.write_text(f"{before}{first}\n0,1,2\n")
    line = 2 if before else 1
    with pytest.raises(DataError) as caught:
        load(path)
    assert f"bad.csv, line {line}, {place} is not a finite number; needed numbers" in str(caught.value)


@pytest.mark.parametrize("header", ["a,b,y", "1st,2nd,y", ",,y", '"x, in cm",b,y'])
def test_a_first_line_without_a_number_is_a_header(tmp_path, header):
    path = tmp_path / "good.csv"
    path.write_text(f"{header}\n1,0,1\n0,1,2\n")
    assert load(path).X.shape == (2, 2)


@pytest.mark.parametrize("content", [b"hello\n", b"1,2,3\n4,5,6\n", b"\x80\x04K\x01.", b"", b"PK"])
def test_a_file_that_is_no_archive_is_not_to_be_loaded_unsafely(tmp_path, content):
    path = tmp_path / "text.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"text\.npz is truncated or not a NumPy archive of plain arrays \(") as caught:
        load(path)
    message = str(caught.value)
    assert "np.savez(path, X=X, y=y)" in message
    assert not any(word in message for word in ("pickle", "unsafe", "trust"))


def test_an_archive_of_objects_is_not_to_be_loaded_unsafely(tmp_path):
    np.savez(tmp_path / "objects.npz", X=np.array([[1, "a"]], dtype=object), y=np.ones(1))
    with pytest.raises(DataError, match="it holds Python objects") as caught:
        load(tmp_path / "objects.npz")
    assert "pickle" not in str(caught.value)
