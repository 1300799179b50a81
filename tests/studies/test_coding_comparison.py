"""The study: its cells are the paper's, no test image is ever trained on, and the leak is there
only on demand.
"""

import numpy as np
import pytest
import torch

from hnnlib import studies
from hnnlib.datasets.registry import load
from hnnlib.errors import ConfigError
from hnnlib.networks.hybrid import HybridNetwork
from hnnlib.studies import running
from hnnlib.studies.base import Context
from hnnlib.studies.coding_comparison.cells import ARCHITECTURES, CodingSettings, cells
from hnnlib.studies.coding_comparison.study import STUDY, _Job, _overlap, _parts, _switches

SETTINGS = CodingSettings.model_validate(
    {
        "seeds": [0, 1],
        "mlp": {
            "dataset": "digits",
            "width": 0.2,
            "steps": 12,
            "samples": {"train": 90, "validation": 30, "test": 60},
            "schedule": {"epochs": 1, "batch": 32, "learning_rate": 1e-2},
            "arms": ["main", "split", "boundary_act"],
        },
    }
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    context = Context(folder, say=lambda line: None)
    return {
        group: STUDY.train(group, SETTINGS, context)
        for group in ("mlp_separate", "mlp_split", "mlp_pure")
    }


@pytest.mark.parametrize("family", ARCHITECTURES)
def test_cells_have_unique_names_and_the_tables_are_complete(family):
    every = [cell for job in cells(family, False).values() for cell in job]
    assert len({cell.name for cell in every}) == len(every)
    main = {(c.architecture, c.coding, c.training) for c in every if c.arm == "main"}
    hybrids = ARCHITECTURES[family][1:-1]
    wanted = {
        ("duplicate", "simultaneous"),
        ("duplicate", "separate"),
        ("gaussian", "simultaneous"),
        ("poisson", "separate"),
    }
    assert {(row, *column) for row in hybrids for column in wanted} <= main


@pytest.mark.parametrize("family", ARCHITECTURES)
def test_an_arm_differs_from_its_cell_in_one_choice(family):
    every = [cell for job in cells(family, False).values() for cell in job]
    tables = {(c.architecture, c.coding, c.training): c for c in every if c.arm == "main"}
    for cell in every:
        if cell.arm == "main":
            continue
        own = cell.arm == "bit_planes"  # a coding that the tables lack, beside duplicate
        coding = "duplicate" if own else cell.coding
        reference = tables[cell.architecture, coding, cell.training]
        differs = [
            name
            for name in cell.__dataclass_fields__
            if name != "arm" and getattr(cell, name) != getattr(reference, name)
        ]
        assert differs == [{"split": "split_mode", "bit_planes": "coding"}.get(cell.arm, cell.arm)]


def test_the_frozen_network_is_trained_before_the_cells_that_read_it():
    for family in ARCHITECTURES:
        for job in cells(family, False).values():
            pretrained = [k for k, c in enumerate(job) if c.training == "pretrained"]
            separate = [k for k, c in enumerate(job) if c.training == "separate"]
            assert not separate or min(pretrained) < min(separate)


def test_no_test_image_is_ever_in_training_unless_the_split_is_the_papers_codes(trained):
    assert (trained["mlp_separate"].test_overlap == 0).all()
    leaky = trained["mlp_split"].sel(cell=trained["mlp_split"].training == "separate")
    # 90 of 1797 images were trained on: the split's chance overlap, 0.6 where all images are used
    assert (leaky.test_overlap > 0).any()


def test_with_all_images_the_papers_split_leaks_sixty_percent():
    whole = SETTINGS.model_copy(update={"mlp": SETTINGS.mlp.model_copy(update={"samples": None})})
    data = load("digits")
    ann, hybrid = (c for c in cells("mlp", False)["split"][:2])
    parts = [_parts(data, whole.seeds, None, c, torch.device("cpu")) for c in (ann, hybrid)]
    assert _overlap(parts[1].test, parts[0].train) == pytest.approx(0.6, abs=0.06)
    assert _overlap(parts[0].test, parts[0].train).max() == 0


def test_a_cell_carries_the_network_that_was_really_built(trained):
    context_free = trained["mlp_separate"].sel(cell="mlp/AAA/none/pretrained/main")
    assert np.isfinite(context_free.train_loss).all()
    assert context_free.network.item() == "A64-A100-A10"


def test_variables_carry_units_and_names(trained):
    for name, variable in trained["mlp_pure"].data_vars.items():
        assert variable.attrs.get("long_name") and variable.attrs.get("units"), name


def test_relu_and_sigmoid_boundaries_read_the_same_frozen_network(trained):
    separate = trained["mlp_separate"]
    assert {"mlp/ASS/duplicate/separate/main", "mlp/ASS/duplicate/separate/boundary_act"} <= set(
        separate.cell.values
    )
    a, b = (
        separate.sel(cell=f"mlp/ASS/duplicate/separate/{arm}") for arm in ("main", "boundary_act")
    )
    assert (a.train_loss != b.train_loss).any()


def test_a_finished_group_is_not_trained_again(tmp_path, monkeypatch):
    context = Context(tmp_path, say=lambda line: None)
    first = STUDY.train("mlp_pure", SETTINGS, context)
    monkeypatch.setattr(HybridNetwork, "forward", _only_for_scoring(HybridNetwork.forward))
    again = STUDY.train("mlp_pure", SETTINGS, context)
    assert first.drop_vars("train_seconds").identical(again.drop_vars("train_seconds"))


def _only_for_scoring(forward):
    def guarded(self, *arguments):
        assert not torch.is_grad_enabled(), "trained again"
        return forward(self, *arguments)

    return guarded


def test_jobs_of_a_scale_are_named_after_family_and_column():
    assert set(STUDY.groups(SETTINGS)) == {
        "mlp_pure",
        "mlp_simultaneous",
        "mlp_separate",
        "mlp_split",
        "mlp_gaussian",
        "mlp_poisson",
    }


def test_columns_can_share_jobs_and_each_frozen_network_stays_before_its_readers():
    some = SETTINGS.model_dump(mode="json")
    some["mlp"]["jobs"] = 2
    jobs = STUDY.groups(CodingSettings.model_validate(some))
    assert list(jobs) == [
        "mlp_pure_and_separate_and_gaussian",
        "mlp_simultaneous_and_split_and_poisson",
    ]
    assert sum(map(len, jobs.values())) == sum(map(len, STUDY.groups(SETTINGS).values()))
    for members in jobs.values():
        frozen = None
        for cell in members:
            frozen = cell if cell.training == "pretrained" else frozen
            if cell.training == "separate":
                assert (frozen.coding == "poisson") == (cell.coding == "poisson")
                assert frozen.split_mode == cell.split_mode


def test_rows_can_be_left_out_but_not_the_network_that_others_freeze():
    some = SETTINGS.model_dump(mode="json")
    some["mlp"]["rows"] = ["A784-A500-S10"]
    jobs = STUDY.groups(CodingSettings.model_validate(some))
    assert "mlp_pure" not in jobs
    assert [c.architecture for c in jobs["mlp_separate"] if c.arm == "main"] == [
        "A784-A500-A10",
        "A784-A500-S10",
    ]


def test_outputs_of_the_artificial_network_count_over_the_steps_where_it_is_trained_whole():
    """The public code sums its outputs over the steps, also where they are no spikes; the networks
    that are frozen for others it trains on single outputs.
    """
    chosen = SETTINGS.mlp
    every = [c for job in cells("mlp", False).values() for c in job]
    scaled = {c.name: _switches(c, chosen).logit_scale for c in every}
    alone = [name for name, scale in scaled.items() if scale != 1]
    assert alone == ["mlp/AAA/none/simultaneous/main"]
    assert scaled[alone[0]] == chosen.steps


def test_codings_can_be_left_out_with_the_network_that_only_they_freeze():
    some = SETTINGS.model_dump(mode="json")
    some["mlp"]["codings"] = ["duplicate"]
    jobs = STUDY.groups(CodingSettings.model_validate(some))
    assert {c.coding for cells in jobs.values() for c in cells if c.family == "mlp"} == {
        "duplicate",
        "none",
    }
    assert "mlp_poisson" not in jobs and "mlp_gaussian" not in jobs


def test_settings_refuse_what_cannot_be():
    bad = SETTINGS.model_dump(mode="json")
    bad["mlp"]["arms"] = ["split"]
    with pytest.raises(ValueError, match="add 'main'"):
        CodingSettings.model_validate(bad)


def test_unknown_studies_and_groups_get_a_suggestion(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'coding_comparison'"):
        studies.get("coding_comparisn")
    with pytest.raises(ConfigError, match="no group 'mlp_pur'"):
        running.train_group(
            "coding_comparison",
            "mlp_pur",
            SETTINGS,
            scale="x",
            out=tmp_path / "x.nc",
            checkpoints=tmp_path,
        )


@pytest.mark.parametrize("head", ["fresh", "coupled"])
def test_the_rest_of_a_frozen_network_starts_from_draws_of_its_own(head, tmp_path):
    """Draws shared with the layers that the features were trained with are a priced switch."""
    job = _Job(SETTINGS.mlp, (0, 1), Context(tmp_path, say=lambda line: None))
    columns = cells("mlp", False)
    ann = columns["separate"][0]
    parts = _parts(job.data, (0, 1), SETTINGS.mlp.samples, ann, torch.device("cpu"))
    frozen = job._network(ann, job._layers(ann)[0], parts)[0]
    job.frozen = frozen
    started = {p.numel(): p for n, p in frozen.named_parameters() if n.endswith("weight")}
    for column in ("separate", "poisson"):
        for cell in columns[column]:
            if cell.training == "separate" and cell.head == head:
                rest = job._network(cell, job._layers(cell)[0], parts)[0]
                for layer in rest.spiking:
                    weight = layer.synapse.weight
                    same = torch.equal(weight.flatten(), started[weight.numel()].flatten())
                    assert same == (head == "coupled")


def test_bit_planes_stand_at_the_boundary_with_eight_steps_and_no_graded_product(tmp_path):
    mlp = SETTINGS.mlp.model_copy(update={"arms": ("main", "bit_planes")})
    settings = SETTINGS.model_copy(update={"mlp": mlp})
    found = STUDY.train("mlp_bit_planes", settings, Context(tmp_path, say=lambda line: None))
    rows = ("ASS", "AAS")
    assert found.cell.values.tolist() == [
        f"mlp/{row}/bit_planes/simultaneous/bit_planes" for row in rows
    ]
    assert not found.diverged.any()
    # the planes are spikes: only artificial layers have graded inputs
    artificial = found.multiply_accumulates.isel(seed=0).values
    assert artificial.tolist() == [64 * 100, 64 * 100 + 100 * 100]
