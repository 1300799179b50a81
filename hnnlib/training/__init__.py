"""Training of populations: tasks, examples, optimiser, the loop, checkpoints, scores, costs."""
