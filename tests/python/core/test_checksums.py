"""Checksums written are checksums read; and folders that one task removes while others wait."""

from __future__ import annotations

import threading

import pytest

from haven.core import tasks
from haven.core.errors import HavenError
from haven.core.reading import checksums


@pytest.mark.parametrize("name", ["a.pb", "two words.pb", "a=b'c.pb"])
def test_a_file_that_is_listed_must_fit(tmp_path, name):
    (tmp_path / name).write_bytes(b"weights")
    checksums.check_file(tmp_path / name)  # nothing is listed
    checksums.add_sums(tmp_path, [name, "not there"])
    checksums.check_file(tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path / name)
    (tmp_path / name).write_bytes(b"weighty")
    for path in (tmp_path / name, tmp_path / "link"):
        with pytest.raises(HavenError, match="does not fit to its checksum"):
            checksums.check_file(path)
    checksums.add_sums(tmp_path, [name])  # the later line counts
    checksums.check_file(tmp_path / name)


@pytest.mark.parametrize("left", ["", "abc", "0" * 64, "0" * 64 + "  a"])
def test_a_line_that_is_cut_off_spoils_no_later_one(tmp_path, left):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / checksums.NAME).write_text(left)
    checksums.add_sums(tmp_path, ["b"])
    kept = checksums.read_sums(tmp_path)
    assert "b" in kept and checksums.broken(tmp_path, ["b"]) == []


def test_a_task_that_waited_for_a_folder_begins_its_own(tmp_path):
    folder, order = tmp_path / "run", []

    def second() -> None:
        with tasks.alone(folder):
            order.append(sorted(path.name for path in folder.iterdir()))
            (folder / "of the second").touch()

    with tasks.alone(folder):
        (folder / "of the first").touch()
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        tasks.remove(folder)
    thread.join()
    assert order == [["lock"]]
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "of the second"]
    assert list(tmp_path.iterdir()) == [folder]
