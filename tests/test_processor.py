"""Kernels are compiled for the whole of a processor's registers."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import pytest
from llvmlite import binding

from hnnlib.processor import use_whole_registers, widened


def test_the_preference_for_half_is_taken_away_and_nothing_else():
    features = {"avx2": True, "avx512f": True, "prefer-256-bit": True, "amx": False}
    assert widened(features) == "-amx,+avx2,+avx512f,-prefer-256-bit"


def test_where_registers_are_no_wider_the_compiler_is_told_nothing():
    assert widened({"avx2": True, "avx512f": False}) is None
    assert widened({"neon": True}) is None


@pytest.mark.parametrize("module", ["hnnlib.engines.cpu", "hnnlib.datasets.cable.kernels"])
def test_it_is_told_before_the_first_kernel(module):
    code = f"""
import {module}
from numba.core.registry import cpu_target
print(cpu_target.target_context.codegen()._get_host_cpu_features())
"""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_CPU")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    features = binding.get_host_cpu_features()
    assert done.stdout.strip() == (widened(features) or features.flatten())


@pytest.mark.parametrize("told", [(None, "+avx2"), (None, ""), ("generic", ""), ("nocona", None)])
def test_what_the_user_says_is_kept(told, monkeypatch):
    for name, value in zip(("CPU_NAME", "CPU_FEATURES"), told, strict=True):
        monkeypatch.setattr(numba.config, name, value)
    use_whole_registers()
    assert (numba.config.CPU_NAME, numba.config.CPU_FEATURES) == told
