"""Bit-plane coding: does a gradient through an encoder of bits do anything, and which part of the
published surrogate does it (Luu et al., arXiv:2509.24411)?

Cells by ``branches`` (graded, spiking, fusion), ``derivative`` of the encoder, ``rescale`` and
every switch of the public code; ``arm`` is ``main``, the name of the switch that a cell turns, or
``wide`` for controls with a fusion network's parameters. Of them all: accuracy and cost, the
gradient that reaches each block at the start and at the end (``gradient_start``, ``gradient_end``),
what each block reads (``encoder_values``), and how many answers depend on the other images of a
batch (``batch_flips``, a count over all seeds).

Cells of the arms ``coding`` and ``encoder`` are computed, not trained, and have no seeds: what is
lost between encoder and decoder by ``order`` and ``rounding``, and what each derivative is like.
"""
