"""Finds the files of a data set, downloads what is not there, and verifies every checksum."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath

from hnnlib.datasets.entry import Entry, OfficialFile, Source
from hnnlib.errors import DataError, plain
from hnnlib.files import FULL, name_fault, opened, read_text

__all__ = ["ENVIRONMENT", "MANIFEST", "Located", "identity", "locate"]

ENVIRONMENT = "HNN_DATA"
MANIFEST = "MANIFEST.json"
LARGEST_MANIFEST = 1 << 20  # bytes
LONGEST_NOTE = 500  # characters
PATIENCE = 30.0  # seconds, after which a mirror must keep the least rate
LEAST_RATE = 10_000  # bytes a second
DEADLINE = 4 * 3600.0  # seconds for one file
CHUNK = 256  # bytes between two looks at the clock: a mirror may drip
ROUNDS = 2  # times that every mirror is tried


@dataclass(frozen=True)
class Located:
    """Verified files of one data set, in the entry's order, and the record of their origin."""

    entry: Entry
    files: dict[str, Path]
    source: Source


def locate(entry: Entry, root: str | os.PathLike | None = None) -> Located:
    """Verified files of a data set: <root>/<name>, else $HNN_DATA/<name>, else cache or download.

    An explicit `root` must hold the data set; a folder named by HNN_DATA may lack it, and then the
    cache of the operating system's user is used. Every file is hashed at every call. DataError
    where a folder, a file or a connection is missing, or a checksum differs.
    """
    folder = _given_folder(entry, root)
    return _verified(entry, folder) if folder else _verified(entry, _download(entry), ours=True)


def identity(entry: Entry, root: str | os.PathLike | None = None) -> str:
    """What a training job depends on beside code: sha256 of the content that `locate` would give.

    It is "" where the files are not there yet, and for embedded data, which are code. Nothing is
    downloaded. A file that has kept its size and time is not read again in this process.
    """
    folder = (_given_folder(entry, root) or _cache_folder(entry)) if entry.files else None
    if folder is None or not folder.is_dir():
        return ""
    try:
        return _verified(entry, folder).source.sha256
    except DataError:
        return ""  # whoever loads it says why


def _cache_folder(entry: Entry) -> Path | None:
    """Where downloads of a data set lie; None where what downloads is not installed."""
    try:
        import pooch  # costs half a second
    except ImportError:
        return None
    return Path(pooch.os_cache("hnnlib")) / entry.name


def _given_folder(entry: Entry, root: str | os.PathLike | None) -> Path | None:
    """The folder of the data set that the caller or HNN_DATA points at; None where neither does."""
    given = root if root is not None else os.environ.get(ENVIRONMENT)
    if not given:
        return None
    top = Path(os.path.expanduser(given))
    whose = "The data folder" if root is not None else f"The folder that {ENVIRONMENT} names,"
    if fault := name_fault(top):
        raise DataError(f"{whose} {ascii(str(top))[1:60]}: {fault}, name another folder.")
    if not os.path.isdir(top):
        comma = "" if root is not None else ","
        state = "is no folder" if os.path.lexists(top) else "does not exist"
        raise DataError(f"{whose} {top}{comma} {state}: correct the path or create it.")
    for name in (entry.name, *entry.folders):
        if (top / name).is_dir():
            return top / name
    if root is not None:
        raise DataError(
            f"The data folder {top} has no folder {entry.name!r}: put the files of {entry.title} "
            f"into {top / entry.name}."
        )
    return None


