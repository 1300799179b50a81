"""Figures: one style, files with the words that belong to them, and one module a study."""

from __future__ import annotations

from hnnlib.plotting.files import save

__all__ = ["save"]
