"""The vocabulary of all figures: short names of what a store holds, and labels of axes."""

from __future__ import annotations

__all__ = ["ACCURACY", "SHARE", "TAU", "THRESHOLD", "layers", "name", "on", "signed"]

ACCURACY = "test accuracy (%)"
SHARE = "share of spiking units"
TAU = "tau (steps)"
THRESHOLD = "threshold V_th"

_NAMES = {
    # networks
    "mlp": "MLP",
    "cnn": "CNN",
    "sew_resnet18": "SEW-ResNet18",
    "vgg11": "VGG11",
    # data sets
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "cluttered_digits": "cluttered digits",
    "shd": "SHD",
    "spoken_digits": "spoken digits (synthetic)",
    "randman_500_parameters": "random manifolds, 500 weights",
    "randman_standard": "random manifolds, standard",
    "randman_hard": "random manifolds, hard",
    # codings and trainings
    "gaussian": "Gaussian",
    "poisson": "Poisson",
    "bit_planes": "bit-plane",
    "none": "no",
}


def name(word: str) -> str:
    """How a coordinate's value is written in a figure."""
    return _NAMES.get(word, word)


def on(network: str, dataset: str) -> str:
    """Title of a panel: ``MLP on MNIST``."""
    return f"{name(network)} on {name(dataset)}"


def layers(architecture: str) -> str:
    """Short name of a row: ``A784-S500-S10`` has one artificial and two spiking layers, ``1A 2S``.

    Pooling layers are left out.
    """
    kinds = [part[0] for part in architecture.split("-") if part[:1] in ("A", "S")]
    return " ".join(f"{kinds.count(kind)}{kind}" for kind in "AS" if kind in kinds)


def signed(value: float, _position: int | None = None) -> str:
    """A plain number with a minus sign as wide as a plus, for ``FuncFormatter`` too."""
    return f"{value:g}".replace("-", "−")
