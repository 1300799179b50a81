"""Scale files of real studies: what cannot be meant is refused, before any work starts."""

from __future__ import annotations

import json
import time
import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from hnnlib import config, studies
from hnnlib.errors import ConfigError

CODING = """\
seeds: [0, 1, 2]
mlp:
  dataset: digits
  width: 0.05
  steps: 3
  samples: {train: 64, validation: 32, test: 32}
  schedule: {epochs: 1, batch: 32, learning_rate: 1.0e-3, milestones: []}
  arms: [main]
"""
MANIFOLD = """\
seeds: [0]
families:
  mlp_digits:
    network: mlp
    dataset: digits
    width: 0.05
    steps: 3
    samples: {train: 64, validation: 32, test: 32}
    schedule: {epochs: 1, batch: 32}
    arms: {main: {tau: {first: 1.001, last: 5.0, points: 2}, \
threshold: {first: 0.01, last: 3.0, points: 2}}}
"""
NOISE = """\
seeds: [0, 1, 2]
networks:
- network: sew_resnet18
  dataset: digits
  enlarge: 1
  width: 0.0625
  steps: 3
  samples: {train: 64, validation: 32, test: 40}
  training: {epochs: 1, batch: 32, learning_rate: 3.0e-3}
  noise: {samples: 20, resamples: 5, lanes: 20, protocols: [corrected]}
  regimes: {taus: [2.0, 4.0], thresholds: [0.5, 1.0], samples: 20}
"""
LANDSCAPE = """\
seeds: [0, 1]
tasks:
- dataset: randman_500_parameters
  units: 6
  steps: 20
  window: 0.1
  validation: random
  models: [snn]
  schedule: {epochs: 1, batch: 400, learning_rate: 0.02}
  measures: {examples: 16, directions: 1, finest: 5, map_points: 5, rhos: [0.05], \
relative_rhos: [0.02], radii: [0.05], perturbations: 2, subspaces: [2], extents: [0.5], \
replicates: 1, density: 8, curvature: 1}
"""
SHD = """\
seeds: [0, 1, 2]
tasks:
- dataset: spoken_digits
  steps: 10
  window: 1.0
  units: 8
  tau_mem: 0.01
  jobs: 1
  share: 0.1
  models: [snn]
  schedule: {epochs: 1, batch: 32}
  tuning: {rates: [2.0e-3], seeds: [100], epochs: 1}
  arms: [main]
"""
EQUIVALENCE = """\
seeds: [0, 1, 2]
depths: [1]
spike_limits: [1, 2]
hidden: [4]
trained: {dataset: digits, hidden: 8, steps: 4, images: 20, schedule: {epochs: 1, batch: 32}}
"""
QUADRATIC = """\
seeds: [0, 1, 2]
tasks:
- dataset: digits
  width: 0.25
  schedule: {epochs: 1, batch: 32, learning_rate: 1.0e-2}
  lif: {leaks: [0.5], sigmas: [0.5]}
  qif: {leaks: [0.25], sigmas: [0.5]}
  windows: [two_step, 0.25]
  arms: [reading]
"""
GATED = """\
seeds: [0]
tasks:
- dataset: spoken_digits
  steps: 8
  window: 1.0
  channels: 64
  hidden: 4
  models: [cs_gru]
  layouts: [line]
  share: 0.05
  jobs: 1
  schedule: {epochs: 1, batch: 32}
  tuning: {rates: [1.0e-2], seeds: [100], epochs: 1}
  arms: [main]
"""
DELAYS = """\
seeds: [0]
tasks:
- dataset: spoken_digits
  steps: 40
  pooled: 10
  units: {large: 32, small: 8}
  schedule: {epochs: 1, batch: 32}
"""
OPERATOR = """\
seeds: [0]
data: {cells: 3, held_out: 1, train: 24, validation: 8, test: 8, pulse: 20, onset: 5, window: 30, \
shift: 4, dt: 0.5, latent: 2}
network: {layers: 1, width: 4, modes: 8}
schedule: {epochs: 1, batch: 8}
tuning: {epochs: 1}
shares: [0.5]
arms: [main, sag]
speed: {traces: 2, rounds: 1, batch: 4}
jobs: 1
"""
SECTIONS = {
    "coding_comparison": CODING,
    "operational_manifold": MANIFOLD,
    "noise_correlations": NOISE,
    "loss_landscape": LANDSCAPE,
    "shd_ablations": SHD,
    "spike_equivalence": EQUIVALENCE,
    "quadratic_neuron": QUADRATIC,
    "convolutional_gru": GATED,
    "delays": DELAYS,
    "neural_operator": OPERATOR,
}
REFUSED = [  # study, what stands there, what is written in its place, what the sentence says
    (
        "quadratic_neuron",
        "leaks: [0.5]",
        "leaks: [0.5, 0.50000000001]",
        "cells are named by six digits",
    ),
    ("coding_comparison", "[main]", "[main, main]", "'main' stands here twice"),
    (
        "coding_comparison",
        "batch: 32",
        "batch: 1000000000000",
        "less than or equal to 1000000 (got",
    ),
    ("coding_comparison", CODING[CODING.index("mlp") :], "", "nothing to train"),
    ("coding_comparison", "epochs: 1", f"epochs: 1{'0' * 30}", "less than or equal to 100000"),
    ("coding_comparison", "epochs: 1", "epochs: 1000000000", "less than or equal to 100000"),
    ("coding_comparison", "epochs: 1", "epochs: true", "a valid integer (got True)"),
    ("coding_comparison", "epochs: 1", "epochs: '1'", "a valid integer (got '1')"),
    ("coding_comparison", "1.0e-3", ".inf", "a finite number (got inf)"),
    ("coding_comparison", "1.0e-3", "1.0e+400", "a finite number"),
    ("coding_comparison", "1.0e-3", "1e-3", "write 1.0e-3"),
    ("coding_comparison", "epochs: 1", "epochs: 010", "YAML takes 010 for another number"),
    ("coding_comparison", "epochs: 1", "epochs: 1:30", "YAML takes 1:30 for another number"),
    ("coding_comparison", "train: 64", "train: 100000000", "1078 train images of digits"),
    ("coding_comparison", "[0, 1, 2]", f"[1{'0' * 30}, 1]", "less than 4294967296"),
    ("coding_comparison", "[0, 1, 2]", "[true, false]", "a valid integer (got True)"),
    ("coding_comparison", "[0, 1, 2]", "[0, 0, 0]", "0 stands here twice"),
    ("coding_comparison", "[0, 1, 2]", "[-1, 0, 1]", "greater than or equal to 0 (got -1)"),
    ("coding_comparison", "width: 0.05", "width: 1.0e-300", "greater than or equal to 0.001"),
    ("operational_manifold", "mlp_digits", "'{x}'", "letters, digits and _, not '{x}'"),
    ("operational_manifold", "mlp_digits", "''", "1 to 64 letters"),
    ("operational_manifold", "mlp_digits", "a" * 300, "1 to 64 letters"),
    ("operational_manifold", "mlp_digits", "größe", "letters, digits and _"),
    ("operational_manifold", "mlp_digits", "../../evil", "letters, digits and _"),
    ("operational_manifold", "mlp_digits", "seed\n", "line"),
    ("operational_manifold", "train: 64", "train: 1000000", "1078 train images of digits"),
    ("operational_manifold", "[0]", "[-1]", "greater than or equal to 0 (got -1)"),
    ("operational_manifold", "last: 5.0", "last: 1.001", "2 points from 1.001 to 1.001 are one"),
    ("loss_landscape", "density: 8", "density: 1000000000", "less than or equal to 10000"),
    ("loss_landscape", "examples: 16", "examples: 1000000000", "less than or equal to 1000000"),
    ("loss_landscape", "map_points: 5", "map_points: 100000", "less than or equal to 1001"),
    ("loss_landscape", " rhos: [0.05]", " rhos: [0.05, .nan, -3.0]", "a finite number (got nan)"),
    ("loss_landscape", "subspaces: [2]", "subspaces: [1000000]", "less than or equal to 100"),
    ("loss_landscape", "subspaces: [2]", "subspaces: [-1]", "greater than 0 (got -1)"),
    ("noise_correlations", "enlarge: 1", "enlarge: 1000000", "less than or equal to 64"),
    (
        "noise_correlations",
        "[corrected]",
        "[corrected, corrected]",
        "'corrected' stands here twice",
    ),
    ("noise_correlations", "[2.0, 4.0]", "[0.5, 2.0]", "greater than 1 (got 0.5)"),
    ("noise_correlations", "[2.0, 4.0]", "[.nan, 2.0]", "a finite number (got nan)"),
    ("noise_correlations", "sew_resnet18", "vgg11", "VGG11 needs 16 pixels an edge and has 8"),
    ("shd_ablations", "[main]", "[main, main]", "'main' stands here twice"),
    ("shd_ablations", "[snn]", "[snn, snn]", "'snn' stands here twice"),
    ("shd_ablations", "[2.0e-3]", "[.nan]", "a finite number (got nan)"),
    ("shd_ablations", "share: 0.1", "share: 1.0e-12", "greater than or equal to 0.001"),
    ("shd_ablations", "steps: 10", "steps: 1000000000", "less than or equal to 10000"),
    ("shd_ablations", "tau_mem: 0.01", "tau_mem: .inf", "a finite number (got inf)"),
    ("shd_ablations", "seeds: [100]", "seeds: [100, 100]", "100 stands here twice"),
    ("shd_ablations", "units: 8", "units: 1000000000", "less than or equal to 10000"),
    ("shd_ablations", "window: 1.0", "window: .inf", "a finite number (got inf)"),
    ("shd_ablations", "window: 1.0", "window: 1.0e-300", "greater than or equal to 0.00001"),
    ("coding_comparison", "milestones: []", "milestones: [1]", "never comes to the milestone 1"),
    ("loss_landscape", "0.02}", "0.02, rates: {rnn: 0.1}}", "a rate of rnn: choose snn"),
    ("delays", "pooled: 10", "pooled: 701", "spoken_digits has 700 channels only"),
    ("delays", "small: 8", "small: 32", "two sizes with the same number of units"),
    ("delays", "steps: 40", "steps: 20", "a line of 25 taps sees no more than 20 steps"),
    ("delays", "small:", "middling:", "tiny"),
    ("convolutional_gru", "channels: 64", "channels: 64\n  pool: 2", "spoken_digits has 1 pixels"),
    ("convolutional_gru", "channels: 64", "channels: 60", "channels make a square"),
    ("neural_operator", "modes: 8", "modes: 31", "modes are at most half of the 60 samples"),
    ("neural_operator", "pulse: 20", "pulse: 26", "a pulse ends in its window"),
    ("neural_operator", "shift: 4", "shift: 11", "shift is at most twice the onset"),
    ("neural_operator", "tuning: {epochs: 1}\n", "", "the arm sag needs the section tuning"),
    ("convolutional_gru", "[1.0e-2]", "[.inf]", "a finite number (got inf)"),
]
TOGETHER = [
    (GATED, {"steps: 8": "steps: 10000", "hidden: 4": "hidden: 10000", "batch: 32": "batch: 999"}),
    (SHD, {"steps: 10": "steps: 10000", "units: 8": "units: 10000", "batch: 32": "batch: 9999"}),
    (CODING, {"steps: 3": "steps: 10000", "width: 0.05": "width: 4", "batch: 32": "batch: 9999"}),
]
LAUGHS = "bomb:\n- &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"- &a{k + 1} [{', '.join([f'*a{k}'] * 10)}]\n" for k in range(10)
)


