"""Loaders: IDX and CIFAR-10 files become uint8 images, labels and a marked source."""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnnlib import datasets
from hnnlib.datasets import registry
from hnnlib.datasets.entry import OfficialFile
from hnnlib.datasets.imagedata import ImageData
from hnnlib.datasets.sets import cifar10, cifar100, mnist
from hnnlib.errors import DataError

TRAIN, TEST = 7, 3
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (TRAIN + TEST, 28, 28), np.uint8)
LABELS = np.arange(TRAIN + TEST, dtype=np.uint8)
RECORDS = np.concatenate(
    [np.arange(12, dtype=np.uint8)[:, None] % 10, RNG.integers(0, 256, (12, 3072), np.uint8)], 1
)


def idx(array, code=8):
    head = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.tobytes()


def mnist_files(pixels=PIXELS, labels=LABELS):
    parts = [pixels[:TRAIN], labels[:TRAIN], pixels[TRAIN:], labels[TRAIN:]]
    names = [file.name for file in mnist.ENTRY.files]
    return {name: gzip.compress(idx(part)) for name, part in zip(names, parts, strict=True)}


def cifar_files(records=RECORDS):
    return {
        name: records[2 * k : 2 * k + 2].tobytes() for k, name in enumerate(cifar10.ENTRY.unpacked)
    }


def archive(files, packed="cifar-10-binary.tar.gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return {packed: buffer.getvalue()}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def publish(monkeypatch, tmp_path):
    """Write files of a data set to tmp_path and, unless told not to, register them as official."""
    monkeypatch.delenv("HNN_DATA", raising=False)

    def write(name, files, official=True, n_examples=None, n_test=0):
        for file, data in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        entry = registry.get(name)
        if n_examples:
            entry = replace(entry, n_examples=n_examples, n_test=n_test)
        if official:
            sums = [OfficialFile(f, len(d), sha256(d), "") for f, d in files.items()]
            entry = replace(entry, files=tuple(sums))
        monkeypatch.setattr(f"{registry.module(name)}.ENTRY", entry)
        return tmp_path

    return write


def vouch(folder, files):
    sums = {name: sha256(data) for name, data in files.items()}
    content = {"source": "ours", "note": "92 images differ", "files": sums}
    (folder / "MANIFEST.json").write_text(json.dumps(content))


def test_mnist_training_images_come_first(publish):
    data = registry.load("mnist", publish("mnist", mnist_files(), n_examples=10, n_test=3))
    np.testing.assert_array_equal(data.images, PIXELS[:, None])
    np.testing.assert_array_equal(data.labels, LABELS)
    assert data.images.dtype == np.uint8 and data.labels.dtype == np.int64
    assert data.n_classes == 10 and data.groups is None and data.source.official


def test_pixels_are_exactly_the_bytes_over_255(publish):
    data = registry.load("mnist", publish("mnist", mnist_files(), n_examples=10, n_test=3))
    chosen = np.array([9, 0, 0])
    pixels = data.pixels(chosen)
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, PIXELS[chosen, None].astype(np.float32) / 255)
    pixels[:] = 0
    np.testing.assert_array_equal(data.images, PIXELS[:, None])


def test_mnist_of_another_size_is_refused(publish):
    with pytest.raises(DataError, match=r"\(10, 1, 28, 28\), not \(70000, 1, 28, 28\)"):
        registry.load("mnist", publish("mnist", mnist_files()))


def test_labels_out_of_range_are_refused(publish):
    root = publish("mnist", mnist_files(labels=LABELS + 1), n_examples=10, n_test=3)
    with pytest.raises(DataError, match="labels of mnist run from 1 to 10"):
        registry.load("mnist", root)


def test_images_and_labels_of_different_number_are_refused(publish):
    files = mnist_files()
    files["train-labels-idx1-ubyte.gz"] = files["t10k-labels-idx1-ubyte.gz"]
    with pytest.raises(DataError, match="do not belong together"):
        registry.load("mnist", publish("mnist", files, n_examples=10, n_test=3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain text", "truncated or damaged"),
        (gzip.compress(idx(PIXELS))[:-100], "truncated or damaged"),
        (gzip.compress(idx(PIXELS)[:-1]), "7855 bytes where its IDX header states 7856"),
        (gzip.compress(idx(PIXELS) + b"0"), "7857 bytes where its IDX header states 7856"),
        (gzip.compress(idx(PIXELS)[:9]), "get it again"),
        (gzip.compress(idx(PIXELS, code=13)), "begins with 00000d03, not 000008"),
        (gzip.compress(b""), "begins with nothing"),
    ],
    # gzip stamps the time: the bytes themselves would give every process other test names
    ids=["text", "cut_gzip", "byte_short", "byte_long", "cut_header", "other_type", "empty"],
)
def test_damaged_idx_file(tmp_path, content, message):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        mnist.read_idx(path)


def expected_cifar(data):
    np.testing.assert_array_equal(data.labels, RECORDS[:, 0])
    np.testing.assert_array_equal(data.images, RECORDS[:, 1:].reshape(12, 3, 32, 32))
    assert data.images.dtype == np.uint8 and data.images.flags.c_contiguous


def test_cifar_is_read_from_the_archive_which_stays_packed(publish):
    files = archive(cifar_files())
    root = publish("cifar10", files, n_examples=12)
    data = registry.load("cifar10", root)
    expected_cifar(data)
    assert data.source.official
    assert [path.name for path in (root / "cifar10").iterdir()] == list(files)


