"""Neurons as the kernels for processors run them: a module for each of ``hnnlib.neurons``.

``hnnlib.engines.cpu.table`` says what an entry is.
"""
