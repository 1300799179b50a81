"""Event cameras: AEDAT files, and the data sets in them, on small files of the same layout."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from hnnlib.datasets import cameras, registry
from hnnlib.datasets.containers import npy
from hnnlib.datasets.sets import cifar10_dvs, dvs_gesture, dvs_gesture_cut
from hnnlib.errors import DataError

X, Y, ON, TIMES = [3, 127, 0], [5, 0, 127], [1, 0, 1], [1000, 1002, 1500]
UNITS = [(p * 128 + y) * 128 + x for x, y, p in zip(X, Y, ON, strict=True)]


def aedat2(times=TIMES):
    address = [(y << 8) | (x << 1) | (1 - p) for x, y, p in zip(X, Y, ON, strict=True)]
    special = struct.pack(">2I", 1 << 15, 1001)
    events = b"".join(struct.pack(">2I", *event) for event in zip(address, times, strict=True))
    return b"#!AER-DAT2.0\r\n# This is a raw AE data file\r\n" + special + events


def packet(times, kind=1, overflow=0, valid=1, size=8, number=None):
    rows = zip(X, Y, ON, times, strict=True)
    words = [((x << 17) | (y << 2) | (p << 1) | valid, t) for x, y, p, t in rows]
    counts = (len(words), len(words) if number is None else number, len(words))
    head = struct.pack("<HHIIIIII", kind, 0, size, 4, overflow, *counts)
    return head + b"".join(struct.pack("<2I", *event) for event in words)


def aedat3(*packets):
    return b"#!AER-DAT3.1\r\n#Source 0: DVS128\r\n#!END-HEADER\r\n" + b"".join(packets)


WHOLE3 = aedat3(packet(TIMES), packet([5, 6, 7], kind=0), packet([9, 9, 9], valid=0))


def array(rows, kind="<f8"):
    buffer = io.BytesIO()
    np.save(buffer, np.array(rows, kind))
    return buffer.getvalue()


def test_a_file_of_version_2():
    times, units = cameras.aedat2(aedat2(), "a.aedat")
    assert times.tolist() == TIMES and units.tolist() == UNITS


def test_a_file_of_version_3_without_other_packets_and_invalid_events():
    times, units = cameras.aedat3(WHOLE3, "a.aedat")
    assert times.tolist() == TIMES and units.tolist() == UNITS


def test_times_of_version_3_go_on_in_the_header_of_their_packet():
    times, _ = cameras.aedat3(aedat3(packet(TIMES, overflow=2), packet(TIMES, number=0)), "a.aedat")
    assert times.tolist() == [2 * 2**31 + t for t in TIMES]


def test_no_packet_is_no_event():
    times, units = cameras.aedat3(aedat3(), "a.aedat")
    assert not len(times) and not len(units)


OUTSIDE = aedat3(
    struct.pack("<HHIIIIII", 1, 0, 8, 4, 0, 1, 1, 1) + struct.pack("<2I", 128 << 2 | 1, 0)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin with #!AER-DAT3"),
        (aedat2(), "does not begin with #!AER-DAT3"),
        (b"#!AER-DAT3.1", "header does not end"),
        (aedat3(packet(TIMES))[:-1], "states more than there is"),
        (aedat3(packet(TIMES)[:20]), "truncated or damaged"),
        (aedat3(packet(TIMES, number=4)), "states more than there is"),
        (aedat3(packet(TIMES, overflow=2**31)), "states more than there is"),
        (aedat3(packet(TIMES, size=4)), "events have 4 bytes"),
        (OUTSIDE, "y is not from 0 to 127"),
    ],
)
def test_damaged_files_of_version_3(content, message):
    with pytest.raises(DataError, match=f"a.aedat.*{message}"):
        cameras.aedat3(content, "a.aedat")


def test_damaged_files_of_version_2():
    with pytest.raises(DataError, match="a.aedat.*last event is cut"):
        cameras.aedat2(aedat2()[:-3], "a.aedat")
    with pytest.raises(DataError, match="a.aedat.*does not begin with #!AER-DAT2"):
        cameras.aedat2(WHOLE3, "a.aedat")


ROWS = [(x, y, p, t) for x, y, p, t in zip(X, Y, ON, (0, 2, 9), strict=True)]


def read_npy(content, path):
    values = npy(content, path, 4)
    return values[:, 3], cameras.channels(*values.T[:3], path)


@pytest.mark.parametrize(
    "values",
    [
        [row[:3] for row in ROWS],
        [[(1 + 2j)] * 4],
        [[["a"] * 4]],
        1.0,
    ],
)
def test_arrays_that_are_no_list_of_events(values):
    buffer = io.BytesIO()
    np.save(buffer, np.array(values))
    with pytest.raises(DataError, match="0.npy is damaged or has not its layout"):
        npy(buffer.getvalue(), "0.npy", 4)


def test_an_array_of_objects_is_not_read():
    buffer = io.BytesIO()
    np.save(buffer, np.array([[None] * 4], object), allow_pickle=True)
    with pytest.raises(DataError, match="0.npy is damaged or has not its layout"):
        npy(buffer.getvalue(), "0.npy", 4)


@pytest.mark.parametrize(
    ("whole", "read"),
    [(aedat2(), cameras.aedat2), (WHOLE3, cameras.aedat3), (array(ROWS), read_npy)],
    ids=["aedat2", "aedat3", "npy"],
)
def test_damage_is_refused_or_keeps_the_form(whole, read):
    """1,000 single bits and cuts, drawn once; the formats have no checksum of their own."""
    draw, refused = random.Random(0), 0
    for k in range(1000):
        damaged, place = bytearray(whole), draw.randrange(len(whole))
        damaged[place] ^= 1 << draw.randrange(8)
        try:
            times, units = read(bytes(damaged if k % 4 else whole[:place]), "a.file")
        except DataError as error:
            refused += 1
            assert "a.file" in str(error)
        else:
            assert len(times) == len(units) <= len(whole) // 8 and units.dtype == np.int32
            assert not len(units) or (units.min() >= 0 and units.max() < cameras.CHANNELS)
    assert refused > 200


def tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def publish(root, name, files):
    """A folder with these files and a manifest that vouches for them."""
    there = root / name
    there.mkdir(exist_ok=True)
    for file, content in files.items():
        (there / file).write_bytes(content)
    sums = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
    manifest = {"source": "ours", "note": "made up", "files": sums}
    (there / "MANIFEST.json").write_text(json.dumps(manifest))
    return root


def gestures(**changed):
    head = b"class,startTime_usec,endTime_usec\n"
    return {
        "DvsGesture/user02_led_labels.csv": head + b"1,1000,1500\n11,1400,1501\n",
        "DvsGesture/user02_led.aedat": WHOLE3,
        "DvsGesture/user24_lab_labels.csv": head + b"3,1001,1003\n",
        "DvsGesture/user24_lab.aedat": WHOLE3,
        "DvsGesture/user30_lab.aedat": b"in no list",
        "DvsGesture/trials_to_train.txt": b"user02_led.aedat\n",
        "DvsGesture/trials_to_test.txt": b"user24_lab.aedat\n",
    } | {f"DvsGesture/{name}": content for name, content in changed.items()}


@pytest.fixture
def gesture(tmp_path, monkeypatch):
    """Reads an archive of gestures of which some files are changed."""
    monkeypatch.setattr(dvs_gesture, "COUNTS", (2, 1))

    def load(**changed):
        files = {name: c for name, c in gestures(**changed).items() if c is not None}
        root = publish(tmp_path, "dvs_gesture", {"DvsGesture.tar.gz": tar(files)})
        return registry.load("dvs_gesture", root)

    return load


def test_gestures_are_cut_where_their_labels_say(gesture):
    data = gesture()
    assert data.labels.tolist() == [0, 10, 2] and data.n_classes == 11
    assert data.test.tolist() == [False, False, True] and data.speakers.tolist() == [1, 1, 23]
    assert data.offsets.tolist() == [0, 2, 3, 4] and data.channels == 2 * 128 * 128
    np.testing.assert_allclose(data.times, [0, 2e-6, 1e-4, 1e-6], rtol=1e-6)
    assert data.units.tolist() == [UNITS[0], UNITS[1], UNITS[2], UNITS[1]]
    assert not data.source.official and "made up" in data.source.note


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"trials_to_test.txt": None}, "no file DvsGesture/trials_to_test.txt"),
        ({"trials_to_test.txt": b"../user24_lab.aedat"}, "trials_to_test.txt names"),
        ({"trials_to_test.txt": b"user02_led.aedat"}, "trials_to_test.txt names"),
        ({"trials_to_test.txt": b"\xff"}, "trials_to_test.txt is truncated or damaged"),
        ({"trials_to_test.txt": b""}, "hold 2 and 0 recordings, not 2 and 1"),
        ({"user02_led.aedat": None}, "no file DvsGesture/user02_led.aedat"),
        ({"user02_led_labels.csv": None}, "no file DvsGesture/user02_led_labels.csv"),
        ({"user02_led_labels.csv": b"class\n12,1,2\n"}, "labels.csv is .*classes .12"),
        ({"user02_led_labels.csv": b"class\n1,2,1\n"}, "ends before it begins"),
        ({"user02_led_labels.csv": b"class\n1,2\n"}, "labels.csv is truncated or damaged"),
        ({"user02_led_labels.csv": b"class\n1,2,x\n"}, "labels.csv is truncated or damaged"),
        ({"user02_led.aedat": aedat2()}, "user02_led.aedat is damaged"),
        ({"user02_led_labels.csv": bytes(70_000)}, "unpacks to more than the 65536 bytes"),
    ],
)
def test_archives_of_gestures_that_are_refused(gesture, changed, message):
    with pytest.raises(DataError, match=message):
        gesture(**changed)


def test_gestures_that_tonic_has_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(dvs_gesture_cut, "COUNTS", (2, 1))
    train = {
        "ibmGestureTrain/user01_led/4.npy": array(ROWS),
        "ibmGestureTrain/user02_led/0.npy": array(ROWS, "<i4"),
    }
    test = {"ibmGestureTest/user24_lab/10.npy": array(np.asfortranarray(ROWS), "<u2")}
    files = {"ibmGestureTrain.tar.gz": tar(train), "ibmGestureTest.tar.gz": tar(test)}
    data = registry.load("dvs_gesture_cut", publish(tmp_path, "DVSGesture", files))
    assert data.labels.tolist() == [4, 0, 10] and data.speakers.tolist() == [0, 1, 23]
    assert data.test.tolist() == [False, False, True] and data.units.tolist() == 3 * UNITS
    np.testing.assert_allclose(data.times, 3 * [0, 2e-3, 9e-3], rtol=1e-6)

    files["ibmGestureTest.tar.gz"] = tar({"ibmGestureTest/user24_lab/a.npy": array(ROWS)})
    with pytest.raises(DataError, match="names a recording ibmGestureTest/user24_lab/a.npy"):
        registry.load("dvs_gesture_cut", publish(tmp_path, "DVSGesture", files))


def archives(missing=""):
    made = {}
    for k, file in enumerate(cifar10_dvs.ENTRY.files):
        word, buffer = file.name.removesuffix(".zip"), io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for number in range(20):
                name = f"{word}/cifar10_{word}_{number}.aedat"
                if name != missing:
                    archive.writestr(name, aedat2([t + number + k for t in TIMES]))
        made[file.name] = buffer.getvalue()
    return made


def test_images_before_a_camera(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10_dvs, "EACH", 20)
    root = publish(tmp_path, "CIFAR10DVS", archives())
    data = registry.load("cifar10_dvs", root)
    assert data.labels.tolist() == [*np.repeat(range(10), 18), *np.repeat(range(10), 2)]
    assert data.test.tolist() == [False] * 180 + [True] * 20
    assert data.units.tolist() == 200 * UNITS
    np.testing.assert_allclose(data.times, 200 * [0, 2e-6, 5e-4], rtol=1e-6)
    assert np.bincount(cifar10_dvs.load(root, every=5).labels).tolist() == [4 + 1] * 10


def test_a_class_without_a_recording(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10_dvs, "EACH", 20)
    root = publish(tmp_path, "cifar10_dvs", archives("dog/cifar10_dog_7.aedat"))
    with pytest.raises(DataError, match="dog.zip is truncated or damaged.*cifar10_dog_7.aedat"):
        registry.load("cifar10_dvs", root)


@pytest.mark.parametrize("name", ["dvs_gesture", "dvs_gesture_cut", "cifar10_dvs"])
def test_without_the_files_it_says_where_to_put_them(tmp_path, name):
    with pytest.raises(DataError, match=f"put the files of .* into .*{name}"):
        registry.load(name, tmp_path)
