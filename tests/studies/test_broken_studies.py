"""A study's module that cannot be used is told in one sentence."""

from __future__ import annotations

import pytest

from hnnlib import studies
from hnnlib.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("broken", "x = 1\nSTUDY = (", "SyntaxError: '(' was never closed (broken.py, line 2)"),
        ("broken", "x = 1\nimport nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
        ("broken", "x = 1\nundefined", "name 'undefined' is not defined"),
        ("broken", "from hnnlib.studies.base import Studdy", "cannot import name 'Studdy'"),
        ("broken", "x = 1", "broken.py has no object STUDY"),
        ("with-dash", "STUDY = 1", "the study 'with-dash' needs a name of letters"),
    ],
)
def test_it_is_one_sentence_that_says_where(tmp_path, monkeypatch, name, text, said):
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(studies, "__path__", [*studies.__path__, str(tmp_path)])
    studies.names.cache_clear()
    try:
        with pytest.raises(ConfigError) as caught:
            studies.settings_classes()
    finally:
        monkeypatch.undo()
        studies.names.cache_clear()
    words = str(caught.value)
    assert said in words and "\n" not in words
    if "line" not in said and text.startswith("x = 1\n"):
        assert words.endswith(f"({tmp_path}/broken.py, line 2)")
