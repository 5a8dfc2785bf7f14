"""Data sets: licence and citation stated, local copies found first, downloads verified, clear words without a
network."""

from __future__ import annotations

import re

import pytest

from exogait.data import ExogaitError, InputError, UnknownNameError
from exogait.data.registry import dataset, datasets, fetch, find_dataset, verify


def test_every_data_set_says_where_it_comes_from():
    assert sum(len(entry.files) for entry in datasets().values()) > 100
    for entry in datasets().values():
        assert entry.title and entry.licence and entry.citation and entry.population
        assert entry.address.startswith("https://")
        for file in entry.files.values():
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256) and file.url.startswith("https://") and file.bytes > 0
            assert re.search(r"/[0-9a-f]{40}/", file.url), "an address must name a commit, or the file may change"


def test_unknown_names_are_told():
    with pytest.raises(UnknownNameError, match="did you mean schreiber2019"):
        dataset("schreiber")
    with pytest.raises(UnknownNameError, match="data set schreiber2019"):
        fetch("schreiber2019", "nothing.c3d")


def test_a_local_copy_comes_first(monkeypatch, tmp_path):
    file = tmp_path / "schreiber2019" / "x" / "own.c3d"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"mine")
    monkeypatch.setenv("EXOGAIT_DATA", str(tmp_path))
    assert fetch("schreiber2019", "x/own.c3d") == file and find_dataset("btkdata_gait") is None


def test_a_variable_that_names_no_folder_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("EXOGAIT_DATA", str(tmp_path / "none"))
    with pytest.raises(InputError, match="EXOGAIT_DATA"):
        find_dataset("schreiber2019")


def test_a_download_is_checked_and_a_failure_says_where_to_put_the_file(monkeypatch, tmp_path):
    import pooch

    monkeypatch.delenv("EXOGAIT_DATA", raising=False)
    asked = {}

    def refuse(url, known_hash, fname, path):
        asked.update(url=url, known_hash=known_hash, fname=fname, path=path)
        raise OSError("no network\nat all")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    name = "2014001/2014001_ST.c3d"
    with pytest.raises(ExogaitError, match="download failed") as caught:
        fetch("schreiber2019", name, cache=tmp_path)
    message = str(caught.value)
    assert "\n" not in message and str(tmp_path / "schreiber2019" / name) in message and "EXOGAIT_DATA" in message
    assert asked["known_hash"] == f"sha256:{dataset('schreiber2019').files[name].sha256}"
    assert asked["url"].endswith("/static/2014001_ST.c3d")


def test_a_set_without_single_files_says_where_to_get_it(monkeypatch):
    monkeypatch.delenv("EXOGAIT_DATA", raising=False)
    with pytest.raises(ExogaitError, match="download it from https://"):
        fetch("norms", "norm_schwartz2008.csv")
    with pytest.raises(InputError, match="norms"):
        verify("norms")


def test_local_copies_equal_the_registry(real_data):
    for name in ("schreiber2019", "btkdata_gait", "gait2392"):
        assert set(verify(name).values()) == {"ok"}