def _verified(entry: Entry, folder: Path, ours: bool = False) -> Located:
    """Hash the data files of a folder and compare them with its manifest or the official sums.

    ours: whether downloads go there, so that what is deleted comes back.
    """
    manifest = _read_manifest(folder)
    wanted = _wanted(entry, folder, manifest)
    listed = manifest["files"] if manifest else {}
    missing = [
        name for name in dict.fromkeys([*wanted, *listed]) if not os.path.isfile(folder / name)
    ]
    if missing:
        raise DataError(
            f"The file {missing[0]} of {entry.title} is missing in {folder}: put it there."
        )
    sums = {name: _hash(folder / name) for name in dict.fromkeys([*wanted, *listed])}
    if manifest:
        _compare_with_manifest(folder, wanted, listed, sums)
    else:
        for file in entry.files:
            _compare_with_official(folder, file, _deciding_sum(folder, file, sums), ours)
    official = all(
        file.name in sums and _deciding_sum(folder, file, sums) == file.checksum
        for file in entry.files
    )
    lines = "".join(f"{sums[name]}  {name}\n" for name in wanted)
    content = sha256(lines.encode()).hexdigest()
    if official:
        source = entry.source(content)
    else:
        source = entry.source(
            content, official=False, note=manifest["note"], origin=manifest["source"]
        )
    return Located(entry, {name: folder / name for name in wanted}, source)


def _wanted(entry: Entry, folder: Path, manifest: dict | None) -> list[str]:
    """Names of the files to read: the official ones, or unpacked ones that a manifest lists."""
    official = [file.name for file in entry.files]
    unpacked = [name for name in entry.unpacked if (folder / name).exists()]
    if not unpacked or (manifest and set(official) <= set(manifest["files"])):
        return official
    if manifest:
        return list(entry.unpacked)
    if not all((folder / name).exists() for name in official):
        raise DataError(
            f"The files {unpacked[0]} ... in {folder} cannot be verified, since only the archive "
            f"{official[0]} has an official checksum: put the archive or a {MANIFEST} there."
        )
    return official


def _deciding_sum(folder: Path, file: OfficialFile, sums: dict[str, str]) -> str:
    """The sum of the kind that the authors publish; `sums` are sha256."""
    return sums[file.name] if file.sha256 else _hash(folder / file.name, file.kind)


def _compare_with_official(folder: Path, file: OfficialFile, found: str, ours: bool) -> None:
    if found == file.checksum:
        return
    path = folder / file.name
    size = path.stat().st_size
    state = f"is truncated ({size} of {file.size} bytes)" if size < file.size else "is not official"
    again = "run again to have it downloaded" if ours else "put the official one there"
    raise DataError(
        f"The file {path} {state}: its {file.kind} is {found} where the official file has "
        f"{file.checksum}; delete it and {again}, or state its origin in a {MANIFEST} beside it."
    )


def _compare_with_manifest(
    folder: Path, wanted: list[str], listed: dict[str, str], sums: dict[str, str]
) -> None:
    for name in wanted:
        if name not in listed:
            raise DataError(
                f"The file {folder / name} is not listed in the {MANIFEST} beside it: "
                f"add its sha256 {sums[name]}, or remove the manifest."
            )
    first = {sums[name]: name for name in reversed(wanted)}
    for name in wanted:
        if first[sums[name]] != name:
            raise DataError(
                f"The files {first[sums[name]]} and {name} in {folder} are the same, and one of "
                f"them is not what its name says: copy it again."
            )
    for name, stated in listed.items():
        if sums[name] != stated.lower():
            raise DataError(
                f"The file {folder / name} has sha256 {sums[name]} where the {MANIFEST} beside it "
                f"states {stated}: copy the file again, or correct the manifest."
            )


