"""What the engine for processors uses of its compiler that isn't public.

Numba and llvmlite may take any of it away. Then this fails, and says what went; the bound on Numba
in ``pyproject.toml`` moves up when this and the other tests of the engine pass with a new version.
"""

import ast
import re
from pathlib import Path

import numba
import pytest
from llvmlite import ir
from numba.core import cgutils
from numba.core.base import BaseContext
from numba.core.cpu import CPUTargetOptions

import hnnlib.engines.cpu
from hnnlib.engines.cpu import compilation

FOLDER = Path(hnnlib.engines.cpu.__file__).parent
PLACES = {"cgutils": cgutils, "context": BaseContext, "builder": ir.IRBuilder}
PRIVATE = """
    cgutils.alloca_once cgutils.alloca_once_value cgutils.for_range cgutils.for_range_slice
    cgutils.get_or_insert_function cgutils.global_constant cgutils.unpack_tuple
    context.get_abi_sizeof context.get_data_type context.get_dummy_value context.make_array
    builder.add builder.bitcast builder.call builder.ctpop builder.cttz builder.fadd
    builder.fcmp_ordered builder.fmul builder.fptosi builder.fsub builder.gep builder.icmp_signed
    builder.if_else builder.if_then builder.insert_element builder.load builder.module builder.mul
    builder.select builder.sext builder.shl builder.shuffle_vector builder.store builder.sub
    builder.trunc builder.udiv builder.urem builder.zext
""".split()


def used():
    """Attributes of the compiler's objects that the engine's code takes."""
    found = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found.add(f"{node.value.id}.{node.attr}")
    return {name for name in found if name.partition(".")[0] in PLACES}


def test_all_that_is_used_is_listed():
    assert used() == set(PRIVATE)


@pytest.mark.parametrize("name", PRIVATE)
def test_private_parts_are_there(name):
    place, _, word = name.partition(".")
    assert hasattr(PLACES[place], word), f"this version of the compiler has no {name}"


@pytest.mark.parametrize("option", sorted({*compilation.VIEWS, "forceinline"} - {"cache"}))
def test_options_are_known(option):
    assert hasattr(CPUTargetOptions, option), f"this version of Numba has no option {option}"


def test_the_version_is_one_that_was_tried():
    text = (FOLDER.parents[2] / "pyproject.toml").read_text()
    above = re.search(r'"numba>=[\d.]+,<(\d+)\.(\d+)"', text).groups()
    assert numba.version_info.short < tuple(map(int, above))
