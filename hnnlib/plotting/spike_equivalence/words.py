"""Constructions in words, in the order in which they are drawn."""

from __future__ import annotations

__all__ = ["ARMS", "EXACT"]

EXACT = {
    "forward": "multi to single",
    "backward": "single to multi",
    "forward_lateral_leaky": "leaky reset, lateral synapses",
}
ARMS = EXACT | {
    "forward_in_order": "one by one in order, multi to single",
    "forward_naive_leaky": "leaky reset, bare thresholds",
    "backward_leaky": "leaky reset, single to multi",
    "forward_one_spike_a_step": "one spike a step",
    "forward_non_atomic": "one by one in any order",
    "backward_in_order": "one by one in order, single to multi",
    "forward_float": "floating point",
    "forward_strict": "≥ θ and > θ",
}
