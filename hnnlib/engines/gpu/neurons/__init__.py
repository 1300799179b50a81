"""Neurons as the GPU kernels run them: a module for each of ``hnnlib.neurons``.

An entry is a neuron's type, exactly, and a function of such a neuron that gives its ``Equation``.
"""
