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

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.pop("TRITON_INTERPRET", None)

import torch  # noqa: E402
import triton  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from hnnlib.engines.gpu import events, filter, recurrent, scan  # noqa: E402

POINTERS = {"units": "*i32", "keys": "*i32", "slots": "*i32", "starts": "*i64", "bounds": "*i64"}
NUMBERS = {"steps", "size", "stride", "batch", "units", "members", "inputs", "width"}
BACKWARD = {"SHAPE": "gaussian", "PEAK": 1.0, "SCALE": 1.8, "PARAMETERS": True}


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


def cases():
    for reset in ("soft", "hard", "trace"):
        fixed = {"RESET": reset, "BLOCK": scan.BLOCK}
        yield f"scan forward {reset}", scan._forward, fixed, scan.WARPS, {}
        yield f"scan backward {reset}", scan._backward, fixed | BACKWARD, scan.WARPS, {}
    for trained in (False, True):
        absent = () if trained else ("drive", "values", "to_a1s", "to_a2s", "to_bs")
        fixed = {"COEFFICIENTS": trained, "BLOCK": scan.BLOCK} | dict.fromkeys(absent)
        yield f"filter backward {trained}", filter._backward, fixed, scan.WARPS, {}
    yield "filter forward", filter._forward, {"BLOCK": scan.BLOCK}, scan.WARPS, {}
    fixed = {"SHARED": False, "OUTPUTS": events.OUTPUTS}
    yield "events forward", events._forward, fixed, 4, {}
    yield "events backward", events._backward, fixed, 4, {}
    yield "events list", events._list, {}, 4, {}
    hopper = torch.device("cpu")
    for precision in recurrent.PRECISIONS:
        kinds = {"weights": "*bf16" if precision == "bfloat16" else "*fp32"}
        for units in {recurrent.resident_units(precision, hopper), 256, recurrent.MOST_UNITS}:
            _, layout = recurrent._launch(torch.Size((1, 1, 1, units)), precision, hopper)
            fixed = {name: value for name, value in layout.items() if name.isupper()}
            for direction, kernel, more in (
                ("forward", recurrent._forward, {"RESET": "trace"}),
                ("backward", recurrent._backward, BACKWARD | {"RESET": "soft"}),
            ):
                name = f"recurrent {direction} {precision} {units}"
                yield name, kernel, fixed | more, layout["num_warps"], kinds


if __name__ == "__main__":
    report = {}
    for name, kernel, constants, warps, kinds in cases():
        report[name] = takes(compiled(kernel, types(kernel, constants) | kinds, constants, warps))
    print(json.dumps(report, indent=2))
