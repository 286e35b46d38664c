"""Collecting: files, folders, ids, patterns, siblings, and what is refused."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from deqmath.claims import collect, find
from deqmath.errors import InputError, UnknownClaimError

# The package gives the name to the function, so the module is asked for by name.
collecting = import_module("deqmath.claims.collect")


def claim_text(name: str) -> str:
    return f'@dm.claim("{name}", "t", "(1)", "a statement")\ndef f():\n    return GOOD\n'


def ids(claims):
    return [claim.id for claim in claims]


def test_a_folder_is_collected_in_order_without_helpers_and_hidden_files(write, tmp_path):
    write(claim_text("t.b2") + claim_text("t.b1"), "b.py")
    write(claim_text("t.a"), "a.py")
    write(claim_text("t.deep"), "sub/c.py")
    write("x = 1", "_shared.py")
    write(claim_text("t.hidden"), ".old/d.py")
    write(claim_text("t.cached"), "__pycache__/e.py")
    (tmp_path / "notes.txt").write_text("not Python")
    assert ids(collect([tmp_path])) == ["t.a", "t.b2", "t.b1", "t.deep"]


def test_ids_patterns_and_paths_can_be_mixed_and_count_once(write, tmp_path, monkeypatch):
    write(claim_text("t.a1") + claim_text("t.a2") + claim_text("u.x"), "paper/a.py")
    mine = write(claim_text("mine.one") + claim_text("mine.two"), "mine.py")
    monkeypatch.setattr(collecting, "bundled_folder", lambda: tmp_path / "paper")
    assert ids(collect()) == ["t.a1", "t.a2", "u.x"]
    assert ids(collect(["t.*"])) == ["t.a1", "t.a2"]
    assert ids(collect(["u.x", "t.*", "t.a1", f"{mine}::mine.two"])) == ["t.a1", "t.a2", "u.x", "mine.two"]
    assert ids(collect([f"{mine}::mine.*"])) == ["mine.one", "mine.two"]
    assert find("t.a2").id == "t.a2"
    with pytest.raises(InputError, match="names 2 claims"):
        find("t.*")


def test_an_unknown_id_names_the_nearest(write, tmp_path, monkeypatch):
    write(claim_text("gg22.eq10") + claim_text("gg22.eq11"), "paper/a.py")
    monkeypatch.setattr(collecting, "bundled_folder", lambda: tmp_path / "paper")
    with pytest.raises(UnknownClaimError, match=r"no claim has the id gg22.eq12; did you mean gg22.eq1"):
        collect(["gg22.eq12"])
    with pytest.raises(UnknownClaimError, match="deqmath list"):
        collect(["zzz*"])


def test_siblings_and_helpers_can_be_imported_and_only_chosen_files_count(write):
    write("VALUE = 7", "_shared.py")
    write(claim_text("t.network"), "network.py")
    path = write("from . import network\nfrom ._shared import VALUE\nassert VALUE == 7\n" + claim_text("t.eq"), "eq.py")
    assert ids(collect([path])) == ["t.eq"]
    assert ids(collect([path.parent])) == ["t.eq", "t.network"]


def test_equal_file_names_in_two_folders_do_not_meet(write, tmp_path):
    write("VALUE = 1", "one/_shared.py")
    write("VALUE = 2", "two/_shared.py")
    for name in ("one", "two"):
        write(f'from ._shared import VALUE\n@dm.claim("t.{name}", "t", "1", str(VALUE))\ndef f(): ...', f"{name}/a.py")
    assert [claim.statement for claim in collect([tmp_path])] == ["1", "2"]


def test_an_edited_file_is_read_again(write):
    path = write(claim_text("t.a"))
    assert ids(collect([path])) == ["t.a"]
    write(claim_text("t.a") + claim_text("t.longer"))
    assert ids(collect([path])) == ["t.a", "t.longer"]


def test_any_file_name_will_do(write):
    assert ids(collect([write(claim_text("t.a"), "lemma 3.2-final.py")])) == ["t.a"]


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("def f(:\n    pass", 8, "SyntaxError"),
        ("\n1 / 0", 9, "ZeroDivisionError: division by zero"),
        ("import no_such_module_here", 8, "ModuleNotFoundError"),
        ("raise SystemExit(0)", 8, "SystemExit"),
        ('@dm.claim("t.a", "t", "(1)")\ndef f(): ...', 8, "missing 1 required positional argument: 'statement'"),
        ('@dm.claim("t.a", "t", "(1)", "s", expect="yes")\ndef f(): ...', 8, "expect='yes'"),
    ],
)
def test_a_file_that_does_not_run_is_named_with_its_line(write, body, line, says):
    path = write(body)
    with pytest.raises(InputError, match=says) as caught:
        collect([path])
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


def test_duplicate_ids_name_both_places(write, tmp_path):
    first, second = write(claim_text("t.a"), "a.py"), write(claim_text("t.a"), "b.py")
    with pytest.raises(InputError) as caught:
        collect([tmp_path])
    assert f"{second}:8" in str(caught.value)
    assert f"{first}:8" in str(caught.value)


def test_a_claim_in_a_helper_file_is_refused_rather_than_lost(write):
    write(claim_text("t.lost"), "_shared.py")
    path = write("from . import _shared\n" + claim_text("t.a"))
    with pytest.raises(InputError, match=r"t\.lost is in a file whose name starts with '_'"):
        collect([path])


@pytest.mark.parametrize("target", ["no/such/folder", "missing.py", "::t.a", "lemma.py::"])
def test_bad_targets(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        collect([target])


def test_a_folder_without_claims_is_refused(write, tmp_path):
    write("x = 1")
    with pytest.raises(InputError, match="declares no claims"):
        collect([tmp_path])


def test_an_installed_package_registers_a_folder(write, tmp_path, monkeypatch):
    write(claim_text("own.a"), "paper/a.py")
    write("", "otherpkg/__init__.py")
    write(claim_text("other.a"), "otherpkg/proofs/a.py")
    metadata = tmp_path / "otherpkg-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: otherpkg\nVersion: 1.0\n")
    entry = metadata / "entry_points.txt"
    entry.write_text("[deqmath.derivations]\nother = otherpkg:proofs\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(collecting, "bundled_folder", lambda: tmp_path / "paper")
    assert ids(collect()) == ["own.a", "other.a"]
    entry.write_text("[deqmath.derivations]\nother = otherpkg:elsewhere\n")
    with pytest.raises(InputError, match=r"otherpkg:elsewhere .* names no folder"):
        collect()


def test_the_bundled_derivations_are_found_beside_the_package():
    assert collecting.bundled_folder().is_dir()
    assert all(isinstance(path, Path) for path in collecting.default_files())
