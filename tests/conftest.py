"""What all tests share: their order, and how Hypothesis draws examples."""

import os

import pytest
from hypothesis import settings

# no deadline: an example's first call may compile kernels
settings.register_profile("hnnlib", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("hnnlib")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: "test_workflow" not in item.nodeid)
