"""Every data set the project knows: files, official checksums, mirrors, licence and citation."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from hnnlib.datasets.imagedata import Source
from hnnlib.errors import DataError

__all__ = ["Entry", "OfficialFile", "get", "names"]


@dataclass(frozen=True)
class OfficialFile:
    """One file as its authors publish it.

    size:   bytes; 0 where they do not say.
    sha256: decides; "" where the authors print an md5 only, which then decides.
    md5:    the sum that their page prints.
    """

    name: str
    size: int
    sha256: str
    md5: str

    @property
    def kind(self) -> str:
        """Which checksum decides."""
        return "sha256" if self.sha256 else "md5"

    @property
    def checksum(self) -> str:
        """The checksum that decides."""
        return self.sha256 or self.md5


@dataclass(frozen=True)
class Entry:
    """One data set.

    shape:    (C, H, W) of one image, (channels,) of one recording of spikes.
    files:    the official files; a file's address is mirror + "/" + name. Empty for embedded data.
    unpacked: names of the data files inside the official archive, in their official order. A copy
              of these is accepted in its place when a MANIFEST.json vouches for it.
    n_test:   examples of the official test part, which are the last ones; 0 where there is none.
    folders:  other names under which a copy's folder is accepted, such as those of other libraries.
    content:  sha256 of images and labels, or of spikes and labels, for embedded data that have no
              file of their own.
    note:     what a reader of a result must know about the data themselves.
    """

    name: str
    title: str
    n_examples: int
    n_classes: int
    shape: tuple[int, ...]
    licence: str
    citation: str
    origin: str
    n_test: int = 0
    files: tuple[OfficialFile, ...] = ()
    mirrors: tuple[str, ...] = ()
    unpacked: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    content: str = ""
    note: str = ""

    def source(
        self, sha256: str, *, official: bool = True, note: str = "", origin: str = ""
    ) -> Source:
        """The source record of one copy with this content; its own note goes before the entry's."""
        notes = [part for part in (note, self.note) if part]
        return Source(
            official=official,
            note="; ".join(notes),
            sha256=sha256,
            licence=self.licence,
            citation=self.citation,
            origin=origin or self.origin,
        )


MNIST = Entry(
    name="mnist",
    title="MNIST",
    n_examples=70_000,
    n_test=10_000,
    n_classes=10,
    shape=(1, 28, 28),
    licence="CC BY-SA 3.0 as usually stated; copyright Y. LeCun and C. Cortes",
    citation="LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document "
    "recognition, Proc. IEEE 86(11), 1998, doi 10.1109/5.726791",
    origin="official files",
    files=(
        OfficialFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        ),
        OfficialFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "d53e105ee54ea40749a09fcbcd1e9432",
        ),
        OfficialFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "9fb629c4189551a2d022fa330f9573f3",
        ),
        OfficialFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ),
)

CIFAR10 = Entry(
    name="cifar10",
    title="CIFAR-10 (binary version)",
    n_examples=60_000,
    n_test=10_000,
    n_classes=10,
    shape=(3, 32, 32),
    licence="no licence stated; the authors ask for the citation",
    citation="Krizhevsky, Learning multiple layers of features from tiny images, technical report, "
    "University of Toronto, 2009",
    origin="official files",
    # md5: https://www.cs.toronto.edu/~kriz/cifar.html; sha256: checksums of TensorFlow Datasets.
    files=(
        OfficialFile(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            "c32a1d4ab5d03f1284b67883e8d87530",
        ),
    ),
    mirrors=("https://www.cs.toronto.edu/~kriz", "https://cave.cs.toronto.edu/kriz"),
    unpacked=(
        *(f"cifar-10-batches-bin/data_batch_{k}.bin" for k in range(1, 6)),
        "cifar-10-batches-bin/test_batch.bin",
    ),
)