def _read_manifest(folder: Path) -> dict | None:
    """The manifest {"source", "note", "files": {name: sha256}} of a folder, None without one."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        if path.stat().st_size > LARGEST_MANIFEST:
            raise ValueError(f"it is longer than {LARGEST_MANIFEST} bytes")
        manifest = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"The manifest {path} cannot be read ({why}): write it again.") from error
    form = '{"source": text, "note": text, "files": {name: sha256}}'
    if not _is_manifest(manifest):
        raise DataError(f"The manifest {path} does not have the form {form}: write it so.")
    return manifest | {key: plain(manifest[key])[:LONGEST_NOTE] for key in ("source", "note")}


def _is_manifest(manifest: object) -> bool:
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        return False
    texts = all(isinstance(manifest.get(key), str) for key in ("source", "note"))
    return texts and all(
        isinstance(value, str)
        and re.fullmatch(r"[0-9a-fA-F]{64}", value)
        and not PurePosixPath(name).is_absolute()
        and ".." not in PurePosixPath(name).parts
        for name, value in manifest["files"].items()
    )


def _hash(path: Path, kind: str = "sha256") -> str:
    try:
        state = path.stat()
        return _hashed(path, kind, state.st_size, state.st_mtime_ns, state.st_ino)
    except OSError as error:
        raise DataError(
            f"The file {path} cannot be read ({error.strerror}): check its permissions."
        ) from error


@cache
def _hashed(path: Path, kind: str, *state: int) -> str:
    """Sum of a file, computed once while its size, time and place, the `state`, stay the same."""
    with opened(path) as stream:
        return file_digest(stream, kind).hexdigest()


def _download(entry: Entry) -> Path:
    """The cache folder of a data set, with every official file in it; good files there are kept."""
    try:
        import pooch  # noqa: F401  (costs half a second: only where something may be fetched)
        import tqdm  # noqa: F401  (the progress bar of the download)
    except ImportError as error:
        raise DataError(
            f"{entry.title} is not on this machine and {error.name}, needed to download it, is not "
            f"installed: install it, or set {ENVIRONMENT} to a folder that holds {entry.name}/."
        ) from error

    folder = _cache_folder(entry)
    if (folder / MANIFEST).exists():
        return folder  # somebody's own copy, which a download would overwrite
    for file in entry.files:
        _download_file(entry, file, folder)
    return folder


def _download_file(entry: Entry, file: OfficialFile, folder: Path) -> None:
    """Fetch one file unless a good copy is there; pooch writes to a temporary name and renames."""
    import pooch
    from tqdm import tqdm

    class Paced(tqdm):
        """A progress bar that ends a download which would take for ever."""

        received = 0

        def __bool__(self) -> bool:
            return True  # pooch asks; tqdm says no where a mirror doesn't tell the length

        def update(self, n: float = 1) -> bool | None:
            self.received += n
            _check_pace(self.received, time.monotonic() - started)
            return super().update(n)

    _remove_leftovers(folder)
    reasons = []
    for mirror in entry.mirrors * ROUNDS:
        started = time.monotonic()
        bar = Paced(
            desc=file.name,
            total=file.size or None,
            unit="B",
            unit_scale=True,
            mininterval=1.0,
            delay=0.1,
        )
        try:
            pooch.retrieve(
                f"{mirror}/{file.name}",
                known_hash=f"{file.kind}:{file.checksum}",
                fname=file.name,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK),
            )
            return
        except (OSError, ValueError) as error:  # no connection, HTTP status, wrong checksum
            # what names a file is no matter of the network
            if getattr(error, "errno", None) in FULL or getattr(error, "filename", None):
                raise DataError(
                    f"The file {file.name} cannot be written to {folder} ({error.strerror}): "
                    f"make room there, or set {ENVIRONMENT} to a folder that holds {entry.name}/."
                ) from error
            reasons.append(f"{mirror}: {_brief(error)}")
        finally:
            bar.close()
    raise DataError(
        f"The file {file.name} of {entry.title} could not be downloaded "
        f"({'; '.join(dict.fromkeys(reasons))}): check the connection, or put the file into "
        f"{folder} or into {entry.name}/ of the folder that {ENVIRONMENT} names."
    )


def _check_pace(received: float, seconds: float) -> None:
    """TimeoutError where a mirror is too slow to be waited for."""
    if seconds > PATIENCE and received < LEAST_RATE * seconds:
        raise TimeoutError(f"sends {received / seconds / 1000:.1f} kB a second only")
    if seconds > DEADLINE:
        raise TimeoutError(f"took more than {DEADLINE / 3600:g} hours")


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed downloads left; a live one writes more often than `PATIENCE`."""
    for path in folder.glob("tmp*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > 2 * PATIENCE:
                path.unlink()


def _brief(error: Exception) -> str:
    """What went wrong with one mirror, short enough for a sentence."""
    sums = re.search(r"expected (?:(\w+):)?(\w+) but got (\w+)", str(error))
    if sums:
        kind, official, found = sums.groups()
        return f"sent a file with {kind or 'sha256'} {found} where the official file has {official}"
    text = str(error)
    return text if len(text) <= 80 else type(error).__name__
