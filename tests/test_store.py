"""Stores: whole or not at all, the same bytes for the same data, readable errors, provenance."""

import contextlib
import json
import random
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from hnnlib import files, store
from hnnlib.errors import StoreError
from hnnlib.studies.base import join_cells


def dataset(value=0.5, **attrs):
    variable = ("cell", "seed"), np.full((2, 3), value), {"units": "1", "long_name": "accuracy"}
    return xr.Dataset({"test_accuracy": variable}, {"cell": ["a", "b"], "seed": [0, 1, 2]}, attrs)


def test_what_is_written_is_read(tmp_path):
    path = store.write(dataset(study="x"), tmp_path / "deep" / "s.nc")
    assert store.open(path, require=("test_accuracy", "seed")).identical(dataset(study="x"))


def test_joined_stores_keep_their_longest_names(tmp_path):
    short, long = dataset(), dataset().assign_coords(cell=["a longer name", "the longest name"])
    parts = [store.open(store.write(d, tmp_path / f"{k}.nc")) for k, d in enumerate((short, long))]
    joined = store.open(store.write(join_cells(parts), tmp_path / "joined.nc"))
    assert joined.cell.values.tolist() == ["a", "b", "a longer name", "the longest name"]
    assert joined.test_accuracy.attrs == dataset().test_accuracy.attrs


def test_the_same_data_gives_the_same_bytes(tmp_path):
    first, second = (store.write(dataset(), tmp_path / name) for name in ("a.nc", "b.nc"))
    assert first.read_bytes() == second.read_bytes()


def test_a_variable_without_units_is_refused(tmp_path):
    bare = dataset()
    del bare.test_accuracy.attrs["units"]
    with pytest.raises(StoreError, match="'test_accuracy' of s.nc has no units"):
        store.write(bare, tmp_path / "s.nc")


@pytest.mark.parametrize("content", [None, b"", b"not a store"])
def test_missing_and_broken_stores_are_one_sentence(tmp_path, content):
    path = tmp_path / "s.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match="s.nc"):
        store.open(path)


def test_a_reader_names_what_it_misses(tmp_path):
    path = store.write(dataset(), tmp_path / "s.nc")
    with pytest.raises(StoreError, match="has no spikes"):
        store.open(path, require=("spikes",))


def test_an_older_store_is_read_under_the_names_of_today(tmp_path):
    old = dataset(study="operational_manifold", schema_version=1)
    old = old.assign_coords(units=("cell", ["spiking", "rectified"]))
    path = store.write(old, tmp_path / "s.nc")
    assert store.open(path, require=("neuron",)).neuron.values.tolist() == ["spiking", "rectified"]
    path = store.write(old.assign_attrs(study="shd_ablations"), path)
    assert "units" in store.open(path), "neurons of a layer, there"


def test_cells_of_an_older_store_get_the_coordinates_of_today(tmp_path):
    old = store.open(store.write(dataset(study="shd_ablations"), tmp_path / "old.nc"))
    assert old.choose.values.tolist() == ["loss", "loss"]
    new = dataset(study="shd_ablations").assign_coords(choose=("cell", ["loss", "accuracy"]))
    again = store.open(store.write(new, tmp_path / "new.nc"))
    assert again.choose.values.tolist() == ["loss", "accuracy"]
    assert again.reset_gradient.values.tolist() == ["stopped", "stopped"]


def test_a_newer_store_is_refused(tmp_path):
    path = store.write(dataset(schema_version=store.SCHEMA_VERSION + 1), tmp_path / "s.nc")
    with pytest.raises(StoreError, match=r"has version 3 and this project reads up to 2"):
        store.open(path)


def test_a_locked_store_is_not_told_to_be_deleted(tmp_path):
    path = store.write(dataset(), tmp_path / "s.nc")
    with h5py.File(path, "r+"):
        holder = "import sys; from hnnlib import store; store.open(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", holder, path], capture_output=True, text=True)
    assert "another program: wait" in done.stderr and "delete" not in done.stderr


