"""The index of a store: which file holds a cell, and the digest of that file.

Each process appends lines of JSON to a file of its own. A folder may come from somebody else, or from a disk
that lost its power: a line that names anything but a file directly inside `data/` and a digest is a flaw,
and nothing that a line names is opened, renamed or executed because the line says so.
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SUFFIX = "-info.jsonl"
_FORMAT = "NetCDF"
_FIELDS = {"#type", "#key", "filename", "sha256"}
_FILENAME = re.compile(r"data/\w[\w.-]*\.nc", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One line of an index.

    Attributes:
        index: The index file.
        span: First byte of the line, and the byte after its last.
        filename: Path of the cell's file within the store, such as "data/HASH.nc"; empty for a flaw.
        sha256: Digest of that file; empty for a flaw.
        flaw: Why the line names no cell, if it does not.
    """

    index: Path
    span: tuple[int, int]
    filename: str = ""
    sha256: str = ""
    flaw: str = ""


class Index:
    """The lines of all index files of a folder, by the keys of their cells.

    Args:
        folder: The store's folder.

    Attributes:
        unreadable: Number of lines without a key, and of index files that are no regular files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, tuple[tuple[int, int, int], dict[str, list[Entry]], int]] = {}
        self._keys: dict[str, list[Entry]] = {}
        self.unreadable = 0

    def entries(self, key: str) -> list[Entry]:
        """Return the lines of a key; two hosts that computed one cell wrote one line each."""
        if key not in self._keys:
            self._read()
        return self._keys.get(key, [])

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all lines."""
        self._read()
        return tuple(self._keys)

    def add(self, key: str, filename: str, sha256: str) -> None:
        """Append the line of a new cell.

        Raises:
            OSError: The line cannot be written.
        """
        content = {"#type": _FORMAT, "filename": filename, "sha256": sha256, "#key": key}
        line = json.dumps(content, separators=(",", ":")).encode() + b"\n"
        path = self._folder / f"{socket.gethostname()}-{os.getpid()}{_SUFFIX}"
        with path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                # What a full disk cut off is a line of its own.
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def remove(self, key: str) -> None:
        """Blank the lines of a key.

        Raises:
            OSError: A line cannot be written.
        """
        for entry in self.entries(key):
            start, end = entry.span
            with entry.index.open("r+b") as file:
                file.seek(start)
                line = file.read(end - start)
                if _key(line) == key:
                    file.seek(start)
                    file.write(b" " * len(line.rstrip(b"\n")))
        self._read()

    def _read(self) -> None:
        """Read the index files that have changed."""
        found = {}
        for path, status in self._index_files():
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            known = self._files.get(path)
            found[path] = known if known is not None and known[0] == stamp else (stamp, *_parse(path, status))
        if found != self._files:
            self._keys = {}
            for _, entries, _ in found.values():
                for key, lines in entries.items():
                    self._keys.setdefault(key, []).extend(lines)
        self._files = found
        self.unreadable = sum(unreadable for _, _, unreadable in found.values())

    def _index_files(self) -> Iterator[tuple[Path, os.stat_result]]:
        try:
            paths = sorted(path for path in self._folder.iterdir() if path.name.endswith(_SUFFIX))
        except (FileNotFoundError, NotADirectoryError):
            return
        for path in paths:
            try:
                yield path, path.stat()
            except FileNotFoundError:
                continue


def _parse(path: Path, status: os.stat_result) -> tuple[dict[str, list[Entry]], int]:
    """The lines of an index file by their keys, and the number of those that have none."""
    if not stat.S_ISREG(status.st_mode):
        return {}, 1
    found: dict[str, list[Entry]] = {}
    unreadable, start = 0, 0
    for line in path.read_bytes().splitlines(keepends=True):
        span = (start, start + len(line))
        start = span[1]
        if not line.strip():
            continue
        key = _key(line)
        if key is None:
            unreadable += 1
        else:
            found.setdefault(key, []).append(_entry(path, span, json.loads(line)))
    return found, unreadable


def _key(line: bytes) -> str | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    key = content.get("#key") if isinstance(content, dict) else None
    return key if isinstance(key, str) else None


def _entry(path: Path, span: tuple[int, int], content: dict[str, Any]) -> Entry:
    kind, filename, sha256 = (content.get(name) for name in ("#type", "filename", "sha256"))
    if kind != _FORMAT:
        flaw = f"a line of the index has the type {kind!r}, and only {_FORMAT} is read"
    elif set(content) - _FIELDS:
        flaw = f"a line of the index has unknown fields: {', '.join(sorted(set(content) - _FIELDS))}"
    elif not isinstance(filename, str) or not _FILENAME.fullmatch(filename):
        flaw = f"a line of the index names {filename!r}, which is no file directly inside data/"
    elif not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        flaw = f"a line of the index has the digest {sha256!r}, which is no SHA-256"
    else:
        return Entry(path, span, filename, sha256)
    return Entry(path, span, flaw=flaw)
