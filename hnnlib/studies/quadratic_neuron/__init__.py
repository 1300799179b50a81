"""Quadratic neuron: what a quadratic map is worth against a leaky one, and a surrogate window that
is computed against one that is tuned (Jahns, Moreno, Stojkov & Kinsy).

A cell is one neuron, one spread sigma of its drive and one window. The cells of the plane of leak
and sigma, and of the windows, are one population; the other arms change one thing. What is known
exactly, fixed points and moments of the membrane, is computed beside them and needs no training.
"""
