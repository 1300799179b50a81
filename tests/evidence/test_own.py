"""A reader's own accuracies in a paper's table."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest

from hnnlib import store
from hnnlib.__main__ import main
from hnnlib.analysis.statistics import paired_difference
from hnnlib.errors import ConfigError, DataError
from hnnlib.evidence import own


def written(folder, text):
    path = folder / "my.csv"
    path.write_text(text, "utf-8")
    return path


def test_own_networks_enter_the_table_and_its_paired_tests(tmp_path):
    """The tests are those of two columns of numbers; seeds that only one side has are left out."""
    data = store.open(own.REFERENCE / "coding_comparison.nc")
    seeds = data["seed"].values
    path = written(
        tmp_path, "name, seed, accuracy\n" + "".join(f"mine,{s},{97 + s / 10}\n" for s in range(9))
    )
    found = own.compare(path, "1a")
    assert found.table.index[-1] == "mine" and found.table.loc["mine"].iloc[2] == "9"
    assert "mnist" in found.note and data.attrs["scale"] in found.note
    one = found.tests[found.tests["against"] == "A784-S500-S10, separate"].iloc[0]
    theirs = data.isel(
        cell=(data["architecture"] == "A784-S500-S10").values
        & (data["training"] == "separate").values
        & (data["coding"] == "duplicate").values
        & (data["arm"] == "main").values
        & (data["dataset"] == "mnist").values
    )
    assert theirs.sizes["cell"] == 1
    mine = 97 + seeds / 10
    expected = paired_difference(mine, 100 * theirs["test_accuracy"].values[0], overlap=1 / 3)
    assert one.points == pytest.approx(expected.mean)
    assert (one.seeds, one.p) == (len(seeds), pytest.approx(expected.p, rel=1e-3))
    assert (found.tests["p_holm"] >= found.tests["p"]).all()


def test_without_a_shared_seed_there_is_no_test_and_the_note_says_so(tmp_path):
    found = own.compare(written(tmp_path, "name,seed,accuracy\nmine,77,97\n"), "1a")
    assert found.tests["p"].isna().all() and np.isnan(found.tests["points"]).all()
    assert "none of yours is among them" in found.note


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: no column name"),
        ("name,accuracy\nmine,97\n", "line 1: no column seed"),
        ("name,seed,accuracy\n", "holds no run"),
        ("name,seed,accuracy\n,0,97\n", "line 2: the name is empty"),
        ("name,seed,accuracy\nmine,a,97\n", "line 2: the seed 'a' is no whole number"),
        ("name,seed,accuracy\nmine,0\n", "line 2: the accuracy '' is no number"),
        ("name,seed,accuracy\nmine,0,high\n", "line 2: the accuracy 'high' is no number"),
        ("name,seed,accuracy\nmine,0,970\n", "not within 0 and 100"),
        ("name,seed,accuracy\nmine,0,97\nmine,0,98\n", "line 3: mine has the seed 0 twice"),
        ("name,seed,accuracy\nmine,0,0.97\n", "give percent"),
    ],
)
def test_a_csv_file_that_is_not_understood_is_one_sentence(tmp_path, text, sentence):
    with pytest.raises(DataError, match=sentence) as raised:
        own.read(written(tmp_path, text))
    assert "\n" not in str(raised.value)


def test_a_run_that_diverged_is_counted_and_bytes_are_no_text(tmp_path):
    path = written(tmp_path, "name,seed,accuracy\nmine,0,nan\nmine,1,97\n")
    assert np.isnan(own.read(path)["mine"][0])
    path.write_bytes(b"name,seed,accuracy\n\xff\xfe\n")
    with pytest.raises(DataError, match="no text in UTF-8"):
        own.read(path)
    with pytest.raises(DataError, match="No such file"):
        own.read(tmp_path / "none.csv")


def test_tables_that_there_are_not_are_told():
    with pytest.raises(ConfigError, match="there is no table '1c'"):
        own.compare(table="1c")


def test_the_command_prints_tables_as_csv_and_latex(tmp_path, capsys):
    assert main(["compare", "--table", "1a", "--format", "latex"]) == 0
    assert capsys.readouterr().out.startswith(r"\begin{tabular}")
    assert main(["compare", "--table", "1a", "--format", "csv"]) == 0
    read = pd.read_csv(StringIO(capsys.readouterr().out), index_col="row")
    laid = own.compare(table="1a").table
    assert list(read.index) == list(laid.index) and read.shape == laid.shape
    assert "separate, paper" in read
