"""What training is for: regression beside classification, and batches that are augmented."""

import pytest
import torch
from small_tasks import Line, Map, Mapped, Slope, fit, stop_behind

from hnnlib.networks.base import Activity
from hnnlib.training.objectives import EveryStep
from hnnlib.training.tasks import Classification, Regression, cross_entropy


def square(activity, targets):
    return (activity.outputs - targets).square().mean((1, 2))


def distance(activity, targets):
    return (activity.outputs - targets).norm(dim=2)


REGRESSION = {"task": Regression(square, distance)}
TASKS = {"classification": {"task": Classification()}, "regression": REGRESSION}


def population(task, seeds=(0, 1)):
    """A network, examples, and what to train them for."""
    if task == "regression":
        return Map(seeds), Mapped(noise=0.3), REGRESSION
    return Slope(len(seeds)), Line(), TASKS[task]


def flip(inputs, labels, noise):
    """Half of the examples with the other sign and class."""
    flipped = noise.uniform(1, inputs)[0] < 0.5
    return torch.where(flipped, -inputs, inputs), torch.where(flipped, 1 - labels, labels)


def test_a_linear_network_finds_the_linear_map(tmp_path):
    network, examples = Map((0, 1)), Mapped()
    found = fit(tmp_path, network, examples, more=REGRESSION, epochs=80, cosine=True)
    torch.testing.assert_close(network.weight[0], examples.weight, atol=1e-3, rtol=0)
    torch.testing.assert_close(network.weight[1], examples.weight, atol=1e-3, rtol=0)
    assert (found.validation_curve[-1] < 1e-2).all()


def test_regression_chooses_the_smallest_validation_loss_not_the_smallest_error(tmp_path):
    def opposite(activity, targets):
        return -distance(activity, targets)

    task = {"task": Regression(square, opposite)}
    found = fit(tmp_path, Map((0, 1)), Mapped(0.3), more=task, epochs=12, learning_rate=0.3)
    assert torch.equal(found.best_epoch, found.validation_loss.argmin(0))
    assert (found.validation_curve < 0).all()


@pytest.mark.parametrize("task", TASKS)
def test_resumed_training_ends_with_the_same_bits(task, tmp_path, monkeypatch):
    monkeypatch.setattr("hnnlib.training.loop._SECONDS_BETWEEN_SAVES", 0.0)
    options = {"sharpness": 0.01, "patience": 2}
    more = TASKS[task] | ({"augment": flip} if task == "classification" else {})
    (whole, examples, _), (cut, *_), (resumed, *_) = (population(task) for _ in range(3))
    expected = fit(tmp_path, whole, examples, "whole", more=more, **options)
    with pytest.raises(InterruptedError):
        fit(tmp_path, cut, examples, "cut", stop_behind(2), more, **options)
    lines = []
    found = fit(tmp_path, resumed, examples, "cut", lines.append, more, **options)
    assert lines[0] == "goes on behind epoch 2"
    for name in ("train_loss", "validation_curve", "validation_loss", "best_epoch", "presented"):
        torch.testing.assert_close(
            getattr(found, name), getattr(expected, name), rtol=0, atol=0, equal_nan=True
        )
    for p, q in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(p, q)


