"""Networks: layer notation, population layers, and the hybrid network that is built from them."""

from hnnlib.networks.hybrid import Activity, HybridNetwork, Switches
from hnnlib.networks.notation import LayerSpec, parse, resize

__all__ = ["Activity", "HybridNetwork", "LayerSpec", "Switches", "parse", "resize"]
