"""Operational manifold: where on the plane of tau and V_th spiking networks work (Mazurek et al.,
Tables I and II, Figs 1 and 2).

A cell of the store is a whole surface: one kind of network on one data set, trained at every point
of a grid of membrane time constants and thresholds. The grid is one population; the arms are
further grids: beyond the paper's edge, with another surrogate, without spikes.
"""
