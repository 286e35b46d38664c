"""Every source of data: what comes out, and one clear line for everything that is wrong with a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deqmath.data import load, loading
from deqmath.errors import DataError, InputError, MissingBackendError


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_digits():
    digits = load("digits")
    assert digits.X.shape == (357, 64)
    assert np.linalg.norm(digits.X, axis=1) == pytest.approx(np.ones(357), rel=1e-15)
    assert (np.sum(digits.y == -1), np.sum(digits.y == 1)) == (183, 174)
    assert digits.name == "digits"
    for said in ("class 3 as -1, class 8 as +1", "1797 x 64", "normalised", "smallest angle"):
        assert said in digits.note
    assert "Dataset(name='digits', X (357, 64), y (357,)" in repr(digits)


def test_shipped_digits_are_scikit_learns(tmp_path):
    sklearn = pytest.importorskip("sklearn.datasets")
    bunch = sklearn.load_digits()
    shipped = Path(loading.__file__).with_name("digits.npz")
    with np.load(shipped, allow_pickle=False) as archive:
        assert np.array_equal(archive["pixels"], bunch.data)
        assert np.array_equal(archive["targets"], bunch.target)
    subprocess.run([sys.executable, "-m", "deqmath.data.make_digits", str(tmp_path / "again.npz")], check=True)
    assert (tmp_path / "again.npz").read_bytes() == shipped.read_bytes()
    assert "CC BY 4.0" in shipped.with_name("LICENSE-digits.txt").read_text()


def test_classes_and_subsets():
    zero_one = load("digits", classes=(0, 1), samples=31, seed=4)
    assert zero_one.X.shape == (31, 64)
    assert abs(zero_one.y.sum()) == 1
    again = load("digits", classes=(0, 1), samples=31, seed=4)
    assert np.array_equal(zero_one.X, again.X)
    other = load("digits", classes=(0, 1), samples=31, seed=5)
    assert not np.array_equal(zero_one.X, other.X)
    swapped = load("digits", classes=(1, 0))
    assert np.array_equal(swapped.y, -load("digits", classes=(0, 1)).y)
    rows = {row.tobytes() for row in load("digits", classes=(0, 1)).X}
    assert all(row.tobytes() in rows for row in zero_one.X)


def test_regression_targets_are_scaled_and_said():
    pytest.importorskip("sklearn")
    data = load("diabetes")
    assert data.X.shape == (442, 10)
    assert np.abs(data.y).max() == 1.0
    assert "targets divided by 346.0" in data.note


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "wine"])
def test_classification_sets(name):
    pytest.importorskip("sklearn")
    assert set(load(name).y) == {-1.0, 1.0}


def test_scikit_learn_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingBackendError, match=r'pip install "deqmath\[data\]"'):
        load("diabetes")
    assert load("digits").X.shape == (357, 64)


@pytest.mark.parametrize("text", ["1,0,0.5\n0,2,-1\n", "a,b,y\n1,0,0.5\n0,2,-1\n", "\ufeff1, 0, 0.5\n\n0,2,-1"])
def test_csv(tmp_path, text):
    data = load(write(tmp_path, "mine.csv", text))
    assert np.array_equal(data.X, [[1, 0], [0, 1]])
    assert np.array_equal(data.y, [0.5, -1])
    assert data.name == "mine.csv"
    raw = load(str(tmp_path / "mine.csv"), normalise=False)
    assert np.array_equal(raw.X, [[1, 0], [0, 2]])
    assert "normalised" not in raw.note


def test_csv_with_classes(tmp_path):
    data = load(write(tmp_path, "c.csv", "1,0,4\n0,1,7\n1,1,9\n1,2,4\n"), classes=(4, 9))
    assert np.array_equal(data.y, [-1, 1, -1])


def test_npz(tmp_path):
    np.savez(tmp_path / "mine.npz", X=np.array([[3, 4], [0, 1]]), y=np.array([2.0, -4.0]))
    data = load(tmp_path / "mine.npz")
    assert pytest.approx(np.array([[0.6, 0.8], [0.0, 1.0]])) == data.X
    assert np.array_equal(data.y, [0.5, -1.0])
    assert "divided by 4.0" in data.note


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bad.csv holds no rows of numbers"),
        ("a,b\n", "bad.csv holds no rows of numbers"),
        ("1,2,3\n1,2\n", "bad.csv, line 2: 2 columns, but the lines before have 3"),
        ("1,2,3\n1,nan,3\n", "bad.csv, line 2, column 2: 'nan' is not a finite number"),
        ("nan,2,3\n", "bad.csv, line 1, column 1: 'nan' is not a finite"),
        ("1,2,inf\n", "line 1, column 3: 'inf'"),
        ("1,2,3\nx,2,3\n", "line 2, column 1: 'x'"),
        ("a,b,c\nd,e,f\n", "line 2, column 1: 'd'"),
        ("1,2,\n4,5,6\n5,,7\n", "line 1, column 3: ''"),
        ("1,1_000,3\n1_0,2,3\n", "line 1, column 2: '1_000'"),
        ("1,__import__('os'),3\n2,__import__('os'),1\n", "line 1, column 2"),
        ("1\n2\n", "has one column"),
        ('1,"2\n', "not comma-separated values"),
        ("0,0,1\n1,0,1\n0,0,0\n", r"rows \[0, 2\] are zero and cannot be normalised"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as caught:
        load(write(tmp_path, "bad.csv", text))
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_bad_csv_bytes(tmp_path):
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe1,2\n")
    with pytest.raises(DataError, match="not a UTF-8 text file"):
        load(tmp_path / "bad.csv")


def test_truncated_npz_at_every_length(tmp_path):
    np.savez_compressed(tmp_path / "whole.npz", X=np.random.default_rng(0).random((20, 3)), y=np.ones(20))
    content = (tmp_path / "whole.npz").read_bytes()
    for length in [*range(0, len(content), 37), len(content) - 1]:
        (tmp_path / "cut.npz").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"cut\.npz is truncated or not a NumPy archive"):
            load(tmp_path / "cut.npz")


def test_corrupted_npz_is_never_a_crash(tmp_path):
    np.savez_compressed(tmp_path / "whole.npz", X=np.random.default_rng(0).random((20, 3)), y=np.ones(20))
    content = bytearray((tmp_path / "whole.npz").read_bytes())
    messages = []
    for position in range(0, len(content), 11):
        broken = content.copy()
        broken[position] ^= 0xFF
        (tmp_path / "broken.npz").write_bytes(broken)
        try:
            load(tmp_path / "broken.npz")
        except DataError as error:
            messages.append(str(error))
    assert len(messages) > 20
    assert not any("\n" in message for message in messages)


class _Evil:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_bad_npz(tmp_path):
    def refused(message, **arrays):
        np.savez(tmp_path / "bad.npz", **arrays)
        with pytest.raises(DataError, match=message):
            load(tmp_path / "bad.npz")

    two = np.eye(2)
    refused(r"holds A, B, but needs the arrays X and y: np.savez\(path, X=X, y=y\)", A=two, B=two)
    refused(r"X has shape \(2, 2\) and y \(3,\)", X=two, y=np.ones(3))
    refused(r"X has shape \(2,\) and y", X=np.ones(2), y=np.ones(2))
    refused(r"X has shape \(0, 2\)", X=np.ones((0, 2)), y=np.ones(0))
    refused(r"X holds nan at index \[0, 1\]", X=[[1, np.nan], [0, 1]], y=np.ones(2))
    refused(r"y holds inf at index \[1\]", X=two, y=[1, np.inf])
    refused("X has dtype complex128", X=two * 1j, y=np.ones(2))
    refused("X has dtype <U1", X=[["a", "b"]], y=np.ones(1))
    refused("truncated or not a NumPy archive of plain arrays", X=np.array([[_Evil()]], dtype=object), y=np.ones(1))
    np.save(tmp_path / "single.npy", two)
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    with pytest.raises(DataError, match="holds a single array"):
        load(tmp_path / "single.npz")


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        ("mnist", {}, DataError, "'mnist' is no known data set.*and no .csv or .npz file"),
        ("nowhere.csv", {}, DataError, "nowhere.csv cannot be read: No such file"),
        ("nowhere.npz", {}, DataError, "nowhere.npz cannot be read: No such file"),
        (3, {}, InputError, "source is a int"),
        ("digits", {"classes": (3, 3)}, InputError, r"classes is \(3, 3\); it needs two different labels"),
        ("digits", {"classes": (3,)}, InputError, r"classes is \(3,\)"),
        ("digits", {"classes": (3, 11)}, DataError, "digits has no sample of class 11; its labels are 0, 1, 2"),
        ("digits", {"samples": 0}, InputError, "samples is 0; it needs an integer >= 1"),
        ("digits", {"samples": 400}, InputError, "digits has 357 samples, but samples=400"),
        ("digits", {"samples": 3, "seed": -1}, InputError, "seed is -1"),
    ],
)
def test_bad_options(source, options, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        load(source, **options)


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="normalize"):
        load("digits", normalize=True)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder\.csv cannot be read"):
        load(tmp_path / "folder.csv")
