"""A fast-spiking neuron as a cable with channels, and many cells like it: simulated recordings."""