def test_a_member_of_a_regression_is_what_it_is_alone(tmp_path):
    alone, together = Map((5,)), Map((4, 5, 6))
    one = fit(tmp_path, alone, Mapped(0.3), "a", more=REGRESSION)
    many = fit(tmp_path, together, Mapped(0.3), "b", more=REGRESSION)
    torch.testing.assert_close(alone.weight[0], together.weight[1], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(one.train_loss[:, 0], many.train_loss[:, 1], rtol=1e-6, atol=0)
    assert one.best_epoch[0] == many.best_epoch[1] and one.presented[0] == many.presented[1]


def test_a_diverging_member_of_a_regression_changes_no_bit_of_the_others(tmp_path):
    healthy, sick = Map((0, 1)), Map((0, 1))
    with torch.no_grad():
        sick.weight[0] = float("inf")
    expected = fit(tmp_path, healthy, Mapped(0.3), "a", more=REGRESSION)
    found = fit(tmp_path, sick, Mapped(0.3), "b", more=REGRESSION)
    assert found.diverged.tolist() == [True, False] and found.best_epoch[0] == -1
    assert torch.equal(found.train_loss[:, 1], expected.train_loss[:, 1])
    assert torch.equal(sick.weight[1], healthy.weight[1])


def test_augmentation_that_changes_nothing_changes_no_bit(tmp_path):
    plain, augmented = Slope(2), Slope(2)
    fit(tmp_path, plain, Line(), "a")
    same = {"augment": lambda inputs, labels, noise: (inputs, labels)}
    fit(tmp_path, augmented, Line(), "b", more=same)
    assert torch.equal(plain.weight, augmented.weight)


def test_augmentation_draws_anew_for_every_member_epoch_and_batch(tmp_path):
    seen = []

    def look(inputs, labels, noise):
        seen.append(noise.uniform(1, inputs)[0])
        return inputs, labels

    fit(tmp_path, Slope(2), Line(), "a", more={"augment": look}, epochs=2, sharpness=0.1)
    assert len(seen) == 2 * 5  # once a batch, whose two passes see the same
    members = [draws[member] for draws in seen for member in range(2)]
    assert len({tuple(draws.tolist()) for draws in members}) == 20
    before, seen[:] = list(seen), []
    fit(tmp_path, Slope(2), Line(), "b", more={"augment": look}, epochs=2)
    assert all(torch.equal(a, b) for a, b in zip(before, seen, strict=True))


def test_augmentation_is_of_training_only(tmp_path):
    """Where all training labels are turned round, validation, which isn't, ends up all wrong."""

    def turned(inputs, labels, noise):
        return inputs, 1 - labels

    found = fit(tmp_path, Slope(1), Line(), more={"augment": turned}, epochs=20)
    assert found.validation_curve[-1] < 0.2


def test_mixed_labels_cost_the_mean_of_the_losses(tmp_path):
    activity = Activity(torch.randn(2, 5, 3), [])
    first, second = torch.randint(0, 3, (2, 2, 5))
    both = torch.stack([torch.nn.functional.one_hot(y, 3).float() for y in (first, second)])
    mixed = cross_entropy(activity, 0.3 * both[0] + 0.7 * both[1])
    expected = 0.3 * cross_entropy(activity, first) + 0.7 * cross_entropy(activity, second)
    torch.testing.assert_close(mixed, expected)

    def halves(inputs, labels, noise):
        """All of both classes: nothing can be learned."""
        return inputs, torch.full((*labels.shape, 2), 0.5)

    network = Slope(1, start=1.0)
    fit(tmp_path, network, Line(), more={"augment": halves}, epochs=30)
    found = fit(tmp_path, network, Line(), "b", more={"augment": halves}, epochs=30)
    assert found.train_loss[-1].item() == pytest.approx(torch.tensor(2.0).log().item(), rel=1e-3)


def test_a_loss_of_every_step_is_the_mean_of_their_losses_and_bounds_outputs():
    steps = torch.randn(3, 2, 4, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8).view(2, 4) % 5
    activity = Activity(steps.mean(0), [], steps=steps)
    each = [cross_entropy(Activity(o, []), labels) for o in steps]
    plain = EveryStep(weight=0.0)(activity, labels)
    torch.testing.assert_close(plain, torch.stack(each).mean(0))
    assert (plain >= cross_entropy(activity, labels)).all()  # the loss is convex
    level = Activity(steps, [], steps=torch.ones_like(steps))
    torch.testing.assert_close(EveryStep(0.5)(level, labels), torch.full((2,), 5.0).log() / 2)