def test_cifar_members_are_sorted_out_by_name_not_by_place(publish):
    files = dict(reversed(cifar_files().items()))
    hostile = {"../evil.bin": b"x", "cifar-10-batches-bin/readme.html": b"x"}
    expected_cifar(
        registry.load("cifar10", publish("cifar10", archive(hostile | files), n_examples=12))
    )


def test_unpacked_cifar_is_accepted_with_a_manifest_and_marked(publish):
    files = cifar_files()
    root = publish("cifar10", files, official=False, n_examples=12)
    vouch(root / "cifar10", files)
    data = registry.load("cifar10", root)
    expected_cifar(data)
    assert not data.source.official
    assert data.source.note == "92 images differ" and data.source.origin == "ours"


def test_unpacked_cifar_alone_is_refused(publish):
    root = publish("cifar10", cifar_files(), official=False, n_examples=12)
    with pytest.raises(DataError, match="cannot be verified.*put the archive or a MANIFEST.json"):
        registry.load("cifar10", root)


def test_unpacked_cifar_beside_the_archive_is_ignored(publish):
    root = publish("cifar10", archive(cifar_files()), n_examples=12)
    tampered = cifar_files(RECORDS[::-1])
    for name, data in tampered.items():
        path = root / "cifar10" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    expected_cifar(registry.load("cifar10", root))


def hundred_files():
    coarse, fine = np.arange(12, dtype=np.uint8) % 20, 99 - np.arange(12, dtype=np.uint8)
    records = np.concatenate([coarse[:, None], fine[:, None], RECORDS[:, 1:]], 1)
    parts = records[:10], records[10:]
    return dict(zip(cifar100.ENTRY.unpacked, (part.tobytes() for part in parts), strict=True))


def test_fine_labels_of_cifar100(publish):
    files = archive(hundred_files(), "cifar-100-binary.tar.gz")
    data = registry.load("cifar100", publish("cifar100", files, n_examples=12, n_test=2))
    np.testing.assert_array_equal(data.labels, 99 - np.arange(12))
    np.testing.assert_array_equal(data.images, RECORDS[:, 1:].reshape(12, 3, 32, 32))
    assert data.n_classes == 100 and data.source.official


def test_cifar100_with_another_division_is_refused(publish):
    files = archive(hundred_files(), "cifar-100-binary.tar.gz")
    with pytest.raises(DataError, match="train.bin holds 10 records, not 9"):
        registry.load("cifar100", publish("cifar100", files, n_examples=12, n_test=3))


def test_manifest_of_a_truncated_copy_does_not_hide_the_damage(publish):
    files = cifar_files()
    last = cifar10.ENTRY.unpacked[-1]
    files[last] = files[last][:-1]
    root = publish("cifar10", files, official=False, n_examples=12)
    vouch(root / "cifar10", files)
    with pytest.raises(DataError, match="test_batch.bin holds 6145 bytes.*truncated"):
        registry.load("cifar10", root)


def test_archive_without_a_file_and_archive_that_is_none(publish):
    files = cifar_files()
    del files["cifar-10-batches-bin/data_batch_3.bin"]
    with pytest.raises(DataError, match="has no file cifar-10-batches-bin/data_batch_3.bin"):
        registry.load("cifar10", publish("cifar10", archive(files), n_examples=12))
    with pytest.raises(DataError, match="cifar-10-binary.tar.gz is truncated or damaged"):
        registry.load("cifar10", publish("cifar10", {"cifar-10-binary.tar.gz": b"no archive"}))


def test_unknown_name_gets_a_suggestion():
    with pytest.raises(DataError, match="no data set 'mnits': did you mean 'mnist'?"):
        registry.load("mnits")
    with pytest.raises(
        DataError, match="choose cifar10, cifar100, cifar10_dvs, cluttered_digits, digits"
    ):
        registry.load("imagenet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": PIXELS}, "must be"),
        ({"images": PIXELS[:, None].astype(np.float64)}, "must be"),
        ({"labels": LABELS}, "one int64 for each"),
        ({"labels": np.zeros(3, np.int64)}, "one int64 for each"),
        ({"groups": np.zeros(3, np.int64)}, "groups of toy"),
    ],
)
def test_image_data_refuses_what_does_not_fit(change, message):
    good = {"images": PIXELS[:, None], "labels": LABELS.astype(np.int64)}
    source = mnist.ENTRY.source("")
    with pytest.raises(DataError, match=message):
        ImageData(name="toy", n_classes=10, source=source, **(good | change))


@pytest.mark.parametrize("name", registry.names())
def test_registry_entries_are_complete(name):
    entry = registry.get(name)
    assert entry.licence and entry.citation and entry.origin and entry.n_classes > 1
    assert bool(entry.files) == bool(entry.mirrors)
    for file in entry.files:
        assert re.fullmatch("([0-9a-f]{64})?", file.sha256)
        assert re.fullmatch("[0-9a-f]{32}", file.md5)
    assert all(re.fullmatch("https://.*[^/]", mirror) for mirror in entry.mirrors)


def test_no_pickle_is_ever_opened():
    folder = Path(datasets.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = {getattr(node, "module", None), *(alias.name for alias in node.names)}
                assert not modules & {"pickle", "joblib", "shelve"}, path.name
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "torch.load"):
                pytest.fail(f"{path.name} calls {ast.unparse(node.func)}")
