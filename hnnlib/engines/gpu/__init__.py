"""The GPU engine: whole loops over time as single kernels, written in Triton.

``engine`` chooses, ``equations`` are one step of each neuron forward and backward in time, ``scan``
and ``recurrent`` are the loops around them, ``events`` is the product with a list of spikes. Only
``engine`` can be imported without Triton.

With ``TRITON_INTERPRET=1`` in the environment before Triton is imported, the kernels run on a CPU,
slowly: that is how they are tested where there is no GPU.
"""

from hnnlib.engines.gpu.engine import Gpu

__all__ = ["Gpu"]
