"""The record of traces refuses what does not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hnnlib.datasets.entry import Source
from hnnlib.datasets.tracedata import FEATURES, TraceData, content
from hnnlib.errors import DataError

SOURCE = Source(True, "", "", "", "", "generated")
GOOD = TraceData(
    name="two",
    voltage=np.zeros((2, 10), np.float32),
    amplitude=np.array([0.1, -0.1], np.float32),
    cell=np.array([0, 2]),
    onset=np.array([0, 1], np.float32),
    pulse=2.0,
    dt=0.5,
    **dict.fromkeys(FEATURES, np.zeros(3, np.float32)),
    source=SOURCE,
)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"voltage": np.zeros((2, 10))}, "voltage"),
        ({"amplitude": np.zeros(3, np.float32)}, "amplitude"),
        ({"cell": np.array([0, 3])}, "cells"),
        ({"slope": np.zeros(2, np.float32)}, "slope"),
        ({"pulse": 4.5}, "outside"),
    ],
)
def test_what_does_not_fit_is_refused(change, told):
    with pytest.raises(DataError, match=told):
        replace(GOOD, **change)


def test_content_depends_on_every_column_and_not_on_byte_order():
    one = np.arange(4, dtype="<f4")
    assert content(one) == content(one.astype(">f4")) != content(one, one)
