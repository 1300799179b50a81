"""The report: one static page with every verdict, table and figure, and where they come from.

The page is made from result stores, the papers' files and the figures' sidecars. It knows no study
by name, needs no network, works without scripts, and its links are relative.
"""

from __future__ import annotations

from hnnlib.evidence.report.page import build

__all__ = ["build"]
