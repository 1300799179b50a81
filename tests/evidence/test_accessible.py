"""Pages as a browser shows them: nothing that axe-core calls serious, light or dark, wide or not.

Skipped without Chromium, and without the file that the variable AXE names: ``make accessible``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser, browser

RESULTS = Path(__file__).parents[2] / "results"
PAGES = [
    page
    for report in sorted(RESULTS.glob("*/report"))
    for page in (*sorted(report.glob("*.html")), *sorted(report.glob("notebooks/*.html")))
]
AXE = Path(os.environ.get("AXE", "axe.min.js")).absolute()
OPTIONS = {"resultTypes": ["violations"], "selectors": False}  # which take half of the time
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # all that the dark may change
FOUND = "found.violations.map(one => [one.impact, one.id, one.nodes.map(node => node.html)])"

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and AXE.is_file() and PAGES),
    reason="needs Chromium, axe-core (make accessible) and a report (make reproduce)",
)


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(RESULTS).with_suffix("")))
def page(request) -> Path:
    return request.param


@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_is_accessible_and_as_wide_as_the_window(window, page, width):
    window.show("light")
    window.open(page, width)
    assert window.evaluate("document.documentElement.scrollWidth") == width
    window.evaluate(f"{AXE.read_text()};0")
    for scheme, rules in (("light", {}), ("dark", COLOURS)):
        window.show(scheme)
        options = json.dumps(OPTIONS | rules)
        found = window.evaluate(f"axe.run(document, {options}).then(found => {FOUND})")
        assert [one for one in found if one[0] in ("serious", "critical")] == [], scheme


def test_what_is_printed_is_black_on_white_even_where_the_screen_is_dark(window, page):
    colours = "[getComputedStyle(document.body)].map(one => [one.color, one.backgroundColor])[0]"
    window.show("dark", "print")
    window.open(page, 800)
    ink, paper = window.evaluate(colours)
    assert max(map(int, ink[4:-1].split(", "))) < 50
    assert min(map(int, paper[4:-1].split(", "))) > 250
