"""Convolutional GRU: what do convolution, gates and spikes buy in a gated recurrent cell
(Abdennadher, Cicciarella & Rossi)?

Cells are models on a data set, and arms that differ from the main comparison in one thing. A dense
cell has as many units as make it equal to the convolutional one by ``match``: in parameters (the
main comparison), neurons, channels or products. Spikes are stored a sample, a neuron and step, and
as operations, graded products beside them; ``spikes_saved``, ``rate_saved`` and
``operations_saved`` are what a cell saves of them against SpikGRU of equal parameters.

Each model chooses its learning rate on validation, with the same budget, and keeps it in all arms.
Validation holds out whole speakers; the test part is read by the chosen epoch.
"""
