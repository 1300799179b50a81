"""Finding, downloading and verifying files: every damage is one clear sentence."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pooch
import pytest

from hnnlib.datasets import fetch, registry
from hnnlib.datasets.entry import OfficialFile
from hnnlib.datasets.sets import mnist
from hnnlib.errors import DataError

CONTENTS = {"a.gz": b"first file" * 20, "b.gz": b"second file"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """A registered data set `mnist` of two small files; the cache lies in an empty folder."""
    files = tuple(
        OfficialFile(name, len(data), sha256(data), hashlib.md5(data).hexdigest())
        for name, data in CONTENTS.items()
    )
    entry = replace(mnist.ENTRY, files=files, mirrors=("http://127.0.0.1:9/nobody",))
    monkeypatch.setattr(mnist, "ENTRY", entry)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.delenv("HNN_DATA", raising=False)
    return entry


def place(folder, contents=CONTENTS):
    folder.mkdir(parents=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return folder


def manifest(folder, files, **changes):
    sums = {name: sha256(data) for name, data in files.items()}
    content = {"source": "our own copy", "note": "re-encoded", "files": sums} | changes
    (folder / "MANIFEST.json").write_text(json.dumps(content))


def test_explicit_root_wins_over_the_environment(toy, tmp_path, monkeypatch):
    place(tmp_path / "root" / "mnist")
    place(tmp_path / "env" / "mnist")
    monkeypatch.setenv("HNN_DATA", str(tmp_path / "env"))
    there = fetch.locate(mnist.ENTRY, tmp_path / "root")
    assert there.files == {name: tmp_path / "root" / "mnist" / name for name in CONTENTS}
    here = fetch.locate(mnist.ENTRY)
    assert here.files["a.gz"] == tmp_path / "env" / "mnist" / "a.gz"
    assert here.source == there.source
    assert here.source.official


def test_environment_without_this_data_set_falls_back_to_the_cache(toy, tmp_path, monkeypatch):
    (tmp_path / "env").mkdir()
    monkeypatch.setenv("HNN_DATA", str(tmp_path / "env"))
    cached = place(tmp_path / "cache" / "hnnlib" / "mnist")
    assert fetch.locate(mnist.ENTRY).files["b.gz"] == cached / "b.gz"


def test_folders_that_do_not_exist(toy, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="data folder .*nowhere does not exist"):
        fetch.locate(mnist.ENTRY, tmp_path / "nowhere")
    with pytest.raises(DataError, match="has no folder 'mnist'"):
        fetch.locate(mnist.ENTRY, tmp_path)
    monkeypatch.setenv("HNN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="HNN_DATA names, .*nowhere, does not exist"):
        fetch.locate(mnist.ENTRY)
    (tmp_path / "nowhere").touch()
    with pytest.raises(DataError, match="nowhere, is no folder"):
        fetch.locate(mnist.ENTRY)


def test_missing_file_is_named(toy, tmp_path):
    place(tmp_path / "mnist", {"a.gz": CONTENTS["a.gz"]})
    with pytest.raises(DataError, match=r"file b\.gz of MNIST is missing in .*mnist"):
        fetch.locate(mnist.ENTRY, tmp_path)


@pytest.mark.parametrize(
    ("damaged", "state"),
    [(b"first", r"is truncated \(5 of 200 bytes\)"), (b"x" * 200, "is not official")],
)
def test_wrong_checksum_names_file_and_both_sums(toy, tmp_path, damaged, state):
    place(tmp_path / "mnist", CONTENTS | {"a.gz": damaged})
    with pytest.raises(DataError, match=state) as error:
        fetch.locate(mnist.ENTRY, tmp_path)
    for part in (
        "a.gz",
        sha256(damaged),
        sha256(CONTENTS["a.gz"]),
        "put the official one there",
        "MANIFEST.json",
    ):
        assert part in str(error.value)


def test_md5_decides_where_the_authors_print_no_sha256(toy, tmp_path, monkeypatch):
    files = tuple(replace(file, size=0, sha256="") for file in toy.files)
    monkeypatch.setattr(mnist, "ENTRY", replace(toy, files=files))
    folder = place(tmp_path / "mnist")
    assert fetch.locate(mnist.ENTRY, tmp_path).source.official
    (folder / "a.gz").write_bytes(b"first")
    with pytest.raises(DataError, match=f"is not official: its md5 is .* has {files[0].md5}"):
        fetch.locate(mnist.ENTRY, tmp_path)


def test_folder_of_another_library_will_do(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "ENTRY", replace(toy, folders=("MNIST",)))
    place(tmp_path / "MNIST")
    assert fetch.locate(mnist.ENTRY, tmp_path).source.official


def test_manifest_vouches_for_other_bytes_and_marks_the_source(toy, tmp_path):
    other = CONTENTS | {"a.gz": b"re-encoded"}
    manifest(place(tmp_path / "mnist", other), other)
    source = fetch.locate(mnist.ENTRY, tmp_path).source
    assert not source.official
    assert source.origin == "our own copy"
    assert source.note == "re-encoded"


def test_manifest_beside_official_bytes_does_not_mark_them(toy, tmp_path):
    manifest(place(tmp_path / "with" / "mnist"), CONTENTS)
    place(tmp_path / "without" / "mnist")
    marked, plain = (fetch.locate(mnist.ENTRY, tmp_path / top) for top in ("with", "without"))
    assert marked.source == plain.source


def test_content_sum_changes_with_any_byte(toy, tmp_path):
    sums = set()
    for k, last in enumerate([b"1", b"2"]):
        other = CONTENTS | {"b.gz": last}
        manifest(place(tmp_path / str(k) / "mnist", other), other)
        sums.add(fetch.locate(mnist.ENTRY, tmp_path / str(k)).source.sha256)
    assert len(sums) == 2


def test_manifest_with_another_sum_is_refused_even_for_official_bytes(toy, tmp_path):
    manifest(place(tmp_path / "mnist"), CONTENTS | {"b.gz": b"another"})
    with pytest.raises(DataError, match="b.gz has sha256 .* MANIFEST.json beside it states") as e:
        fetch.locate(mnist.ENTRY, tmp_path)
    assert sha256(b"another") in str(e.value) and sha256(CONTENTS["b.gz"]) in str(e.value)


def test_manifest_must_list_every_data_file_and_every_listed_file_must_be_there(toy, tmp_path):
    folder = place(tmp_path / "mnist")
    manifest(folder, {"a.gz": CONTENTS["a.gz"]})
    with pytest.raises(DataError, match="b.gz is not listed in the MANIFEST.json"):
        fetch.locate(mnist.ENTRY, tmp_path)
    manifest(folder, CONTENTS | {"notes.txt": b""})
    with pytest.raises(DataError, match="notes.txt of MNIST is missing"):
        fetch.locate(mnist.ENTRY, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"source": "s", "note": "n", "files": ["a.gz"]}',
        '{"source": "s", "note": "n", "files": {"a.gz": "123"}}',
        '{"source": "s", "files": {}}',
        json.dumps({"source": "s", "note": "n", "files": {"../../a.gz": "0" * 64}}),
        json.dumps({"source": "s", "note": "n", "files": {"/a.gz": "0" * 64}}),
    ],
)
def test_malformed_manifest_is_one_sentence(toy, tmp_path, text):
    (place(tmp_path / "mnist") / "MANIFEST.json").write_text(text)
    with pytest.raises(DataError, match=r"The manifest .*MANIFEST\.json"):
        fetch.locate(mnist.ENTRY, tmp_path)


def test_a_manifest_that_is_endless_is_one_sentence(toy, tmp_path):
    folder = place(tmp_path / "mnist")
    for text in ("[" * 100_000, " " * 2_000_000):
        (folder / "MANIFEST.json").write_text(text)
        with pytest.raises(DataError, match=r"The manifest .*MANIFEST\.json cannot be read"):
            fetch.locate(mnist.ENTRY, tmp_path)


def test_a_note_cannot_steer_the_terminal(toy, tmp_path):
    other = CONTENTS | {"a.gz": b"re-encoded"}
    note = "\x1b[2J<b>größer</b>\r\u202e"
    manifest(place(tmp_path / "mnist", other), other, note=note, source="\x07me")
    source = fetch.locate(mnist.ENTRY, tmp_path).source
    assert (source.note, source.origin) == (r"\x1b[2J<b>größer</b>\r\u202e", r"\x07me")


def test_two_files_of_one_content_are_refused(toy, tmp_path):
    """Test data in the place of the training data, say."""
    other = {name: b"the same" for name in CONTENTS}
    manifest(place(tmp_path / "mnist", other), other)
    with pytest.raises(DataError, match=r"files a\.gz and b\.gz in .* are the same"):
        fetch.locate(mnist.ENTRY, tmp_path)


def test_files_that_a_desktop_leaves_are_passed_over(toy, tmp_path):
    folder = place(tmp_path / "mnist")
    for name in ("._a.gz", ".DS_Store", "._MANIFEST.json"):
        (folder / name).write_bytes(b"\0\5\x16\7")
    assert fetch.locate(mnist.ENTRY, tmp_path).source.official


def test_the_identity_follows_the_files(toy, tmp_path, monkeypatch):
    assert fetch.identity(registry.get("digits")) == fetch.identity(mnist.ENTRY) == ""
    monkeypatch.setenv("HNN_DATA", str(tmp_path))
    folder = place(tmp_path / "mnist")
    official = fetch.identity(mnist.ENTRY)
    assert official == fetch.locate(mnist.ENTRY).source.sha256
    other = CONTENTS | {"a.gz": b"another file" * 20}
    (folder / "a.gz").write_bytes(other["a.gz"])
    assert fetch.identity(mnist.ENTRY) == ""  # nobody vouches for it
    manifest(folder, other)
    assert fetch.identity(mnist.ENTRY) not in ("", official)


class Mirror(SimpleHTTPRequestHandler):
    """Serves a folder and notes what was asked; under /flaky the first request of a path fails."""

    asked: list[str] = []

    def do_GET(self):
        first = self.path not in self.asked
        self.asked.append(self.path)
        if self.path.startswith("/drip"):
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(300):
                    self.wfile.write(b"x" * 20)
                    time.sleep(0.01)
        elif self.path.startswith("/flaky") and first:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    """Address of a local web server over <tmp_path>/web."""
    Mirror.asked = []
    (tmp_path / "web").mkdir()
    handler = partial(Mirror, directory=tmp_path / "web")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def use_mirrors(monkeypatch, entry, server, *folders):
    mirrors = tuple(f"{server}/{folder}" for folder in folders)
    monkeypatch.setattr(mnist, "ENTRY", replace(entry, mirrors=mirrors))


def test_download_passes_over_absent_and_tampered_mirrors(toy, tmp_path, monkeypatch, server):
    place(tmp_path / "web" / "tampered", CONTENTS | {"a.gz": b"<html>sorry</html>"})
    place(tmp_path / "web" / "good")
    use_mirrors(monkeypatch, toy, server, "absent", "tampered", "good")
    located = fetch.locate(mnist.ENTRY)
    assert {name: path.read_bytes() for name, path in located.files.items()} == CONTENTS
    assert located.source.official
    asked = len(Mirror.asked)
    assert fetch.locate(mnist.ENTRY) == located
    assert len(Mirror.asked) == asked  # the cache answers


def test_a_mirror_that_fails_once_is_tried_again(toy, tmp_path, monkeypatch, server):
    place(tmp_path / "web" / "flaky")
    use_mirrors(monkeypatch, toy, server, "flaky")
    assert fetch.locate(mnist.ENTRY).source.official
    assert Mirror.asked.count("/flaky/a.gz") == 2


def test_a_mirror_that_drips_is_given_up(toy, tmp_path, monkeypatch, server):
    place(tmp_path / "web" / "good")
    use_mirrors(monkeypatch, toy, server, "drip", "good")
    monkeypatch.setattr(fetch, "PATIENCE", 0.3)
    assert fetch.locate(mnist.ENTRY).source.official
    assert "/good/a.gz" in Mirror.asked
    monkeypatch.setattr(fetch, "PATIENCE", 100)
    monkeypatch.setattr(fetch, "DEADLINE", 0.3)
    use_mirrors(monkeypatch, toy, server, "drip")
    (tmp_path / "cache/hnnlib/mnist/a.gz").unlink()
    with pytest.raises(DataError, match="took more than"):
        fetch.locate(mnist.ENTRY)


def test_what_a_killed_download_left_is_removed(toy, tmp_path, monkeypatch, server):
    place(tmp_path / "web" / "good")
    use_mirrors(monkeypatch, toy, server, "good")
    folder = tmp_path / "cache/hnnlib/mnist"
    folder.mkdir(parents=True)
    for name, age in (("tmpdead", 3600), ("tmplive", 0)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    fetch.locate(mnist.ENTRY)
    assert sorted(path.name for path in folder.iterdir()) == ["a.gz", "b.gz", "tmplive"]


def test_damaged_cache_is_downloaded_again(toy, tmp_path, monkeypatch, server):
    place(tmp_path / "web" / "good")
    use_mirrors(monkeypatch, toy, server, "good")
    cached = place(tmp_path / "cache" / "hnnlib" / "mnist", CONTENTS | {"b.gz": b"sec"})
    fetch.locate(mnist.ENTRY)
    assert (cached / "b.gz").read_bytes() == CONTENTS["b.gz"]
    assert Mirror.asked == ["/good/b.gz"]


def test_download_that_never_matches_leaves_nothing_and_says_why(
    toy, tmp_path, monkeypatch, server
):
    bad = b"<html>sorry</html>"
    place(tmp_path / "web" / "tampered", {"a.gz": bad})
    use_mirrors(monkeypatch, toy, server, "absent", "tampered")
    with pytest.raises(DataError, match="a.gz of MNIST could not be downloaded") as error:
        fetch.locate(mnist.ENTRY)
    for part in ("404", sha256(bad), sha256(CONTENTS["a.gz"]), "HNN_DATA", "absent", "tampered"):
        assert part in str(error.value)
    assert list((tmp_path / "cache").rglob("*.gz")) == []


def test_own_copy_with_manifest_in_the_cache_is_not_overwritten(toy, tmp_path):
    other = CONTENTS | {"a.gz": b"re-encoded"}
    folder = place(tmp_path / "cache" / "hnnlib" / "mnist", other)
    manifest(folder, other)
    assert not fetch.locate(mnist.ENTRY).source.official
    assert (folder / "a.gz").read_bytes() == b"re-encoded"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (
            OSError(20, "Not a directory", "/a/file/.cache"),
            "Not a directory",
        ),  # a home that is none
    ],
)
def test_cache_that_cannot_be_written_is_not_blamed_on_the_mirrors(
    toy, tmp_path, monkeypatch, server, error, said
):
    place(tmp_path / "web" / "good")
    use_mirrors(monkeypatch, toy, server, "good")

    def refuse(*arguments, **options):
        raise error

    monkeypatch.setattr(pooch, "retrieve", refuse)
    with pytest.raises(DataError, match=f"cannot be written to .*{said}"):
        fetch.locate(mnist.ENTRY)


def test_files_at_hand_need_no_pooch(toy, tmp_path, monkeypatch):
    place(tmp_path / "mnist")
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert fetch.locate(mnist.ENTRY, tmp_path).source.official
    with pytest.raises(DataError, match="pooch, needed to download it, is not installed"):
        fetch.locate(mnist.ENTRY)


def test_gzip_is_never_opened_before_its_sum_is_right(toy, tmp_path, monkeypatch):
    place(tmp_path / "mnist", CONTENTS | {"a.gz": gzip.compress(b"other")})
    monkeypatch.setattr(gzip, "open", lambda *a, **k: pytest.fail("opened an unverified file"))
    with pytest.raises(DataError, match="sha256"):
        registry.load("mnist", tmp_path)


@pytest.mark.parametrize("named", ["x" * 5000, "~nobody_of_this_name/x", "a\0b", "a\nb"])
def test_folders_whose_names_cannot_be(toy, named):
    with pytest.raises(DataError, match="does not exist|name another folder") as raised:
        fetch.locate(toy, named)
    assert str(raised.value).isprintable()