@cache
def classes():
    return studies.settings_classes()


def _indented(section: str) -> str:
    return "".join(f"    {line}\n" for line in section.splitlines())


@pytest.fixture
def read(tmp_path):
    """Reads a study's section as the file of scale ``mine``, with other text around it."""

    def read(study: str, section: str, description: str = "d", before: str = "", after: str = ""):
        text = f"scale: mine\ndescription: {description}\ndevice: cpu\nstudies:\n  {study}:\n"
        text += _indented(section)
        path = tmp_path / "mine.yaml"
        path.write_bytes((before + text + after).encode())
        return config.load_scale(path, classes())

    return read


@pytest.mark.parametrize(("study", "old", "new", "said"), REFUSED)
def test_what_cannot_be_meant_is_refused(read, study, old, new, said):
    section = SECTIONS[study]
    assert old in section
    with pytest.raises(ConfigError) as caught:
        read(study, section.replace(old, new))
    assert "mine.yaml line" in str(caught.value) and said in str(caught.value)


@pytest.mark.parametrize(("section", "changes"), TOGETHER)
def test_what_is_too_large_together_is_refused_by_its_memory(read, section, changes):
    for old, new in changes.items():
        assert old in section
        section = section.replace(old, new)
    study = next(name for name, text in SECTIONS.items() if text[:40] == section[:40])
    with pytest.raises(ConfigError, match="GiB for each network"):
        read(study, section)


