"""Lists and old results without imports: the same as with them, and nothing once any file has changed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from deqmath.claims import Cache, Settings, collect, run
from deqmath.claims import fingerprint as fingerprints
from deqmath.claims.catalogue import collect_and_remember, listed, recalled
from deqmath.errors import InputError, UnknownClaimError

CLAIM = '@dm.claim("t.{0}", "t", "({0})", "statement {0}"{1})\ndef f{0}():\n    yield {2}\n'
FIELDS = ("id", "source", "equation", "statement", "expect", "file")


@pytest.fixture
def folder(write, tmp_path):
    """Two files with three claims, a helper, and a file without any; with a cache that has seen them run once."""
    (tmp_path / "_shared.py").write_text("VALUE = 3\n")
    write("from . import _shared\n" + CLAIM.format(2, "", "GOOD") + CLAIM.format(1, "", "GOOD"), "a.py")
    write(CLAIM.format(3, "", "GOOD"), "b.py")
    write("X = 1\n", "empty.py")
    cache = Cache(tmp_path / "cache")
    run(collect_and_remember(cache, [tmp_path]), cache=cache)
    return tmp_path, cache


def fields(claims):
    return [[getattr(claim, name) for name in FIELDS] for claim in claims]


def test_the_list_is_that_of_an_import(folder):
    path, cache = folder
    for targets in ([path], [path / "a.py"], [f"{path}::t.3"], [f"{path}::t.*"], [path / "b.py", path / "a.py"]):
        assert fields(listed(cache, targets)) == fields(collect(targets))


def test_the_run_is_the_kept_one(folder):
    path, cache = folder
    again = run(collect([path]), cache=cache)
    kept = recalled(cache, [path], Settings())
    assert again.cached == 3
    assert kept.claims == again.claims
    assert (kept.seed, kept.level, kept.digits) == (again.seed, again.level, again.digits)


@pytest.mark.parametrize(
    "settings", [Settings(seed=1), Settings(digits=9), Settings(level="quick"), Settings(mutate=True)]
)
def test_other_options_are_not_recalled(folder, settings):
    path, cache = folder
    assert recalled(cache, [path], settings) is None


@pytest.mark.parametrize("name", ["a.py", "b.py", "_shared.py", "empty.py"])
def test_an_edit_of_any_file_ends_it(folder, name):
    path, cache = folder
    (path / name).write_text((path / name).read_text() + "# edited\n")
    assert listed(cache, [path]) is None
    assert recalled(cache, [path], Settings()) is None


def test_a_new_file_and_a_lost_result_end_it(folder, write):
    path, cache = folder
    kept = next(cache.folder.glob("*.json"))
    text = kept.read_text()
    kept.write_text(text.replace("evaluated", "evaluatid"))
    assert recalled(cache, [path], Settings()) is None
    kept.write_text(text)
    assert recalled(cache, [path], Settings()) is not None
    write("Y = 1\n", "new.py")
    assert recalled(cache, [path], Settings()) is None


def test_a_changed_deqmath_or_library_ends_it(folder, monkeypatch):
    path, cache = folder
    for name, other in (("_package_digest", "other"), ("_versions", ["other"])):
        with monkeypatch.context() as patch:
            patch.setattr(fingerprints, name, lambda other=other: other)
            assert recalled(cache, [path], Settings()) is None
    assert recalled(cache, [path], Settings()) is not None


def test_what_cannot_be_followed_is_always_imported(folder, write):
    _, cache = folder
    file = write("if False:\n    import antigravity_not_known\n" + CLAIM.format(4, "", "GOOD"), "c.py")
    assert [claim.id for claim in collect_and_remember(cache, [file])] == ["t.4"]
    assert listed(cache, [file]) is None


def test_a_failure_is_not_recalled(folder, write):
    _, cache = folder
    file = write(CLAIM.format(4, "", "BAD"), "c.py")
    run(collect_and_remember(cache, [file]), cache=cache)
    assert len(listed(cache, [file])) == 1
    assert recalled(cache, [file], Settings()) is None


def test_errors_are_those_of_collecting(folder, write):
    path, cache = folder
    with pytest.raises(UnknownClaimError, match=r"no claim has the id t\.9"):
        listed(cache, [f"{path}::t.9"])
    with pytest.raises(InputError, match="does not exist"):
        listed(cache, [path / "lost.py"])
    write(CLAIM.format(3, "", "GOOD"), "c.py")
    collect_and_remember(cache, [path / "c.py"])
    assert listed(cache, [path]) is None  # the import says that t.3 is taken
    with pytest.raises(InputError, match="is taken by"):
        collect_and_remember(cache, [path])


def test_a_run_from_the_cache_imports_neither_sympy_nor_numpy(folder):
    path, cache = folder
    code = (
        "import sys\nfrom deqmath.cli.entry import main\n"
        f"code = main(['verify', {str(path)!r}])\n"
        "sys.exit(code or any(name in sys.modules for name in ('sympy', 'numpy', 'scipy', 'flint', 'mpmath')))"
    )
    environment = os.environ | {"DEQMATH_CACHE_DIR": str(cache.folder.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 from the cache" in done.stdout
