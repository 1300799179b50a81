"""Training of populations: examples, optimiser, the loop, checkpoints."""
