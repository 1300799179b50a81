"""Result stores: netCDF-4 files through xarray that carry their proof.

A store is written to a temporary name beside its target and renamed, so that a reader never sees
half a file and an interrupted writer never destroys an earlier one.
"""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib import metadata
from numbers import Integral
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import xarray as xr
from xarray.backends import H5NetCDFStore

from hnnlib.errors import StoreError
from hnnlib.files import end_of_hdf5, opened, written

__all__ = ["SCHEMA_VERSION", "open", "origin", "provenance", "write"]

SCHEMA_VERSION = 2
_RENAMED = {1: {"operational_manifold": {"units": "neuron"}}}
"""What stores of a version call otherwise than the next one, by study."""
_ADDED = {
    "shd_ablations": {"reset_gradient": "stopped", "choose": "loss"},
    "loss_landscape": {"reset_gradient": "stopped"},
}
"""Coordinates of cells that older stores lack, and what all of their cells were, by study."""
_SEAL = b"sha256 of what stands before: "
"""Ends a store, with the sum behind it. HDF5 does not look behind its own end."""
_TREES = ("data_json", "config_json", "versions_json", "claims_json", "data_code_json")
"""Attributes that are JSON mappings."""
_PACKAGES = ("torch", "numba", "numpy", "xarray", "scipy", "h5netcdf")


def write(dataset: xr.Dataset, path: str | Path) -> Path:
    """Write a dataset atomically as netCDF-4; the same dataset gives the same bytes. Its sum stands
    behind it, so that damage is told when it is read: HDF5 itself takes most of it for data.

    Raises:
        StoreError: a variable lacks ``units`` or ``long_name``.
        OSError: the disk is full or the folder cannot be written; the earlier file stays.
    """
    path = Path(path)
    for name, variable in dataset.data_vars.items():
        missing = {"units", "long_name"} - set(variable.attrs)
        if missing:
            raise StoreError(
                f"variable '{name}' of {path.name} has no {' and no '.join(sorted(missing))}: "
                "give every variable both attributes before it is stored"
            )
    compress = {
        name: {"zlib": True} for name, v in dataset.data_vars.items() if v.dtype.kind in "fiu"
    }
    # in memory first: on a full disk HDF5 ends the process, or says nothing.
    # A dataset that was read remembers how wide its strings were: longer ones would be cut
    stream = io.BytesIO()
    with h5netcdf.File(stream, "w") as target:
        dataset.drop_encoding().dump_to_store(H5NetCDFStore(target), encoding=compress)
    stream.seek(0, os.SEEK_END)
    stream.write(_SEAL + sha256(stream.getbuffer()).digest())
    with written(path) as temporary:
        temporary.write_bytes(stream.getbuffer())
    return path


