"""What is known of a data set before it is read: files, official checksums, mirrors, licence and
citation; and the record of where one copy of it came from.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Entry", "OfficialFile", "Source"]


@dataclass(frozen=True)
class Source:
    """Where data came from; `official` is False for a copy vouched for by a MANIFEST.json only.

    `sha256` identifies the content, `note` says in one sentence what a reader of a result must know
    (it marks every result made with an unofficial copy), `origin` names the maker of the copy.
    """

    official: bool
    note: str
    sha256: str
    licence: str
    citation: str
    origin: str


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