@pytest.mark.parametrize("description", ["*a8", "d"])
def test_aliases_that_grow_are_refused_at_once(read, description):
    started = time.process_time()
    with pytest.raises(ConfigError, match="more than 1048576 values"):
        read("coding_comparison", CODING, description, before=LAUGHS)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("text", ["&a [*a]", "[" * 100_000, "x" * 2_000_000])
def test_texts_without_end_are_refused(read, text):
    with pytest.raises(ConfigError, match="cannot be read"):
        read("coding_comparison", CODING, before=f"bomb: {text}\n")


def test_a_date_is_no_text(read):
    with pytest.raises(ConfigError, match="line 2: YAML takes 2020-01-01 for a date: write it in"):
        read("coding_comparison", CODING, "2020-01-01")


def test_no_training_takes_no_time(read):
    with pytest.raises(ConfigError, match="core_minutes: .* greater than or equal to 0.001"):
        read("coding_comparison", CODING, before="core_minutes: 1.0e-320\n")


def test_marks_of_other_editors_are_accepted(read, tmp_path):
    whole = read("coding_comparison", CODING)
    text = (tmp_path / "mine.yaml").read_text()
    (tmp_path / "mine.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert config.load_scale(tmp_path / "mine.yaml", classes()) == whole


def test_no_scale_overwrites_the_reference_results(tmp_path):
    path = tmp_path / "reference.yaml"
    path.write_text("scale: reference\ndescription: d\nstudies:\n  delays:\n" + _indented(DELAYS))
    with pytest.raises(ConfigError, match="line 1: scale: results/reference holds"):
        config.load_scale(path, classes())


def test_an_own_key_goes_before_a_merged_one(read):
    assert read("coding_comparison", CODING, after="<<: {device: cuda}\n").device == "cpu"


def test_a_description_cannot_steer_the_terminal(read):
    shown = read("coding_comparison", CODING, r'"\e[2J\e]0;owned\a hello"').description
    assert shown == r"\x1b[2J\x1b]0;owned\x07 hello"
    assert read("coding_comparison", CODING, "'<b>größer</b>'").description == "<b>größer</b>"


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for inside in get_args(annotation):
        yield from _models(inside)


MODELS = {model: None for section in classes().values() for model in _models(section)}
FIELDS = [(m, name) for m in MODELS for name in m.model_fields]
ZERO = {  # fields in which the model declares zero meaningful
    ("DataSettings", "shift"),
    *[("RegulariserSettings", name) for name in ("lower", "least", "upper", "most")],
    ("MeasureSettings", "box"),
    ("MeasureSettings", "curvature"),
    ("DelayTask", "dropout"),
    ("OperatorSchedule", "patience"),
}


def _kinds(annotation: Any) -> set[type]:
    """What a field holds, lists and choices taken apart: numbers, texts, models..."""
    if get_origin(annotation) is Literal:
        return {str}
    if get_origin(annotation) in (Annotated, Union, types.UnionType):
        return {kind for part in get_args(annotation) for kind in _kinds(part)}
    return {get_origin(annotation) or annotation}


def _refused(model: type[BaseModel], name: str, value: Any) -> bool:
    """Whether a model says that it is this field that cannot have this value."""
    try:
        model.model_validate_json(json.dumps({name: value}), strict=True)
    except ValidationError as reason:
        return any(error["loc"][:1] == (name,) for error in reason.errors())
    return False


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=lambda x: getattr(x, "__name__", x))
def test_no_field_takes_what_it_cannot_mean(model, name):
    annotation = model.model_fields[name].annotation
    kinds = _kinds(annotation)
    bad = [float("nan"), float("inf"), float("-inf"), -1, 10**12, 10**30, "7", [[7]]]
    if bool not in kinds:
        bad += [True, False]
    if (model.__name__, name) not in ZERO:
        bad.append(0)
    taken = [value for value in bad if not _refused(model, name, value)]
    assert not taken, f"{model.__name__}.{name} takes {taken}"
    if tuple in kinds:
        zero = [] if name == "seeds" else [0]
        each = [value for value in [*bad[:5], *zero, True, "7", {}] if value != []]
        taken = [value for value in each if not _refused(model, name, [value])]
        assert not taken, f"{model.__name__}.{name} takes lists of {taken}"


@pytest.mark.parametrize("study", SECTIONS)
def test_nothing_stands_twice_in_a_list(read, study):
    def lists(node, path=()):
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in pairs:
            if isinstance(value, list) and value:
                yield (*path, key)
            if isinstance(value, dict | list):
                yield from lists(value, (*path, key))

    whole = yaml.safe_load(SECTIONS[study])
    for path in lists(whole):
        section = yaml.safe_load(SECTIONS[study])
        node = section
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = node[path[-1]] * 2
        with pytest.raises(ConfigError, match="twice|one task only"):
            read(study, yaml.safe_dump(section))
