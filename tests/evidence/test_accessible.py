"""Pages as a browser shows them: nothing that axe-core calls serious, light or dark, wide or not.

Skipped without Chromium, and without the file that the variable AXE names: ``make accessible``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser, browser

REPORTS = [
    path
    for path in sorted((Path(__file__).parents[2] / "results").glob("*/report"))
    if (path / "index.html").is_file()
]
AXE = Path(os.environ.get("AXE", "axe.min.js")).absolute()
FOUND = "found.violations.map(one => [one.impact, one.id, one.nodes.map(node => node.html)])"

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and AXE.is_file() and REPORTS),
    reason="needs Chromium, axe-core (make accessible) and a report (make reproduce)",
)


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("report", REPORTS, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_accessible_and_as_wide_as_the_window(window, report, width, scheme):
    for page in [*report.glob("*.html"), *report.glob("notebooks/*.html")]:
        window.open(page, width, scheme)
        assert window.evaluate("document.documentElement.scrollWidth") == width, page
        window.evaluate(f"{AXE.read_text()};0")
        script = f"axe.run(document, {{resultTypes: ['violations']}}).then(found => {FOUND})"
        found = window.evaluate(script)
        assert [one for one in found if one[0] in ("serious", "critical")] == [], page


@pytest.mark.parametrize("report", REPORTS, ids=lambda path: path.parent.name)
def test_what_is_printed_is_black_on_white_even_where_the_screen_is_dark(window, report):
    colours = "[getComputedStyle(document.body)].map(one => [one.color, one.backgroundColor])[0]"
    for page in [*report.glob("*.html"), *report.glob("notebooks/*.html")]:
        window.open(page, 800, "dark", "print")
        ink, paper = window.evaluate(colours)
        assert max(map(int, ink[4:-1].split(", "))) < 50, page
        assert min(map(int, paper[4:-1].split(", "))) > 250, page
