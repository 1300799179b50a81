"""SHD ablations: do directly connected hybrids generalise better (Ramanathan, Eberle & Varol)?

Cells are models on a data set, and arms: cells that differ from the main comparison in one thing,
so that the difference says what it was worth. Every cell is trained as a population over seeds,
cells that differ in their share of spiking units only as one population over shares and seeds;
models share, at a seed, their initial draws and the order of the data.

Learning rates: each model chooses its own on validation, with the same budget, and keeps it in all
arms. Validation holds out whole speakers. The test part is read by the chosen epoch; its accuracy
at the other epochs is recorded to say what choosing by it would have been worth, and chooses
nothing.
"""
