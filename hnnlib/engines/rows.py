"""Tables of neurons and surrogates: how an engine finds its kernels for them.

An engine has a package ``neurons`` with a module for each module of ``hnnlib.neurons`` that it has
kernels for, under the same name and with its entries in ``ROWS``; so for ``surrogates``. No engine
imports these by name: a study's code then holds the kernels of those that it names
(``hnnlib.sources``), and a new one changes no other study.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

__all__ = ["found"]


def found(package: str) -> list[Any]:
    """Entries of all modules of a package, in order of the modules' names."""
    names = [m.name for m in pkgutil.iter_modules(importlib.import_module(package).__path__)]
    modules = [importlib.import_module(f"{package}.{name}") for name in names]
    return [row for module in modules for row in module.ROWS]
