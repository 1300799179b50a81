"""The command line: a study without Snakemake, and errors in one sentence."""

import pytest

from hnnlib import store
from hnnlib.__main__ import main

TINY = """
scale: tiny
description: for a test
device: cpu
studies:
  coding_comparison:
    seeds: [0]
    mlp:
      dataset: digits
      width: 0.02
      steps: 2
      samples: {train: 40, validation: 20, test: 20}
      schedule: {epochs: 1, batch: 20, learning_rate: 1.0e-3}
"""


@pytest.fixture
def scale(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return str(path)


def test_run_writes_the_store_of_a_study(scale, tmp_path, capsys):
    out = tmp_path / "out.nc"
    assert (
        main(["run", "coding_comparison", "--scale", scale, "--out", str(out), "--threads", "1"])
        == 0
    )
    results = store.open(out, require=("test_accuracy", "architecture"))
    assert results.sizes["cell"] == 13 and results.attrs["scale"] == "tiny"
    assert f"wrote {out}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "coding_comparsion", "--out", "x.nc"], "did you mean 'coding_comparison'"),
        (["check", "quik"], "quik"),
        (["data", "mnits"], "mnits"),
    ],
)
def test_errors_are_one_sentence(words, sentence, capsys):
    assert main(words) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ") and sentence in message and "Traceback" not in message


def test_a_typo_in_a_scale_file_names_line_and_suggestion(scale, tmp_path, capsys):
    broken = tmp_path / "broken.yaml"
    broken.write_text(TINY.replace("width:", "widht:"))
    assert main(["check", str(broken)]) == 1
    message = capsys.readouterr().err
    assert "line 10" in message and "did you mean 'width'" in message


@pytest.mark.parametrize("name", ["smoke", "quick", "reduced", "paper"])
def test_every_scale_file_is_valid(name, capsys):
    assert main(["check", name]) == 0
    assert "coding_comparison" in capsys.readouterr().out


def test_the_paper_scale_holds_the_papers_protocol():
    from hnnlib import config, studies

    settings = config.load_scale("paper", studies.settings_classes()).studies["coding_comparison"]
    assert (settings.mlp.steps, settings.mlp.schedule.epochs, settings.mlp.schedule.batch) == (
        25,
        100,
        64,
    )
    assert (settings.cnn.steps, settings.cnn.schedule.epochs, settings.cnn.schedule.batch) == (
        25,
        150,
        32,
    )
    assert settings.mlp.schedule.learning_rate == settings.cnn.schedule.learning_rate == 1e-4
    assert len(settings.seeds) >= 5 and settings.mlp.width == settings.cnn.width == 1
