"""Keyed random splits of one data set into training, validation and test images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hnnlib.datasets import registry
from hnnlib.datasets.entry import Entry
from hnnlib.datasets.imagedata import ImageData
from hnnlib.errors import ConfigError
from hnnlib.randomness import numpy_generator

__all__ = ["PARTS", "Split", "draw", "largest", "of_images", "official"]

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Indices (int64) of the images of each part; no image is in two parts."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def draw(
    n: int,
    seed: int,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    limit: Mapping[str, int] | None = None,
    model: str | None = None,
    groups: np.ndarray | None = None,
) -> Split:
    """Split `n` images at random: a function of the seed, and of `model` where one is named.

    Without `model` all networks of a seed share the split. With it each network draws its own, as
    in Muramatsu & Yu's code, where a network's test images may have trained the network that it is
    built on. The images of one group stay in one part, so that fractions hold to within a group.
    `limit` keeps the first so many images of a part: {"train": 3000}; smaller limits are nested in
    larger ones. ConfigError where fractions, limits or groups are impossible.
    """
    _check(n, fractions, limit or {}, groups)
    roles = ("split",) if model is None else ("split", model)
    order = numpy_generator(seed, *roles).permutation(n)
    part = _parts(order, fractions, np.arange(n) if groups is None else groups)
    return Split(*(_take(order[part == k], k, n, limit or {}) for k in range(len(PARTS))))


def of_images(data: ImageData, seed: int, limit: Mapping[str, int] | None = None) -> Split:
    """The split of a study that reads the official test part where the data set has one
    (``official``), and draws 6:2:2 where it has none (``draw``).
    """
    tests = registry.get(data.name).n_test
    if tests:
        return official(len(data), tests, seed, limit=limit)
    return draw(len(data), seed, groups=data.groups, limit=limit)


def largest(entry: Entry) -> dict[str, int]:
    """Most images that each part can have, by either way to split a data set.

    Where images come in groups, a part can have fewer, by less than a group.
    """
    shares = zip(PARTS, (0.6, 0.2, 0.2), strict=True)
    most = {part: round(share * entry.n_examples) for part, share in shares}
    others = entry.n_examples - entry.n_test
    if entry.n_test:
        held = round(0.1 * others)
        stated = {"train": others - held, "validation": held, "test": entry.n_test}
        most = {part: max(most[part], stated[part]) for part in PARTS}
    return most


def official(
    n: int,
    tests: int,
    seed: int,
    validation: float = 0.1,
    limit: Mapping[str, int] | None = None,
) -> Split:
    """The official test part, which is the last `tests` of `n` images, and a random split of the
    rest: a share of it for validation, a function of the seed.

    `limit` is as in `draw`; the test images that it keeps are drawn too, and stand in their
    official order. ConfigError where share, number or limit is impossible.
    """
    if not 0 < tests < n or not 0 < validation < 1:
        raise ConfigError(
            f"A split of {n} images can't have {tests} official test images and a share of "
            f"{validation} of the others for validation."
        )
    _check(n, (0.6, 0.2, 0.2), limit or {}, None)
    order = numpy_generator(seed, "official split").permutation(n - tests)
    first = round(validation * len(order))
    test = n - tests + numpy_generator(seed, "official test part").permutation(tests)
    parts = (order[first:], order[:first], test)
    train, validated, tested = (_take(part, k, n, limit or {}) for k, part in enumerate(parts))
    return Split(train, validated, np.sort(tested))


def _parts(order: np.ndarray, fractions: Sequence[float], groups: np.ndarray) -> np.ndarray:
    """Part (0, 1, 2) of each image of `order`: whole groups, in the order of their first image.

    A group belongs to the part in which its middle image falls when groups are laid end to end.
    """
    _, first, group, size = np.unique(
        groups[order], return_index=True, return_inverse=True, return_counts=True
    )
    by_appearance = np.argsort(first)
    end = np.empty_like(size)
    end[by_appearance] = np.cumsum(size[by_appearance])
    cuts = np.rint(np.cumsum(fractions)[:-1] * len(order))
    return np.searchsorted(cuts, end - size / 2)[group]


def _take(part: np.ndarray, k: int, n: int, limit: Mapping[str, int]) -> np.ndarray:
    name = PARTS[k]
    wanted = limit.get(name, len(part))
    if len(part) == 0:
        raise ConfigError(
            f"The {name} part of a split of {n} images is empty: use more images, or fewer to a "
            f"group, or a larger fraction."
        )
    if wanted > len(part):
        raise ConfigError(
            f"The limit {name}: {wanted} asks for more than the {len(part)} {name} images that a "
            f"split of {n} images has: lower it."
        )
    return part[:wanted].astype(np.int64)


def _check(
    n: int, fractions: Sequence[float], limit: Mapping[str, int], groups: np.ndarray | None
) -> None:
    # the tolerance lets (0.7, 0.2, 0.1) pass, whose floating-point sum is not 1
    fair = len(fractions) == len(PARTS) and all(f > 0 for f in fractions)
    if not fair or abs(sum(fractions) - 1) > 1e-9:
        raise ConfigError(
            f"The split fractions {tuple(fractions)} must be three positive numbers that add up "
            f"to 1, for {', '.join(PARTS)}."
        )
    for name, value in limit.items():
        if name not in PARTS or isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(
                f"The limit {name}: {value} of a split is not understood: give a positive whole "
                f"number for {', '.join(PARTS)}."
            )
    if groups is not None and np.shape(groups) != (n,):
        raise ConfigError(
            f"The groups of a split have shape {np.shape(groups)}: give one for each of the {n} "
            f"images."
        )
