"""Figures in mapped files, and a disk that is full."""

import os

import pytest

from emotune import figures
from emotune.figures import ROOM, SafeFigures


@pytest.fixture
def file(tmp_path):
    return tmp_path / "counter_1.db"


@pytest.fixture
def full(monkeypatch):
    """A disk without room, as posix_fallocate tells it."""

    def refuse(*_):
        raise OSError(28, os.strerror(28))

    def fill():
        monkeypatch.setattr(os, "posix_fallocate", refuse)

    return fill


def kept(file):
    return {key: value for key, value, *_ in SafeFigures.read_all_values_from_file(str(file))}


def test_the_room_of_a_file_is_taken_before_it_is_written_to(file):
    counted = SafeFigures(str(file))
    counted.write_value("captures", 3, 0)
    assert file.stat().st_blocks * 512 >= ROOM
    assert kept(file) == {"captures": 3}
    counted.close()


def test_it_grows_with_room_taken(file):
    counted = SafeFigures(str(file))
    for number in range(1000):
        counted.write_value(f"a rather long name of a figure, as those with labels are, number {number}", 1, 0)
    assert file.stat().st_size > ROOM
    assert file.stat().st_blocks * 512 >= file.stat().st_size
    assert len(kept(file)) == 1000
    counted.close()


def test_on_a_full_disk_it_counts_in_memory(file, full):
    full()
    counted = SafeFigures(str(file))
    counted.write_value("captures", 3, 0)
    assert counted.read_value("captures")[0] == 3
    assert not file.exists()
    counted.close()


def test_where_not_even_a_name_can_be_made_it_counts_in_memory(tmp_path):
    """As without inodes or quota: every process counts as it is loaded, and would end there."""
    counted = SafeFigures(str(tmp_path / "nowhere" / "counter_1.db"))
    counted.write_value("captures", 3, 0)
    assert counted.read_value("captures")[0] == 3
    counted.close()


def test_when_the_disk_fills_later_it_goes_on_in_memory_with_what_it_has(file, full):
    counted = SafeFigures(str(file))
    counted.write_value("captures", 3, 0)
    full()
    for number in range(1000):
        counted.write_value(f"a rather long name of a figure, as those with labels are, number {number}", 1, 0)
    counted.write_value("captures", 4, 0)
    assert counted.read_value("captures")[0] == 4
    assert kept(file)["captures"] == 3
    counted.close()


def test_the_package_counts_in_them():
    from prometheus_client import values

    figures.guard()
    assert vars(values)["MmapedDict"] is SafeFigures
