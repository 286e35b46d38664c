"""One call for every data set: shipped, bundled with scikit-learn, or the user's own file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deqmath.data.angles import smallest_angle
from deqmath.data.files import read_csv, read_npz
from deqmath.errors import DataError, InputError, MissingBackendError

#: Data sets of scikit-learn (the `data` extra): regression, and classification.
_REGRESSION = ("diabetes",)
_CLASSIFICATION = ("breast_cancer", "iris", "wine")
NAMES = ("digits", *_REGRESSION, *_CLASSIFICATION)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and targets, ready for a network.

    Attributes
    ----------
    X
        Shape (n, d), rows are samples, of length 1 unless `normalise=False` was asked for.
    y
        Shape (n,), ``|y_i| <= 1``.
    name
        "digits", ..., or the file's name.
    note
        What was done to the data, and the smallest angle between rows.
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    name: str
    note: str

    def __repr__(self) -> str:
        return f"Dataset(name={self.name!r}, X {self.X.shape}, y {self.y.shape}; {self.note})"


def load(
    source: str | Path,
    *,
    classes: tuple[float, float] | None = None,
    samples: int | None = None,
    seed: int = 0,
    normalise: bool = True,
) -> Dataset:
    """Load a data set by name, or the user's own ``.csv`` or ``.npz``.

    Parameters
    ----------
    source
        "digits" (shipped; UCI Optical Recognition of Handwritten Digits, CC BY 4.0), a data set of scikit-learn
        ("diabetes", "breast_cancer", "iris", "wine"; needs the `data` extra), or the path of a ``.csv`` (last
        column y, a header line is allowed) or ``.npz`` (arrays X and y).
    classes
        Two labels: keep the samples that have one of them, as y = -1 (first) and y = +1 (second). None: (3, 8)
        for digits, the first two for scikit-learn's classification sets, and all samples with y as it is for
        regression and files.
    samples
        Keep so many, drawn without replacement by `seed`, in the order of the data; for two classes as evenly as
        possible. None: all.
    seed
        Seed of that draw.
    normalise
        Divide every row by its length, as the theory asks.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        Missing, truncated or malformed file; NaN; no rows; zero rows (indices named) where normalising.
    MissingBackendError
        A scikit-learn data set without scikit-learn.
    InputError
        Options out of range.

    Examples
    --------
    >>> from deqmath.data import load
    >>> digits = load("digits", samples=100)
    >>> digits.X.shape, sorted(set(digits.y.tolist()))
    ((100, 64), [-1.0, 1.0])
    """
    name, X, y, chosen = _read(source, classes)
    X, y, notes = _checked(name, X, y)
    if chosen is not None:
        X, y, note = _two_classes(name, X, y, chosen)
    else:
        y, note = _scaled(y)
    notes.append(note)
    if samples is not None:
        keep = _draw(name, y, samples, seed, chosen is not None)
        X, y = X[keep], y[keep]
        notes.append(f"{len(keep)} samples drawn with seed {seed}")
    zero = np.flatnonzero(~X.any(axis=1))
    if normalise:
        if zero.size:
            msg = (
                f"{name}: rows {zero[:10].tolist()} are zero and cannot be normalised to length 1; "
                "remove them from the file (or keep them as they are, in Python only: load(..., normalise=False))"
            )
            raise DataError(msg)
        X = X / np.abs(X).max(axis=1, keepdims=True)
        X = X / np.linalg.norm(X, axis=1, keepdims=True)
        notes.append("rows normalised to length 1")
    notes.append("some rows are zero" if zero.size else str(smallest_angle(X) or "a single row"))
    return Dataset(X, y, name, "; ".join(notes))


def _read(
    source: Any, classes: tuple[float, float] | None
) -> tuple[str, NDArray[Any], NDArray[Any], tuple[float, float] | None]:
    """The name, the arrays as they come, and the two classes to keep."""
    if classes is not None:
        classes = _pair(classes)
    if not isinstance(source, (str, Path)):
        msg = (
            f'source is a {type(source).__name__}; it needs a name such as "digits" or the path of a .csv or .npz file'
        )
        raise InputError(msg)
    if source == "digits":
        X, y = read_npz(Path(__file__).with_name("digits.npz"), ("pixels", "targets"))
        return "digits", X, y, classes or (3.0, 8.0)
    if source in _REGRESSION or source in _CLASSIFICATION:
        name = str(source)
        X, y = _from_sklearn(name)
        first_two = (0.0, 1.0) if name in _CLASSIFICATION else None
        return name, X, y, classes or first_two
    path = Path(source)
    readers = {".csv": read_csv, ".npz": read_npz}
    if path.suffix.lower() not in readers:
        msg = f"{str(source)!r} is no known data set ({', '.join(NAMES)}) and no .csv or .npz file; pass one of these"
        raise DataError(msg)
    X, y = readers[path.suffix.lower()](path)
    return path.name, X, y, classes


def _from_sklearn(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    try:
        datasets = import_module("sklearn.datasets")
    except ImportError as error:
        msg = f'the data set {name!r} comes with scikit-learn, which is not installed: pip install "deqmath[data]"'
        raise MissingBackendError(msg) from error
    bunch = getattr(datasets, f"load_{name}")()
    return np.asarray(bunch.data), np.asarray(bunch.target)


def _pair(classes: Any) -> tuple[float, float]:
    numbers = tuple(classes) if isinstance(classes, (tuple, list)) else ()
    if len(numbers) != 2 or not all(isinstance(k, (int, float)) for k in numbers) or numbers[0] == numbers[1]:
        msg = f"classes is {classes!r}; it needs two different labels, for example classes=(3, 8)"
        raise InputError(msg)
    return float(numbers[0]), float(numbers[1])


def _checked(name: str, X: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    if X.ndim != 2 or y.ndim != 1 or X.shape[0] != y.shape[0] or X.shape[0] == 0 or X.shape[1] == 0:
        msg = f"{name}: X has shape {X.shape} and y {y.shape}; they need (n, d) and (n,) with n, d >= 1"
        raise DataError(msg)
    for label, array in (("X", X), ("y", y)):
        if array.dtype.kind not in "fiu":
            msg = f"{name}: {label} has dtype {array.dtype}; it needs real numbers"
            raise DataError(msg)
        bad = np.argwhere(~np.isfinite(array))
        if bad.size:
            index = tuple(int(k) for k in bad[0])
            msg = f"{name}: {label} holds {array[index]} at index {list(index)}; every entry must be finite"
            raise DataError(msg)
    return X.astype(np.float64), y.astype(np.float64), [f"{X.shape[0]} x {X.shape[1]}"]


def _two_classes(
    name: str, X: NDArray[np.float64], y: NDArray[np.float64], classes: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    for label in classes:
        if not np.any(y == label):
            there = [f"{k:g}" for k in np.unique(y)[:12]]
            msg = f"{name} has no sample of class {label:g}; its labels are {', '.join(there)}"
            raise DataError(msg)
    keep = (y == classes[0]) | (y == classes[1])
    labels = np.where(y[keep] == classes[1], 1.0, -1.0)
    return X[keep], labels, f"class {classes[0]:g} as -1, class {classes[1]:g} as +1"


def _scaled(y: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    largest = float(np.abs(y).max())
    if largest <= 1.0:
        return y, "targets as they are"
    return y / largest, f"targets divided by {largest!r}, the largest magnitude, so that |y_i| <= 1"


def _draw(name: str, y: NDArray[np.float64], samples: Any, seed: Any, balanced: bool) -> NDArray[np.intp]:
    for option, value, least in (("samples", samples, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            msg = f"{option} is {value!r}; it needs an integer >= {least}"
            raise InputError(msg)
    if samples > len(y):
        msg = f"{name} has {len(y)} samples, but samples={samples} were asked for"
        raise InputError(msg)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(int(seed))))
    order = rng.permutation(len(y))
    if balanced:
        turn = np.empty(len(y))
        for label in (-1.0, 1.0):
            members = order[y[order] == label]
            turn[members] = np.arange(len(members)) + (0.25 if label > 0 else 0.0)
        order = np.argsort(turn, kind="stable")
    return np.sort(order[:samples])
