"""The paper of Ghafourpour et al.: numbers as printed, claims, cells that its selectors name."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import xarray as xr
import yaml

from hnnlib import config
from hnnlib.analysis.cells import matches
from hnnlib.evidence import claims, papers
from hnnlib.evidence.printed import own_numbers
from hnnlib.studies.neural_operator.cells import TUNED, Cell, OperatorSettings, cells


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("ghafourpour")


@pytest.fixture(scope="module")
def every() -> list[Cell]:
    """All cells of the paper's scale, and those without training."""
    scale = yaml.safe_load((config.FOLDER / "paper.yaml").read_text("utf-8"))
    found = cells(OperatorSettings.model_validate(scale["studies"]["neural_operator"]))
    facts = [Cell(arm=arm) for arm in ("membrane", "averaged", "speed")]
    return [*found, *(Cell(arm="sag", sag=sag) for sag in TUNED), *facts]


def store(every: list[Cell], seeds: int = 5, own: dict | None = None, **values: float):
    """Every cell with the same numbers, but for those by variable and name in ``own``."""
    names = "skill held_out_skill test_accuracy train_accuracy missed raw_error count_error "
    names += "steady_error width_error amplitude_error held_out_raw_error held_out_count_error "
    names += "sag_error silent_error band_coverage fi_gain passes diverged"
    found = {}
    for name in names.split():
        usual = values.get(name, {"passes": 300, "diverged": 0}.get(name, 0.8))
        column = np.full((len(every), seeds), usual, float)
        for row, cell in enumerate(every):
            column[row] = (own or {}).get((name, cell.name), usual)
        noise = 1e-3 * np.arange(seeds) * (name not in ("passes", "diverged"))
        found[name] = (("cell", "seed"), column + noise, {"units": "1"})
    found["serial_ratio"] = ("cell", np.full(len(every), 20.0), {"units": "1"})
    found["train_examples"] = ("cell", np.full(len(every), 100.0), {"units": "1"})
    labels = {k: ("cell", [asdict(c)[k] for c in every]) for k in asdict(every[0])}
    coords = {"cell": [c.name for c in every], "seed": range(seeds)}
    coords |= {"dataset": ("cell", ["cable"] * len(every))}
    return xr.Dataset(found, coords | labels, {"study": "neural_operator", "scale": "paper"})


def test_every_number_of_the_tables_is_there(paper):
    found = {}
    for entry in paper.entries():
        found.setdefault(entry.table.id, []).append(entry.value)
    assert found["text"] == [2.18, 0.83, 3, 32.8, 8.54]
    assert found["1"][:5] == [12.1, 1.31, None, None, None]
    assert found["1"][15:20] == [1.92, 1.02, 3.1, 27, 8.9]
    assert found["2"][::5] == [11.7, 10.9, 10.9, 10.6]
    assert found["3"][1::2] == [69.6, 22.2, 20.3, 19.2, 13.2, 12.2, 9.6]
    assert found["E"] == [4200, 230]


def test_twelve_claims_of_which_three_are_a_referees(paper):
    assert [claim.id for claim in paper.claims] == [f"NB{k}" for k in range(1, 13)]
    asked = {claim.id for claim in paper.claims if claim.asked_by == "referee"}
    assert asked == {"NB10", "NB11", "NB12"} and paper.pilot


def test_the_papers_own_numbers_do_what_its_claims_say(paper):
    found = {claim.id: own_numbers(paper, claim).answer for claim in paper.claims}
    assert all(found[f"NB{k}"] == "holds" for k in (1, 2, 3, 4, 5, 8, 9, 10))


def test_every_selector_names_a_cell_that_the_study_trains(paper, every):
    made = store(every, seeds=1)
    for claim in paper.claims:
        for part in (*claim.parts, *claim.context):
            for select in part.selects(paper.defaults):
                assert matches(made, select).sum() == 1, (claim.id, select)


def test_an_operator_that_never_fires_needs_embeddings(paper, every):
    none = "embedding/none"
    lost = {("test_accuracy", none): 0.5, ("missed", none): 0.99, ("train_accuracy", none): 0.5}
    judged = claims.judge(paper, store(every, own=lost, train_accuracy=0.9))
    assert next(j for j in judged if j.claim == "NB2").answer == "supported"


def test_held_out_skill_decides_the_referees_question(paper, every):
    for skill, answer in ((0.05, "supported"), (0.6, "contradicted")):
        judged = claims.judge(paper, store(every, held_out_skill=skill, train_accuracy=0.9))
        assert next(j for j in judged if j.claim == "NB10").answer == answer
