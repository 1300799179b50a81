"""Networks: layer notation, population layers, and the networks that are built from them."""

from hnnlib.networks.direct import Design, DirectNetwork
from hnnlib.networks.hybrid import Activity, HybridNetwork, Switches
from hnnlib.networks.notation import LayerSpec, parse, resize

__all__ = [
    "Activity",
    "Design",
    "DirectNetwork",
    "HybridNetwork",
    "LayerSpec",
    "Switches",
    "parse",
    "resize",
]
