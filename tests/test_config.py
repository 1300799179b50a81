"""Scale files: what is right is read, what is wrong is refused with line, key and suggestion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from hnnlib import config, studies
from hnnlib.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(gt=0)
    neuron: Literal["lif", "adlif"] = "lif"


class Toy(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: tuple[int, ...]
    part: Part | None = None
    phases: dict[Literal["first", "second"], Part] = {}


CLASSES = {"toy": Toy, "other_study": Toy}
GOOD = """\
scale: mine
description: a few words
studies:
  toy:
    seeds: [0, 1]
    part:
      epochs: 3
"""


@pytest.fixture
def read(tmp_path):
    """Reads a text as the file of scale ``mine``."""

    def read(text: str):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return config.load_scale(path, CLASSES)

    return read


def problems(read, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [line.partition("mine.yaml ")[2] for line in str(caught.value).splitlines()]


def test_a_good_file_gives_the_studies_settings(read):
    scale = read(GOOD)
    assert (scale.scale, scale.device) == ("mine", "auto")
    assert scale.studies == {"toy": Toy(seeds=(0, 1), part=Part(epochs=3))}


TOY = "studies.toy"
MISTAKES = [  # what is replaced, by what, the line and key blamed, what is said
    ("epochs: 3", "epochs: -3", f"7: {TOY}.part.epochs: Input should be greater than 0 (got -3)"),
    ("epochs: 3", "epoch: 3", f"7: {TOY}.part.epoch: there is no such key, did you mean 'epochs'?"),
    ("  toy:", "  tooy:", "4: studies.tooy: there is no such key, did you mean 'toy'?"),
    ("scale: mine", "scale: yours", "1: scale: Input should be the file's name 'mine' (got 'yours"),
    ("scale: mine", "scalle: mine", "1: scalle: there is no such key, did you mean 'scale'?"),
    ("seeds: [0, 1]", "seeds: [0, x]", f"5: {TOY}.seeds.1: Input should be a valid integer"),
    ("seeds: [0, 1]", "phases: {x: {epochs: 1}}", f"5: {TOY}.phases.x: Input should be 'first'"),
    (
        "epochs: 3",
        "{epochs: 3, neuron: adlf}",
        f"7: {TOY}.part.neuron: Input should be 'lif' or 'adlif' (got 'adlf'); did you mean 'adlif",
    ),
    (
        "part:\n      epochs: 3",
        "phases:\n      first: {epochs: 1, neurn: lif}",
        f"7: {TOY}.phases.first.neurn: there is no such key, did you mean 'neuron'?",
    ),
    ("    part:\n      epochs: 3", "    part: {}", f"6: {TOY}.part.epochs: this key is missing"),
    (
        "      epochs: 3",
        "      epochs: 3\n      epochs: 4",
        f"8: {TOY}.part.epochs: this key stands",
    ),
    ("seeds: [0, 1]", "seeds: [0, 1", "6: this is not valid YAML"),
    ("seeds: [0, 1]", "seeds: !!python/name:os.system [0]", "5: this is not valid YAML"),
    ("studies:\n", "device: gpu\nstudies:\n", "3: device: Input should be 'auto', 'cpu' or 'cuda'"),
    (GOOD[GOOD.index("  toy") :], "  toy:\n", f"4: {TOY}: Input should be an object"),
    (GOOD[GOOD.index("studies:") :], "studies: {}\n", "3: studies: name at least one study"),
    (GOOD, "", "1: a scale file is a mapping"),
    (GOOD, "- 1\n", "1: a scale file is a mapping"),
]


@pytest.mark.parametrize(("old", "new", "expected"), MISTAKES)
def test_a_mistake_is_named_with_line_key_and_suggestion(read, old, new, expected):
    assert old in GOOD
    found = problems(read, GOOD.replace(old, new))
    assert any(line.startswith(f"line {expected}") for line in found), found


def test_all_mistakes_are_listed_at_once_in_the_files_order(read):
    text = GOOD.replace("epochs: 3", "epochs: 0\n      neuron: x").replace("seeds:", "seds:")
    lines = problems(read, text)
    assert [line.split(":")[0] for line in lines] == ["line 4", "line 5", "line 7", "line 8"]


def test_values_merged_from_an_anchor_are_no_repetition(read):
    text = GOOD.replace(
        "part:",
        "phases:\n      first: &base {epochs: 1}\n      second: {<<: *base, epochs: 2}\n    part:",
    )
    assert {name: p.epochs for name, p in read(text).studies["toy"].phases.items()} == {
        "first": 1,
        "second": 2,
    }


def test_an_unknown_scale_gets_a_suggestion():
    with pytest.raises(ConfigError, match="did you mean 'quick'?"):
        config.load_scale("quik", CLASSES)


def test_a_file_that_is_not_text_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"scale: \xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load_scale(path, CLASSES)


@pytest.mark.parametrize("name", config.names())
def test_the_scales_of_the_project_are_valid(name):
    assert config.load_scale(name, studies.settings_classes()).studies


def test_the_schema_file_is_up_to_date():
    written = json.loads((ROOT / "config/schema.json").read_text())
    assert written == json.loads(json.dumps(config.schema(studies.settings_classes()))), (
        "config/schema.json is out of date: python -m hnnlib schema > config/schema.json"
    )