def open(path: str | Path, require: Iterable[str] = ()) -> xr.Dataset:
    """Read a store into memory and close the file; an older one gets the names of today.

    Args:
        path: the file.
        require: names of variables or coordinates that the caller is about to use.

    Raises:
        StoreError: no such file, not a netCDF-4 file, a damaged one, or something required is
            missing.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreError(
            f"there is no result store {path}: run the workflow first, or name another file"
        )
    try:
        with _File(path, "r") as file, h5netcdf.File(file, "r") as source:
            dataset = xr.open_dataset(H5NetCDFStore(source)).load()
        _check_sum(path)
    except Exception as reason:  # damage has many faces, some of them HDF5's own
        if isinstance(reason, BlockingIOError) or "unable to lock" in str(reason):
            raise StoreError(
                f"{path} is being written by another program: wait until that ends, and run again"
            ) from reason
        if not _is_hdf5(path):
            raise StoreError(f"{path} is no result store: name another file") from reason
        raise StoreError(
            f"{path} cannot be read as a result store ({reason}): delete it and run again"
        ) from reason
    _check_facts(dataset.attrs, path)
    version = dataset.attrs.get("schema_version", SCHEMA_VERSION)
    if not 1 <= version <= SCHEMA_VERSION:
        raise StoreError(
            f"{path} has version {version} and this project reads up to {SCHEMA_VERSION}: a newer "
            "one wrote it, update the project or name another file"
        )
    dataset = _renamed(dataset)
    missing = [name for name in require if name not in dataset.variables]
    if missing:
        raise StoreError(
            f"{path} has no {', '.join(missing)}: another study or an older version wrote it"
        )
    return dataset


def _check_sum(path: Path) -> None:
    """ValueError where the sum behind a store is not that of what stands before."""
    with opened(path) as stream:
        content = stream.read()
    end = end_of_hdf5(content[:52])
    # stores of other programs have none, and nothing else stands behind theirs
    if content[end:] not in (b"", _SEAL + sha256(content[:end]).digest()):
        raise ValueError("it was damaged after it was written")


def _is_hdf5(path: Path) -> bool:
    """Whether a file begins as one; an empty one is what a full disk leaves of a store."""
    with opened(path) as stream:
        head = stream.read(8)
    return not head or head == b"\x89HDF\r\n\x1a\n"


def _check_facts(attributes: Mapping[str, Any], path: Path) -> None:
    """StoreError where attributes that readers go by are of another kind."""
    try:
        trees = {name: json.loads(attributes.get(name, "{}")) for name in _TREES}
        right = all(isinstance(tree, dict) for tree in trees.values())
        right = right and all(isinstance(v, dict) for v in trees["data_json"].values())
        float(attributes.get("wall_seconds", 0.0))
    except (TypeError, ValueError, RecursionError):
        right = False
    version = attributes.get("schema_version", SCHEMA_VERSION)
    texts = isinstance(attributes.get("study", ""), str)
    if not (right and texts and isinstance(version, Integral)):
        raise StoreError(
            f"{path} has a version, a study or facts of its origin in another form than this "
            "project writes: another program wrote it, name another file"
        )


class _File(h5py.File):
    """A file in which each variable is looked up once; h5netcdf asks for it dozens of times, which
    takes more than half of the time to read a store.
    """

    def __getitem__(self, name: str) -> Any:
        found = self.__dict__.setdefault("_found", {})
        if name not in found:
            found[name] = super().__getitem__(name)
        return found[name]


def _renamed(dataset: xr.Dataset) -> xr.Dataset:
    study = dataset.attrs.get("study")
    for version in range(dataset.attrs.get("schema_version", SCHEMA_VERSION), SCHEMA_VERSION):
        names = _RENAMED[version].get(study, {})
        dataset = dataset.rename({old: new for old, new in names.items() if old in dataset})
    if "data_json" in dataset.attrs:  # older ones call embedded and generated data official
        dataset.attrs["data"] = _described(json.loads(dataset.attrs["data_json"]))
    missing = {k: v for k, v in _ADDED.get(study, {}).items() if k not in dataset.coords}
    cells = dataset.sizes.get("cell", 0)
    return dataset.assign_coords({k: ("cell", [v] * cells) for k, v in missing.items()})


def provenance(*, config: Mapping, data: Mapping[str, Mapping], **more: str | int | float) -> dict:
    """Attributes that say where a result came from: code, configuration, data, machine.

    Args:
        config: the settings, stored as JSON with their sha256.
        data: for every data set used its source: ``official``, ``note``, ``sha256``...
        more: study, scale, device, engine, code_digest, wall_seconds...; netCDF takes text and
            numbers only.
    """
    text = json.dumps(config, sort_keys=True)
    commit, dirty = _git_state()
    return {
        "schema_version": SCHEMA_VERSION,
        "project_version": _version("hnnlib"),
        "git_commit": commit,
        "git_dirty": dirty,
        "config_json": text,
        "config_sha256": sha256(text.encode()).hexdigest(),
        "data": _described(data),
        "data_official": str(all(s["official"] for s in data.values())).lower(),
        "data_json": json.dumps(data, sort_keys=True),
        "versions_json": json.dumps(
            {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
            sort_keys=True,
        ),
        **more,
    }


def origin(source: Mapping) -> str:
    """``official``, ``embedded``, ``generated`` or ``unofficial copy``: what kind of data a source
    is. Data that no file holds are never official.
    """
    first = str(source.get("origin", "")).split(" ")[0]
    if not source.get("official"):
        return "unofficial copy"
    return first if first in ("embedded", "generated") else "official"


def _described(data: Mapping[str, Mapping]) -> str:
    """Data sets with what kind they are, and the note on copies that are not official."""
    told = {name: origin(source) for name, source in data.items()}
    unofficial = {name: data[name].get("note") for name in data if told[name] == "unofficial copy"}
    return "; ".join(f"{name} ({unofficial.get(name) or kind})" for name, kind in told.items())


def _version(package: str) -> str:
    try:
        return str(metadata.version(package))
    except metadata.PackageNotFoundError:
        return "not installed"


def _git_state() -> tuple[str, str]:
    """Commit and whether tracked files differ from it; empty where there is no git."""
    root = Path(__file__).resolve().parent.parent
    # another repository may be named by the environment, of a hook say, or lie around this folder
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                # of a project that another user owns, git tells nothing unless it is asked to
                ["git", "-c", f"safe.directory={root}", "-C", root, *words],
                capture_output=True,
                text=True,
                timeout=20,
                check=True,
                env=environment,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    top = git("rev-parse", "--show-toplevel")
    commit = git("rev-parse", "HEAD")
    if not commit or not top or Path(top).resolve() != root:
        return "", ""
    changed = git("status", "--porcelain", "--untracked-files=no")
    return commit, "true" if changed else "false"
