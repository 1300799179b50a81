"""What a run must fulfil before it can answer a claim: the numbers that gates are measured by.

They are declared for each study of a paper, so that nobody has to look for them in code. Digests
of claims count them: whether they stood before the runs, registration tells.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hnnlib.evidence.papers.base import Model, Select

__all__ = ["Baseline", "Fault", "Gate", "Gates", "OwnNumbers", "Waived"]

Gate = Literal["learned", "settled", "comparable", "matched", "able"]
Waived = dict[Gate, str]
"""Gates that are not asked, each with the reason."""


class Baseline(Model):
    """A number of the paper that our baseline must come near, for cells that share ``where``."""

    where: Select = Field({}, description="compared cells that it speaks for")
    select: Select = Field(description="our cell")
    variable: str = "test_accuracy"
    value: float = Field(description="as printed")
    distance: float = Field(gt=0, description="that our mean may lie away; unit of the value")


class Fault(Model):
    """Cells that cannot answer because of how they were made."""

    where: Select
    gate: Gate = "matched"
    reason: str


class Gates(Model):
    """The gates of one study."""

    learned: dict[str, float] | float | None = Field(
        None, description="points of training accuracy above chance, for every seed; or by data set"
    )
    passes: dict[str, int] | int | None = Field(
        None, description="over the training part in the paper, or by data set; null: not stated"
    )
    settled: dict[str, float] | float | None = Field(
        None,
        description="points that a compared validation accuracy may still move by in the last "
        "third of a shorter training; or by data set",
    )
    baselines: tuple[Baseline, ...] = ()
    matched: tuple[str, ...] = Field(
        (), description="coordinates and variables that compared cells share, beside their passes"
    )
    tuned: Select = Field(
        {}, description="cells whose learning rate was chosen from a list: never from its end"
    )
    power: float = Field(
        0.8, gt=0, lt=1, description="share of simulated runs that find the paper's effect"
    )
    overlap: float = Field(
        0.0, ge=0, description="test over training examples, if each seed draws its parts anew"
    )
    faults: tuple[Fault, ...] = ()
    waived: Waived = {}


class OwnNumbers(Model):
    """What the paper's own numbers say of its claim, where no rule can read it from a table."""

    answer: Literal["holds", "fails", "cannot be applied"]
    reason: str
