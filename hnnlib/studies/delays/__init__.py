"""Delays: what a neuron gains by seeing its own last inputs (Karilanova, Dey & Ozcelikkale).

Cells are lines of delays and their controls, by hidden size and data set. What adds the drive once
more also repairs a layer that is driven too little, delayed or not: each line has a control with
the same taps, all at lag 0. Arms differ from the main comparison in one switch of the public code.

Cells of one order are trained as one population. At a seed they share weights, decays, and the
order of the data. Validation holds out whole speakers and chooses the epoch; the test part is
watched to say what choosing by it would have been worth.
"""