def test_an_empty_or_cut_store_counts_as_none(tmp_path):
    path = store.write(dataset(), tmp_path / "s.nc")
    assert files.is_whole(path)
    whole = path.read_bytes()
    end = whole.index(store._SEAL)
    for cut in (0, 20, 60, end // 2, end - 1):
        path.write_bytes(whole[:cut])
        assert not files.is_whole(path)
    assert not files.is_whole(tmp_path) and not files.is_whole(tmp_path / "none.nc")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_damage_is_one_sentence_or_reads_equal(tmp_path):
    path = store.write(dataset(), tmp_path / "s.nc")
    expected = store.open(path)
    whole, draw = path.read_bytes(), random.Random(0)
    for k in range(200):
        damaged = bytearray(whole)
        place = draw.randrange(len(whole))
        damaged[place] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged if k % 2 else whole[:place])
        with contextlib.suppress(StoreError):
            assert store.open(path).identical(expected)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("more", [b"x", store._SEAL, store._SEAL + bytes(32), bytes(4096)])
def test_nothing_stands_behind_a_store_unnoticed(tmp_path, sealed, more):
    path = store.write(dataset(), tmp_path / "s.nc")
    whole = path.read_bytes()
    path.write_bytes((whole if sealed else whole[: whole.index(store._SEAL)]) + more)
    with pytest.raises(StoreError, match="damaged after it was written"):
        store.open(path)


def test_a_store_of_another_program_has_no_sum(tmp_path):
    path = store.write(dataset(), tmp_path / "s.nc")
    path.write_bytes(path.read_bytes().partition(store._SEAL)[0])
    assert store.open(path).sizes == dataset().sizes


@pytest.mark.parametrize("around", [True, False])
def test_only_the_projects_own_repository_is_named(tmp_path, monkeypatch, around):
    """Neither one around an unpacked copy, nor one that the environment names."""
    for words in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=b", "commit", "-q"]):
        more = ["--allow-empty", "-m", "x"] if "commit" in words else []
        subprocess.run(["git", "-C", tmp_path, *words, *more], check=True)
    copy = tmp_path / "copy" / "hnnlib" / "store.py"
    if not around:
        copy = tmp_path.parent / f"{tmp_path.name}-beside" / "hnnlib" / "store.py"
        monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.setattr(store, "__file__", str(copy))
    copy.parent.mkdir(parents=True)
    attrs = store.provenance(config={}, data={})
    assert (attrs["git_commit"], attrs["git_dirty"]) == ("", "")
    monkeypatch.setattr(store, "__file__", str(tmp_path / "hnnlib" / "store.py"))
    assert len(store.provenance(config={}, data={})["git_commit"]) == 40


def test_provenance_marks_unofficial_data_and_fits_into_netcdf(tmp_path):
    data = {
        "mnist": {"official": True, "note": ""},
        "shd": {"official": False, "note": "regenerated"},
    }
    attrs = store.provenance(config={"b": 1, "a": [2]}, data=data, study="x", wall_seconds=1.5)
    assert attrs["data_official"] == "false" and "shd (regenerated)" in attrs["data"]
    assert (
        attrs["config_sha256"]
        == store.provenance(config={"a": [2], "b": 1}, data=data)["config_sha256"]
    )
    back = store.open(store.write(dataset(**attrs), tmp_path / "s.nc"))
    assert json.loads(back.attrs["config_json"]) == {"a": [2], "b": 1}
    assert {"torch", "python", "xarray"} <= set(json.loads(back.attrs["versions_json"]))


@pytest.mark.parametrize(
    "facts",
    [
        {"schema_version": "two"},
        {"schema_version": 1.5},
        {"schema_version": [1, 2]},
        {"study": ["a", "b"]},
        {"data_json": "{"},
        {"data_json": "[1]"},
        {"data_json": '{"mnist": "x"}'},
        {"data_json": "[" * 60_000},
        {"config_json": "[1]"},
        {"versions_json": "{"},
        {"claims_json": "[]"},
        {"data_code_json": [1, 2]},
        {"wall_seconds": "long"},
    ],
    ids=lambda facts: str(facts)[:30],
)
def test_facts_of_another_form_are_one_sentence(tmp_path, facts):
    path = store.write(dataset(**facts), tmp_path / "a.nc")
    with pytest.raises(StoreError, match="another form"):
        store.open(path)


def test_a_file_of_another_kind_is_not_told_to_be_deleted(tmp_path):
    (tmp_path / "scale.yaml").write_text("scale: mine")
    with pytest.raises(StoreError, match="is no result store: name another file"):
        store.open(tmp_path / "scale.yaml")


def test_reference_stores_are_small_and_of_the_study_that_they_are_called_after():
    found = list(Path(__file__).parents[1].glob("results/reference/*.nc"))
    assert found
    for path in found:
        assert path.stat().st_size < 2e6, path.name
        with h5py.File(path) as file:
            assert file.attrs["study"] == path.stem
