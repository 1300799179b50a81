"""What was trained is joined without what trains: jobs that collect would start for seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import xarray as xr

from hnnlib import store, studies
from hnnlib.errors import StoreError
from hnnlib.studies import collecting
from hnnlib.studies.quadratic_neuron.cells import Cell
from hnnlib.studies.quadratic_neuron.collecting import LABELS

COMPUTED = "bit_plane_coding"  # its exact cells are computed with tensors
SCRIPT = """
import json
import sys
from pathlib import Path
from hnnlib import store
from hnnlib.studies import collecting

folder = Path(sys.argv[1])
for name in sys.argv[2:]:
    collecting._own(name)
for name in sys.argv[2:4]:
    run = store.open(f"results/reference/{name}.nc")
    config = json.loads(run.attrs["config_json"])
    run.attrs["group"] = "all"
    path = store.write(run, folder / f"{name}.run")
    collecting.collect(name, config, {"all": config}, [path], folder / f"{name}.nc")
sys.exit("torch" in sys.modules)
"""


def test_collecting_loads_no_torch_and_joins_what_is_there(tmp_path):
    names = dict.fromkeys(("coding_comparison", "convolutional_gru", *studies.names()))
    del names[COMPUTED]
    words = [sys.executable, "-c", SCRIPT, str(tmp_path), *names]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    for name in list(names)[:2]:
        before, after = (
            store.open(path) for path in (f"results/reference/{name}.nc", tmp_path / f"{name}.nc")
        )
        assert after.drop_attrs().equals(before.drop_attrs()), name


def test_a_folder_that_says_nothing_is_joined_along_cells():
    assert studies.module("shd_ablations", "collecting") == studies.module("shd_ablations")
    part = xr.Dataset({"x": ("cell", [1.0])}, {"cell": ["a"]})
    runs = [part, part.assign_coords(cell=["b"])]
    found = collecting.joined("shd_ablations", {}, runs)
    assert found.x.values.tolist() == [1, 1] and found.cell.values.tolist() == ["a", "b"]


def test_a_claim_that_changed_while_parts_were_trained_did_not_stand():
    stood = ({"A1": "x", "A2": "y"}, {"A1": "x", "A2": "z", "A3": "x"})
    parts = [xr.Dataset(attrs={"claims_json": json.dumps(one)}) for one in stood]
    assert json.loads(collecting._registered(parts)) == {"A1": "x"}
    older = [*parts, xr.Dataset()]
    assert json.loads(collecting._registered(older)) == {}


def test_names_of_coordinates_are_those_of_cells():
    assert set(LABELS) == {*Cell("lif", 0.5).labels(), "dataset"}


@pytest.mark.parametrize("error", [KeyError("spikes"), StopIteration(), IndexError("no cell")])
def test_summaries_of_a_store_that_lacks_their_ground_end_in_a_sentence(
    tmp_path, monkeypatch, error
):
    def summarise(whole):
        raise error

    monkeypatch.setattr(collecting, "_own", lambda name: SimpleNamespace(summarise=summarise))
    some = xr.Dataset({"x": ("cell", [1.0], {"units": "1", "long_name": "a number"})})
    some = some.assign_coords(cell=["a"]).assign_attrs(study="delays")
    path = store.write(some, tmp_path / "a.nc")
    with pytest.raises(StoreError, match=f"lacks what .* are made of \\({type(error).__name__}"):
        collecting.summarise(path)


def test_groups_join_under_the_settings_that_they_were_trained_with(tmp_path):
    """What is not a number is not equal to itself, and yet the same setting."""
    config = {"rate": float("nan")}
    facts = {"study": "spike_equivalence", "group": "all", "code_digest": "x", "wall_seconds": 1.0}
    some = xr.Dataset({"x": ("cell", [1.0], {"units": "1", "long_name": "a number"})})
    some.attrs = store.provenance(config=config, data={}, **facts)
    path, out = store.write(some, tmp_path / "all.nc"), tmp_path / "store.nc"
    collecting.collect("spike_equivalence", config, {"all": config}, [path], out)
    assert store.open(out).x.values.tolist() == [1.0]
    with pytest.raises(StoreError, match="with other settings: delete it and run again"):
        collecting.collect("spike_equivalence", config, {"all": {"rate": 1.0}}, [path], out)
    with pytest.raises(StoreError, match="holds no run of this study"):
        collecting.collect("spike_equivalence", config, {"other": config}, [path], out)
