"""The one look-up of cells: how values are equal, what is missing, and what matches twice."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hnnlib.analysis import cells
from hnnlib.errors import StoreError


def store(**columns) -> xr.Dataset:
    """Cells with these coordinates, named a, b, c...; the accuracy of cell k at seed s is k + s."""
    count = len(next(iter(columns.values())))
    labels = {name: ("cell", np.array(values)) for name, values in columns.items()}
    accuracy = np.add.outer(np.arange(count), np.arange(2)) / 100
    data = {"test_accuracy": (("cell", "seed"), accuracy)}
    return xr.Dataset(data, labels | {"cell": list("abcdefgh"[:count])})


@pytest.mark.parametrize("column", [[True, False], ["True", "False"], ["true", "false"]])
@pytest.mark.parametrize("wanted", [True, "True", "true"])
def test_a_boolean_equals_its_text(column, wanted):
    assert cells.matches(store(flag=column), {"flag": wanted}).tolist() == [True, False]


@pytest.mark.parametrize(
    "column",
    [[0.1, 1.0, 10.0], ["0.1", "1", "10"], ["0.10", "1.0", "1e1"], np.float32([0.1, 1, 10])],
)
@pytest.mark.parametrize("wanted", [0.1, "0.1", "0.100", np.float32(0.1)])
def test_a_number_equals_its_text_and_itself_in_float32(column, wanted):
    assert cells.matches(store(rate=column), {"rate": wanted}).tolist() == [True, False, False]


def test_a_whole_number_equals_its_text_and_its_float():
    for column in ([5, 20], [5.0, 20.0], ["5", "20"]):
        for wanted in (5, 5.0, "5"):
            assert cells.matches(store(slope=column), {"slope": wanted}).tolist() == [True, False]


def test_kinds_are_not_mixed_up():
    assert not cells.matches(store(flag=[True]), {"flag": 1}).any()
    assert cells.matches(store(model=["nan", "snn"]), {"model": "nan"}).tolist() == [True, False]


def test_text_is_equal_only_to_itself():
    assert cells.matches(store(model=["snn", "SNN", "snn_2"]), {"model": "snn"}).sum() == 1


def test_all_coordinates_must_match():
    data = store(model=["snn", "snn", "nsn"], size=["full", "half", "half"])
    assert cells.one(data, model="snn", size="half")["cell"].item() == "b"
    assert cells.one(data, model="nsn", size="full") is None
    assert cells.select(data, size="half")["cell"].values.tolist() == ["b", "c"]


def test_a_coordinate_that_the_store_lacks_is_named():
    with pytest.raises(StoreError, match="no coordinate 'coding'"):
        cells.select(store(model=["snn"]), coding="poisson")


def test_several_cells_that_match_are_refused_by_name():
    with pytest.raises(StoreError, match=r"more than one cell \(a, b\)"):
        cells.one(store(model=["snn", "snn"]), model="snn")


def test_a_store_without_cells_has_none():
    empty = store(model=["snn"]).isel(cell=[])
    assert cells.select(empty, model="snn").sizes["cell"] == 0


def test_parts_are_in_the_stores_order():
    data = store(network=["b", "a", "b"], dataset=["x", "x", "x"])
    found = [(which, part["cell"].values.tolist()) for which, part in cells.parts(data, "network")]
    assert found == [(("b",), ["a", "c"]), (("a",), ["b"])]


def test_differences_are_paired_and_in_percentage_points():
    data = store(model=["snn", "nsn"])
    snn, nsn = (cells.one(data, model=model) for model in ("snn", "nsn"))
    assert cells.accuracy(nsn) == pytest.approx([1, 2])
    assert cells.difference(snn, nsn) == pytest.approx([-1, -1])
    assert cells.difference(snn, None) is None and cells.accuracy(None) is None
    assert cells.accuracy_of(data, "test_accuracy", model="nsn") == pytest.approx([1, 2])
    assert cells.accuracy_of(data, "test_accuracy", model="rnn") is None
