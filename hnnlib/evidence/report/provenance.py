"""Where the numbers of a page come from: code, configuration, data, machine."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hnnlib import store
from hnnlib.evidence.report.text import duration

__all__ = ["lines"]

_LINES = {
    "scale": "scale",
    "data": "data",
    "device": "device",
    "engine": "engine",
    "project_version": "version",
    "git_commit": "git commit of the training",
    "summary_commit": "git commit of the summaries",
    "config_sha256": "configuration sha256",
    "code_digest": "code digest",
    "wall_seconds": "wall time of training",
    "versions_json": "libraries",
}
_HASHES = ("git_commit", "summary_commit", "config_sha256", "code_digest")
_DIRTY = {"git_commit": "git_dirty", "summary_commit": "summary_dirty"}


def lines(runs: list[dict]) -> list[dict]:
    """Lines of the provenance table: a name and one entry a run."""
    sources = [_json(attributes.get("data_json", "")) for attributes in runs]
    found = []
    for key, name in _LINES.items():
        entries = [_attribute(key, attributes) for attributes in runs]
        found.append({"name": name, "entries": entries, "hash": key in _HASHES})
        if key == "data":
            for data in dict.fromkeys(data for one in sources for data in one):
                entries = [_origin(one[data]) if data in one else "" for one in sources]
                found.append({"name": f"files of {data}", "entries": entries, "hash": False})
    return found


def _attribute(key: str, attributes: Mapping) -> str:
    value = attributes.get(key, "")
    if key in _DIRTY and key in attributes:
        value = value or "not in a repository"
        dirty = attributes.get(_DIRTY[key]) == "true"
        return f"{value} with uncommitted changes" if dirty else value
    if key == "wall_seconds" and value != "":
        return duration(float(value))
    if key == "versions_json":
        return ", ".join(f"{name} {version}" for name, version in _json(value).items())
    return str(value)


def _origin(source: Mapping) -> str:
    """Where a data set came from, in words."""
    kind = store.origin(source)
    note, made = (str(source.get(key) or "") for key in ("note", "origin"))
    words = [
        f"{kind}: {note}" if note else kind,
        made if made != kind else "",
        f"sha256 {source['sha256']}" if source.get("sha256") else "",
        f"licence {source['licence']}" if source.get("licence") else "",
        str(source.get("citation", "")),
    ]
    return "; ".join(word for word in words if word)


def _json(text: str) -> dict:
    return json.loads(text) if text else {}