DIGITS = Entry(
    name="digits",
    title="scikit-learn digits",
    n_examples=1797,
    n_classes=10,
    shape=(1, 8, 8),
    licence="CC BY 4.0 (UCI Machine Learning Repository)",
    citation="Alpaydin, Kaynak, Optical recognition of handwritten digits, UCI Machine Learning "
    "Repository, 1998, doi 10.24432/C50P49",
    origin="embedded in scikit-learn",
    content="65e5b4619795efb40c1082f4c350c049e4ad552200d369b6ae99e21eef5e72c5",
)

CLUTTERED_DIGITS = Entry(
    name="cluttered_digits",
    title="cluttered digits",
    n_examples=6000,
    n_classes=10,
    shape=(3, 32, 32),
    licence=DIGITS.licence,
    citation=DIGITS.citation,
    origin="generated from the digits embedded in scikit-learn",
    note="synthetic canvases composed around real handwritten digits, not a published benchmark",
)

SHD = Entry(
    name="shd",
    title="Spiking Heidelberg Digits",
    n_examples=10_420,
    n_classes=20,
    shape=(700,),
    licence="CC BY 4.0",
    citation="Cramer, Stradmann, Schemmel, Zenke, The Heidelberg spiking data sets for the "
    "systematic evaluation of spiking neural networks, IEEE Trans. Neural Networks and Learning "
    "Systems 33(7), 2022, doi 10.1109/TNNLS.2020.3044364",
    origin="official files",
    # the authors print md5 sums only
    files=(
        OfficialFile("shd_train.h5.zip", 0, "", "f3252aeb598ac776c1b526422d90eecb"),
        OfficialFile("shd_test.h5.zip", 0, "", "1503a5064faa34311c398fb0a1ed0a6f"),
    ),
    mirrors=("https://zenkelab.org/datasets", "https://compneuro.net/datasets"),
    unpacked=("shd_train.h5", "shd_test.h5"),
    folders=("SHD",),  # tonic's
)

SPOKEN_DIGITS = Entry(
    name="spoken_digits",
    title="spoken digits",
    n_examples=2080,
    n_classes=20,
    shape=(700,),
    licence="the project's own",
    citation="this project",
    origin="generated",
    content="aa9b8e75c2adc67d5447c8625a57c84bd885e2bff68887aa8745568d25079fcc",
    note="synthetic words of synthetic speakers in the format of the Spiking Heidelberg Digits, "
    "no recordings of speech, not a published benchmark",
)


def _randman(name: str, title: str, n_examples: int, n_classes: int, units: int) -> Entry:
    return Entry(
        name=name,
        title=title,
        n_examples=n_examples,
        n_classes=n_classes,
        shape=(units,),
        licence="the project's own",
        citation="after Zenke, Vogels, The remarkable robustness of surrogate gradient learning "
        "for instilling complex function in spiking neural networks, Neural Computation 33(4), "
        "2021, doi 10.1162/neco_a_01367",
        origin="generated",
        note="synthetic spikes on random manifolds, drawn by the project's own generator",
    )


_ENTRIES = {
    entry.name: entry
    for entry in (
        MNIST,
        CIFAR10,
        DIGITS,
        CLUTTERED_DIGITS,
        SHD,
        SPOKEN_DIGITS,
        _randman("randman_standard", "random manifolds", 10_000, 10, 20),
        _randman("randman_hard", "random manifolds of two dimensions", 10_000, 10, 20),
        _randman("randman_500_parameters", "two smooth random manifolds", 2000, 2, 3),
    )
}


def names() -> list[str]:
    """Names of all data sets."""
    return list(_ENTRIES)


def get(name: str) -> Entry:
    """The entry of one data set; DataError with a suggestion where the name is unknown."""
    if name in _ENTRIES:
        return _ENTRIES[name]
    close = get_close_matches(str(name), _ENTRIES, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(_ENTRIES)}."
    raise DataError(f"There is no data set {name!r}: {hint}")
