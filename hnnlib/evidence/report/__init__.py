"""The report: a folder of static pages with every verdict, table and figure, and where they come
from.

The first page has the answers, then there is a page a study and a summary a paper. They are made
from result stores, the papers' files and the figures' sidecars. They know no study by name, need no
network, work without scripts, and no link leaves the folder but those to the papers.
"""

from __future__ import annotations

from hnnlib.evidence.report.page import build

__all__ = ["build"]
