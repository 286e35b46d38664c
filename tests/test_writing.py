"""Files appear whole or not at all, with the mode that the user asked for."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from deqmath.errors import DataError, InputError
from deqmath.writing import write_atomically, write_text

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and devices of POSIX")


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "kept"
    target.write_text("old")

    def breaks(stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"kept could not be written: No space left"):
        write_atomically(target, breaks)
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_file_has_the_mode_of_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "new", "text")
    finally:
        os.umask(before)
    assert _mode(tmp_path / "new") == 0o666 & ~umask


@posix
def test_a_file_that_was_there_keeps_its_mode(tmp_path):
    target = tmp_path / "kept"
    target.write_text("old")
    target.chmod(0o640)
    write_text(target, "new")
    assert (target.read_text(), _mode(target)) == ("new", 0o640)


@posix
def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@posix
def test_a_device_is_written_to_and_stays_a_device():
    write_text(os.devnull, "text")
    assert not os.path.isfile(os.devnull)  # noqa: PTH113


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")  # noqa: PTH110
def test_a_full_device_is_named():
    with pytest.raises(DataError, match=r"/dev/full could not be written: No space left"):
        write_text("/dev/full", "text")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"is a folder; needed the name of a file"):
        write_text(tmp_path, "text")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere, which does not exist; create it first"):
        write_text(tmp_path / "nowhere" / "result", "text")
