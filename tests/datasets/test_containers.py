"""Reading what comes from outside: bounded, whole, and with one kind of error."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from hnnlib.datasets import containers
from hnnlib.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)
IDX = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in PIXELS.shape) + PIXELS.tobytes()
LABELS = np.arange(40, dtype=np.uint16) % 20


def tar(files, change=lambda member: None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            change(member)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def archive(content, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        made.writestr("a.h5", content)
    return buffer.getvalue()


def hdf5(fill=lambda file: file.create_dataset("group/labels", data=LABELS)):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def lists(file):
    made = file.create_dataset("group/labels", (4,), h5py.vlen_dtype(np.uint16))
    for k in range(4):
        made[k] = LABELS[: 3 * k]


def read_hdf5(path):
    with containers.hdf5(path, path) as file:
        return containers.column(file, path, "group/labels", "iu", 100)


def read_idx(path):
    return containers.idx(containers.gunzip(path, 10_000), path, (1, 3))


def read_tar(path):
    return containers.untar(path, {"a.bin": 1000, "b.bin": 1000})


def read_zip(path):
    return containers.unzip(path, "a.h5", 10_000)


FILES = {"a.bin": bytes(range(200)), "b.bin": PIXELS.tobytes()}
FORMATS = {  # a whole file, what reads it, whether it has a checksum of its own
    "idx": (gzip.compress(IDX, mtime=0), read_idx, True),
    "tar": (gzip.compress(tar(FILES), mtime=0), read_tar, True),
    "zip": (archive(hdf5()), read_zip, True),
    "hdf5": (hdf5(), read_hdf5, False),
    "hdf5_lists": (hdf5(lists), read_hdf5, False),
}


def same(one, other):
    if isinstance(one, dict | bytes):
        return one == other
    return len(one) == len(other) and all(map(np.array_equal, one, other))


@pytest.mark.parametrize("name", FORMATS)
def test_damage_is_refused_or_reads_equal(tmp_path, name):
    """200 single bits and cuts, drawn once. Bare HDF5 has no checksum: that of its file, which
    is compared first, must see a changed number; here its form must hold.
    """
    whole, read, summed = FORMATS[name]
    path = tmp_path / name
    path.write_bytes(whole)
    expected = read(path)
    draw, refused = random.Random(0), 0
    for k in range(200):
        damaged = bytearray(whole)
        place = draw.randrange(len(whole))
        damaged[place] ^= 1 << draw.randrange(8)
        damaged = damaged if k % 4 else whole[:place]
        path.write_bytes(damaged)
        try:
            found = read(path)
        except DataError as error:
            refused += 1
            assert str(path) in str(error)
        else:
            assert same(found, expected) or not summed
            assert type(found) is type(expected) and (summed or len(found) <= 100)
    assert refused > 50


def test_an_archive_that_unpacks_to_more_than_it_can_have(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(50_000_000), 1))
    with pytest.raises(DataError, match="a.gz unpacks to more than the 10000 bytes"):
        containers.gunzip(path, 10_000)
    path.write_bytes(archive(bytes(50_000_000)))
    with pytest.raises(DataError, match="a.gz unpacks to more than the 10000 bytes"):
        read_zip(path)


def test_a_member_that_states_gigabytes_or_is_a_link(tmp_path):
    path = tmp_path / "a.tar.gz"
    head = tarfile.TarInfo("a.bin")
    head.size = 8 << 30
    path.write_bytes(gzip.compress(head.tobuf()))
    with pytest.raises(DataError, match="states 8589934592 bytes for a.bin"):
        read_tar(path)

    def link(member):
        member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0

    path.write_bytes(gzip.compress(tar(FILES, link)))
    with pytest.raises(DataError, match="has no file a.bin"):
        read_tar(path)


@pytest.mark.parametrize("dimensions", [0, 2, 100, 255])
def test_an_idx_file_of_many_dimensions(tmp_path, dimensions):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, dimensions]) + bytes(4 * dimensions)))
    with pytest.raises(DataError, match=f"a.gz states {dimensions} dimensions, not 1 or 3"):
        read_idx(path)


@pytest.mark.parametrize(("place", "value"), [(6, 1), (8, 99)], ids=["encrypted", "unknown"])
def test_a_zip_file_that_is_encrypted_or_of_an_unknown_compression(tmp_path, place, value):
    path = tmp_path / "a.zip"
    content = bytearray(archive(b"text"))
    central = content.rindex(b"PK\x01\x02")
    content[place] = content[central + place + 2] = value
    path.write_bytes(content)
    with pytest.raises(DataError, match="a.zip is truncated or damaged"):
        read_zip(path)


def elsewhere(path):
    """Fills a file with a way into the one at a path."""
    return {
        "external link": lambda file: file.__setitem__(
            "group/labels", h5py.ExternalLink(str(path), "labels")
        ),
        "soft link": lambda file: (
            file.__setitem__("labels", LABELS),
            file.__setitem__("group/labels", h5py.SoftLink("/labels")),
        ),
        "loop": lambda file: file.__setitem__("group/labels", h5py.SoftLink("/group/labels")),
        "linked group": lambda file: file.__setitem__("group", h5py.ExternalLink(str(path), "/")),
        "external storage": lambda file: file.create_dataset(
            "group/labels", (20,), np.uint8, external=[(str(path), 0, 20)]
        ),
        "virtual": lambda file: file.create_virtual_dataset(
            "group/labels", _virtual(path), fillvalue=0
        ),
    }


def _virtual(path):
    layout = h5py.VirtualLayout((40,), np.uint16)
    layout[:] = h5py.VirtualSource(str(path), "labels", (40,))
    return layout


ODD = {
    "text": lambda file: file.__setitem__("group/labels", ["one", "two"]),
    "group": lambda file: file.create_group("group/labels"),
    "dataset": lambda file: file.__setitem__("group", 1),
    "two dimensions": lambda file: file.__setitem__("group/labels", LABELS[:, None]),
    "fractions": lambda file: file.__setitem__("group/labels", LABELS + 0.5),
    "sparse": lambda file: file.create_dataset("group/labels", (10**11,), np.uint16, chunks=(9,)),
    "empty": lambda file: file.__setitem__("group/labels", h5py.Empty("u2")),
    "missing": lambda file: file.create_group("group"),
}


@pytest.mark.parametrize("name", [*ODD, *elsewhere("")])
def test_hdf5_files_that_are_not_what_they_should_be(tmp_path, name):
    other, path = tmp_path / "other.h5", tmp_path / "a.h5"
    other.write_bytes(hdf5(lambda file: file.__setitem__("labels", LABELS)))
    path.write_bytes(hdf5((ODD | elsewhere(other))[name]))
    with pytest.raises(DataError, match="a.h5"):
        read_hdf5(path)


def test_errors_name_no_control_characters(tmp_path):
    with pytest.raises(DataError) as caught, containers.reading("f"):
        raise ValueError("\x1b[2J")
    assert "\x1b" not in str(caught.value)
