"""Surrogates as the kernels for processors know them: a module for each of ``hnnlib.surrogates``.

``hnnlib.engines.cpu.row`` says what an entry is; those of the package itself are in
``hnnlib.engines.cpu.surrogate_kernels``.
"""
