"""The residual network of Luu et al. (arXiv:2509.24411, HAS-8-ResNet) with a graded and a spiking
branch in every block.

A stem, 7 x 7 with stride 2 and a pool, four stages of two basic blocks, the mean over places, and a
graded layer. In a spiking branch the identity is added spike by spike (SEW-ADD, Fang et al. 2021),
so that a branch sends up to two a step and what it decodes reaches 2.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from hnnlib.networks.fusion import FusionBlock, FusionNetwork, Pass, drive
from hnnlib.networks.normalised import NormalisedConv

__all__ = ["ResidualFusionNetwork"]

_STAGES, _BLOCKS = 4, 2
_STEM = 7
_POOL = {"kernel_size": 3, "stride": 2, "padding": 1}


class _Stem(FusionBlock):
    """One layer; the spiking branch is averaged, of the graded one the largest values are taken."""

    def _graded(self, x: Tensor, layers: nn.ModuleList, run: Pass) -> Tensor:
        values = functional.relu(drive(layers[0], x[None])[0])
        return functional.max_pool2d(values.flatten(0, 1), **_POOL).unflatten(0, x.shape[:2])

    def _pooled(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x.flatten(0, -4), **_POOL).unflatten(0, x.shape[:-3])


class _Residual(FusionBlock):
    """Two layers and the identity around them; a third, 1 x 1, where the shape changes."""

    def _spiking(self, x: Tensor, layers: nn.ModuleList, run: Pass) -> Tensor:
        planes = run.encode(x)
        arrived, identity = run.read, planes
        signal = run.fire(f"{self.name}.0", layers[0], planes)
        signal = run.fire(f"{self.name}.1", layers[1], signal)
        if len(layers) == 3:
            run.read = arrived
            identity = run.fire(f"{self.name}.2", layers[2], planes)
        return run.coding.decode(signal + identity)

    def _graded(self, x: Tensor, layers: nn.ModuleList, run: Pass) -> Tensor:
        inner = functional.relu(drive(layers[0], x[None]))
        identity = drive(layers[2], x[None]) if len(layers) == 3 else x[None]
        return functional.relu(drive(layers[1], inner) + identity)[0]

    def readers(self, kind: str) -> list[NormalisedConv]:
        """See ``FusionBlock``: the identity's layer, too."""
        return [self.branches[kind][0], *self.branches[kind][2:]]


class ResidualFusionNetwork(FusionNetwork):
    """A population of such networks; arguments as of ``FusionNetwork``, ``design.base`` being the
    channels of the first stage. The design's ``depth`` and ``head`` are not read, and what it says
    of parameters is not true of them.
    """

    def _build(self) -> int:
        design, edge = self.design, [1, 2, 2, 2]
        first = design.scaled(design.base)
        shape = self._add(_Stem, "stem", design.in_shape, [(2 * first, _STEM, 2)], pools=True)
        shape = (shape[0], *((length + 1) // 2 for length in shape[1:]))
        for stage in range(_STAGES):
            for place in range(_BLOCKS):
                channels, stride = first * 2**stage, 1 if place else edge[stage]
                layers = [(channels, 3, stride), (channels, 3, 1)]
                if shape[0] != channels or stride > 1:
                    layers.append((channels, 1, stride))
                shape = self._add(_Residual, f"stage{stage}.{place}", shape, layers)
        return shape[0]

    def _add(
        self,
        kind: type[FusionBlock],
        name: str,
        in_shape: tuple[int, int, int],
        sizes: list[tuple[int, int, int]],
        pools: bool = False,
    ) -> tuple[int, int, int]:
        """Add a block of layers (channels, kernel, stride), the third beside the other two; the
        shape that they give.
        """

        def make(role: str, momentum: float) -> list[NormalisedConv]:
            layers: list[NormalisedConv] = []
            for place, (channels, kernel, stride) in enumerate(sizes):
                given = layers[0].out_shape if place == 1 else in_shape
                layers.append(
                    NormalisedConv(
                        given,
                        channels,
                        kernel,
                        self.seeds,
                        f"{role}.{place}",
                        stride,
                        momentum=momentum,
                    )
                )
            return layers

        block = kind(*self._branches(name, make), pools=pools)
        self.blocks.append(block)
        return next(iter(block.branches.values()))[-1].out_shape

    def _features(self, x: Tensor) -> Tensor:
        return x.mean((-2, -1))
