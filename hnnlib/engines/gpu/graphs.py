"""CUDA graphs: a whole training step recorded once and replayed as one launch.

For networks that are small beside the time it takes to launch their kernels, whatever their engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["capture"]

WARM_UP = 3  # steps before recording: libraries choose kernels, Triton compiles, caches fill


def capture(step: Callable[..., Any], *static_inputs: Tensor) -> Callable[[], Any]:
    """A step that records itself.

    The first steps run as they are, on a side stream; the next is recorded, and from then on
    replayed. Every call is one step, so training takes the same course with and without. Whether
    it is faster has not been measured.

    Args:
        step: called with ``static_inputs``: zero the gradients (to None), forward, backward,
            optimiser (``capturable=True`` where it has that option). Shapes and control flow must
            not change, and nothing may wait for the device.
        static_inputs: read in place: fill them with ``copy_`` before each call.

    Returns:
        A function without arguments that gives what ``step`` returns; from a replay, the same
        tensors each time, with new values. On a CPU it calls ``step``.
    """
    if not any(x.is_cuda for x in static_inputs):
        return lambda: step(*static_inputs)
    return _Recorder(step, static_inputs)


class _Recorder:
    def __init__(self, step: Callable[..., Any], static_inputs: tuple[Tensor, ...]) -> None:
        self.step, self.static_inputs = step, static_inputs
        self.stream = torch.cuda.Stream(next(x.device for x in static_inputs if x.is_cuda))
        self.graph: torch.cuda.CUDAGraph | None = None
        self.calls, self.results = 0, None

    def __call__(self) -> Any:
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._beside()
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream):  # records, doesn't run
                self.results = self.step(*self.static_inputs)
        self.graph.replay()
        return self.results

    def _beside(self) -> Any:
        """One step on the side stream, in order with the current one."""
        current = torch.cuda.current_stream(self.stream.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            results = self.step(*self.static_inputs)
        current.wait_stream(self.stream)
        return results
