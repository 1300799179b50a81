"""The command line: a study without Snakemake, and errors in one sentence."""

import re
import subprocess
import sys

import pytest
import torch

from hnnlib import __main__ as command_line
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


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--threads", "0"], "--threads 0: give 1 to 10000"),
        (["--threads", "-3"], "--threads -3: give 1 to 10000"),
        (["--out", "."], "--out .: name a file that ends in .nc"),
        (["--out", "/"], "--out /: name a file"),
        (["--device", "foo"], "there is no device 'foo': choose auto, cpu, cuda"),
        (["--device", "gpu"], "there is no device 'gpu': choose auto, cpu, cuda"),
        (["--device", "cuda"], "torch can use no GPU"),
        (["--engine", "fast"], "there is no engine 'fast'"),
        (["--group", "../../evil"], "has no group '../../evil'"),
    ],
)
def test_options_that_cannot_be_are_one_sentence(
    scale, tmp_path, capsys, monkeypatch, words, sentence
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    out = ["--out", str(tmp_path / "out.nc")]
    assert main(["run", "coding_comparison", "--scale", scale, *out, *words]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ") and sentence in message and message.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_a_name_cannot_lead_out_of_the_folder(tmp_path, capsys):
    path = tmp_path / "evil.yaml"
    path.write_text("""
scale: evil
description: for a test
studies:
  operational_manifold:
    seeds: [0]
    families:
      ../../../evil:
        {network: mlp, dataset: digits, schedule: {epochs: 1}, arms: {main: {
          tau: {first: 2, last: 3, points: 2}, threshold: {first: 1, last: 2, points: 2}}}}
""")
    out = ["--out", str(tmp_path / "deep" / "out.nc")]
    assert main(["run", "operational_manifold", "--scale", str(path), *out]) == 1
    assert "letters, digits and _, not '../../../evil'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


def test_jobs_whose_names_no_file_can_have_are_refused(tmp_path, capsys):
    path = tmp_path / "many.yaml"
    path.write_text(f"""
scale: many
description: for a test
studies:
  operational_manifold:
    seeds: {list(range(1000, 1040))}
    families:
      a:
        network: mlp
        dataset: digits
        jobs: 1
        schedule: {{epochs: 1, batch: 9}}
        arms: {{main: {{tau: {{first: 2, last: 3, points: 2}},
                        threshold: {{first: 1, last: 2, points: 2}}}}}}
""")
    assert main(["check", str(path)]) == 1
    assert "needs a name of up to 200 letters" in capsys.readouterr().err


def test_an_interrupted_command_ends_in_a_sentence(monkeypatch, capsys):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "_scale", interrupted)
    assert main(["check", "quick"]) == 130
    assert capsys.readouterr().err == "error: interrupted: the same command goes on from here\n"


def test_the_work_goes_on_when_nobody_reads_what_it_says(tmp_path):
    code = (
        "import sys; from hnnlib import __main__ as m\n"
        "for k in range(3): m._say('a line' * 20000)\n"
        "open(sys.argv[1], 'w').close()"
    )
    end = tmp_path / "end"
    words = [sys.executable, "-c", code, str(end)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0 and end.exists()


def test_a_typo_in_a_scale_file_names_line_and_suggestion(scale, tmp_path, capsys):
    broken = tmp_path / "broken.yaml"
    broken.write_text(TINY.replace("width:", "widht:"))
    assert main(["check", str(broken)]) == 1
    message = capsys.readouterr().err
    assert "line 10" in message and "did you mean 'width'" in message


@pytest.mark.parametrize("name", ["smoke", "quick", "reduced", "paper"])
def test_every_scale_file_is_valid(name, capsys):
    assert main(["check", name]) == 0
    assert re.search(r"coding_comparison: .* hours \(estimate\)", capsys.readouterr().out)


def test_one_job_is_told_as_one(tmp_path, capsys):
    path = tmp_path / "tiny.yaml"
    path.write_text(f"{TINY}      jobs: 1\n")
    assert main(["check", str(path)]) == 0
    assert "coding_comparison: 1 training job, " in capsys.readouterr().out


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


@pytest.mark.parametrize(
    "words",
    [
        ["check", "s\x1b[31m"],
        ["check", "x" * 5000 + ".yaml"],
        ["run", "delays", "--out", "a.nc", "--threads", "999999999999"],
        ["run", "delays", "--out", "folder.nc"],
        ["run", "delays", "--out", "a\nb.nc"],
        ["run", "delays", "--out", "a\x1b[31m/b.nc"],
        ["run", "delays", "--out", "é" * 125 + ".nc"],
    ],
)
def test_odd_words_end_in_one_plain_sentence_before_any_work(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.nc").mkdir()
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.strip().isprintable()
    assert [path.name for path in tmp_path.iterdir()] == ["folder.nc"]


def test_a_store_that_says_it_is_another_studys_is_one_sentence(tmp_path, capsys):
    whole = store.open("results/reference/spike_equivalence.nc").isel(cell=slice(2))
    whole.attrs["study"] = "quadratic_neuron"
    store.write(whole, tmp_path / "a.nc")
    assert main(["summarise", str(tmp_path / "a.nc")]) == 1
    assert "another study" in capsys.readouterr().err
