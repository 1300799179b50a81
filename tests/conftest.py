"""The longest files come first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: "test_workflow" not in item.nodeid)
