"""Compiles all kernels of the GPU engine for a Hopper GPU, which needs no GPU, and prints as JSON
what each takes: bytes of shared memory, and of stack (registers spilled) in a thread.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.pop("TRITON_INTERPRET", None)

import torch  # noqa: E402
import triton  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from hnnlib.engines.gpu import events, filter, recurrent, scan  # noqa: E402

POINTERS = {"units": "*i32", "keys": "*i32", "slots": "*i32", "starts": "*i64", "bounds": "*i64"}
NUMBERS = {"steps", "size", "stride", "batch", "units", "members", "inputs", "width"}
BACKWARD = {"CURVE": "gaussian", "PEAK": 1.0, "SCALE": 1.8, "PARAMETERS": True}


def types(kernel, constants):
    """Type of each argument, told from its name."""
    found = {name: "i32" if name in NUMBERS else "*fp32" for name in kernel.arg_names}
    if kernel.fn.__module__ == events.__name__:
        found |= {name: kind for name, kind in POINTERS.items() if name in found}
    return found | dict.fromkeys(constants, "constexpr")


def compiled(kernel, types, constants, warps=4):
    names = kernel.arg_names
    aligned = {
        (place,): [["tt.divisibility", 16]]
        for place, name in enumerate(names)
        if types[name][0] == "*" or types[name] == "i32" and name != "steps"
    }
    values = {(names.index(name),): value for name, value in constants.items()}
    return triton.compile(
        ASTSource(kernel, {name: types[name] for name in names}, values, aligned),
        target=GPUTarget("cuda", 90, 32),
        options={"num_warps": warps, "enable_fp_fusion": False},
    )


def takes(kernel):
    """Bytes of shared memory a program, of stack a thread."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        dump = subprocess.run(
            [triton.knobs.nvidia.cuobjdump.path, "--dump-resource-usage", file.name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return {"shared": kernel.metadata.shared, "stack": int(re.search(r"STACK:(\d+)", dump)[1])}


def elementwise():
    for reset in ("soft", "hard", "trace"):
        fixed = {"RESET": reset, "BLOCK": scan.BLOCK}
        yield f"scan forward {reset}", scan._forward, fixed
        yield f"scan backward {reset}", scan._backward, BACKWARD | fixed
    for shape in ("atan", "superspike"):
        fixed = {"RESET": "soft", "BLOCK": scan.BLOCK, "CURVE": shape}
        yield f"scan backward {shape}", scan._backward, BACKWARD | fixed
    for trained in (False, True):
        absent = () if trained else ("drive", "values", "to_a1s", "to_a2s", "to_bs")
        fixed = {"COEFFICIENTS": trained, "BLOCK": scan.BLOCK} | dict.fromkeys(absent)
        yield f"filter backward, trained: {trained}", filter._backward, fixed
    yield "filter forward", filter._forward, {"BLOCK": scan.BLOCK}


def gathers():
    for shared in (False, True):
        fixed = {"SHARED": shared, "OUTPUTS": events.OUTPUTS}
        yield f"events forward, shared: {shared}", events._forward, fixed
        yield f"events backward, shared: {shared}", events._backward, fixed
    yield "events list", events._list, {}


def walks():
    hopper = torch.device("cpu")
    for units in (recurrent.resident_units(hopper), 256, recurrent.MOST_UNITS):
        _, layout = recurrent._launch(torch.Size((1, 1, 1, units)), hopper)
        fixed = {name: value for name, value in layout.items() if name.isupper()}
        for direction, kernel, more in (
            ("forward", recurrent._forward, {"RESET": "trace"}),
            ("backward", recurrent._backward, BACKWARD | {"RESET": "soft"}),
        ):
            yield f"recurrent {direction} {units}", kernel, fixed | more, layout["num_warps"]


def compiled_all():
    for name, kernel, fixed in elementwise():
        kinds = types(kernel, fixed)
        yield name, compiled(kernel, kinds, fixed, scan.WARPS)
        double = {x: "*fp64" if kind == "*fp32" else kind for x, kind in kinds.items()}
        yield f"{name}, float64", compiled(kernel, double, fixed, scan.WARPS)
    for name, kernel, fixed in gathers():
        yield name, compiled(kernel, types(kernel, fixed), fixed)
    for name, kernel, fixed in [*elementwise(), *gathers()]:
        # a number that is 1 is a constant to Triton, and some operations don't take constants
        ones = fixed | dict.fromkeys(NUMBERS & set(kernel.arg_names) - {"steps", *fixed}, 1)
        if kernel.fn.__module__ == events.__name__:
            ones.pop("units", None)
        yield f"{name}, all axes 1", compiled(kernel, types(kernel, ones), ones)
    for name, kernel, fixed, warps in walks():
        yield name, compiled(kernel, types(kernel, fixed), fixed, warps)


if __name__ == "__main__":
    print(json.dumps({name: takes(kernel) for name, kernel in compiled_all()}, indent=2))
