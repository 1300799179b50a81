"""What is computed of the code and of its derivatives, without training: no seeds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import torch
import xarray as xr

from hnnlib.codings.bit_planes import BitPlanes
from hnnlib.studies.bit_plane_coding.cells import Cell
from hnnlib.surrogates.bits import BITS, DERIVATIVES, LARGEST, slopes
from hnnlib.variables import of_cell

__all__ = ["exact"]

_FINE = 16  # places between two integers
_DRAWN = 2


def exact() -> Iterator[tuple[Cell, xr.Dataset]]:
    """Cells of the arms ``coding`` and ``encoder`` and their variables."""
    for order, rounding in product(("corrected", "public"), ("on", "off")):
        yield Cell("none", arm="coding", order=order, rounding=rounding), _lost(order, rounding)
    for name, rescale in product(DERIVATIVES, ("off", "on")):
        yield Cell("none", name, rescale, arm="encoder"), _of_encoder(name, rescale == "on")


def _lost(order: str, rounding: str) -> xr.Dataset:
    """The largest |decode(encode(x)) - x|, of the multiples of 1/255, and of all x."""
    coding = BitPlanes(order=order, rounding=rounding)
    fine = torch.arange(_FINE * LARGEST + 1, dtype=torch.float64) / _FINE / LARGEST
    error = (coding.decode(coding.encode(fine[None, None])) - fine).abs()[0, 0]
    found = {
        "largest_error": (error.max(), "between a value in [0, 1] and what is decoded of it"),
        "largest_error_of_bytes": (error[::_FINE].max(), "the same of the multiples of 1/255"),
    }
    return xr.Dataset({k: of_cell((), v.item(), text) for k, (v, text) in found.items()})


def _of_encoder(name: str, rescale: bool) -> xr.Dataset:
    """Moments of dB_k/dX over whole periods of X, and of what encoder and decoder have together."""
    place = torch.arange(BITS, dtype=torch.float64)
    x = (torch.arange(_FINE * (LARGEST + 1), dtype=torch.float64) + 0.5) / _FINE
    wave = slopes(name, x, rescale)
    spread = wave.std(1, correction=0)
    said = 10**0.5 * (place / 2 ** (BITS - 1) if rescale else 0.5**place)
    known = said > 0
    # of the grid on which encoder and decoder are one: not beyond the last integer
    together = (2**place @ wave)[(x > 0.5) & (x < LARGEST - 0.5)]
    drawn = torch.arange(_DRAWN * LARGEST + 1, dtype=torch.float64) / _DRAWN
    variables = {
        "slope_mean": of_cell(("plane",), wave.mean(1), "mean of dB_k/dX over X"),
        "slope_spread": of_cell(("plane",), spread, "standard deviation of dB_k/dX over X"),
        "spread_error": of_cell(
            (),
            (spread[known] / said[known] - 1).abs().max().item(),
            "largest relative distance of slope_spread from the formula for Fourier derivatives",
        ),
        "spread_ratio": of_cell(
            (),
            (spread[0] / spread[-1]).item(),
            "slope_spread of the lowest bit over that of the highest",
        ),
        "together_mean": of_cell(
            (), together.mean().item(), "mean derivative of encoder and decoder together"
        ),
        "together_negative": of_cell(
            (), (together < 0).double().mean().item(), "share of X at which it is negative"
        ),
        "slope": of_cell(
            ("plane", "x"),
            slopes(name, drawn, rescale).float(),
            "dB_k/dX, the encoder's derivative",
        ),
    }
    return xr.Dataset(variables, {"x": drawn.numpy(), "plane": np.arange(BITS)})
