"""Spike equivalence: networks of neurons that spike many times and networks of neurons that spike
once can stand for each other (Dold & Petersen, arXiv:2603.13478). How many neurons does it take,
and what breaks it?

Cells by ``construction`` (see ``random_networks.ARMS``), ``source`` (random, trained), ``kernel``,
``depth`` and ``spike_limit``, the most spikes of any neuron, N_s: both networks are built and every
spike is compared, in integers. ``mismatches`` and all numbers of neurons are counts over all draws
and have no seeds; a draw is a seed. The other switches are coordinates, too.

Cells of the construction ``approximation``: ``function``, ``model`` and ``hidden``, the error of
least squares on the out-weights, one a draw.
"""
