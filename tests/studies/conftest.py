"""What tests of studies share: few recordings, and a job that says nothing."""

from __future__ import annotations

import pytest

from hnnlib.datasets.sets import spoken_digits
from hnnlib.studies.base import Context


@pytest.fixture(scope="module")
def few():
    """A fifth of the spoken digits' recordings: loading is what takes long."""
    return spoken_digits.load(repeats=2)


@pytest.fixture
def context(few, tmp_path, monkeypatch):
    monkeypatch.setattr("hnnlib.datasets.registry.load", lambda name: few)
    return Context(tmp_path, say=lambda line: None)
