"""Neuron and synapse equations as pure step functions, each with its source.

A family is a module, and none imports another: what a study depends on is the families that it
names. ``base`` says what a neuron is; engines run it (``hnnlib.engines``).
"""
