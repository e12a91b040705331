"""Files on the hub, read by ranges of bytes."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from lowcomplex.checkpoints._hub_errors import hub_in_words

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Bytes at the start of a file that the first request fetches: most headers of safetensors are shorter.
_START = 2**17
# Connections that break before they bring a byte, one after the other, until reading is given up.
_BREAKS = 5
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class RangeFile:
    """A file on the hub of which only the ranges that are read are fetched; its start is kept.

    Attributes:
        size: Number of its bytes, as the hub lists it.
    """

    def __init__(self, url: str, size: int, label: str) -> None:
        self.size = size
        self._url = url
        self._label = label
        self._start: bytes | None = None

    def fetch(self, start: int, stop: int) -> bytearray:
        """The bytes from `start` until before `stop`; where a connection breaks, the next one goes on.

        Raises:
            ValueError: The range is not inside the file, or the answer is not that range.
            OSError: The hub cannot be reached, or refuses.
        """
        if not 0 <= start <= stop <= self.size:
            raise ValueError(f"{self._label}: bytes {start}-{stop} are not inside its {self.size:,} bytes")
        if stop <= _START:
            if self._start is None:
                self._start = bytes(self._fetch(0, min(_START, self.size)))
            return bytearray(self._start[start:stop])
        return self._fetch(start, stop)

    def open(self) -> io.BufferedReader:
        """The file as one that is read in sequence, with small reads joined to larger requests."""
        return io.BufferedReader(_Opened(self), _START)

    def _fetch(self, start: int, stop: int) -> bytearray:
        content = bytearray(stop - start)
        filled, breaks = 0, 0
        while filled < len(content):
            came = self._fill(memoryview(content)[filled:], start + filled)
            filled += came
            breaks = 0 if came else breaks + 1
            if breaks == _BREAKS:
                raise ConnectionError(f"{self._label}: the connection broke {_BREAKS} times in a row")
        return content

    def _fill(self, content: memoryview, start: int) -> int:
        """Fill memory with the file from a position on, and return how many bytes came."""
        with hub_in_words(self._label):
            from httpx2 import HTTPError
            from huggingface_hub import utils

            headers = utils.build_hf_headers() | {
                "range": f"bytes={start}-{start + len(content) - 1}",
                "accept-encoding": "identity",
            }
            filled = 0
            with utils.http_stream_backoff("GET", self._url, headers=headers, timeout=30) as response:
                utils.hf_raise_for_status(response)
                found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
                if response.status_code == 206 and found is not None and int(found[1]) == start:
                    size = int(found[3])
                # Where the whole file was requested, an answer without ranges is as good.
                elif response.status_code == 200 and len(content) == self.size:
                    size = int(response.headers.get("content-length", self.size))
                else:
                    raise ValueError(f"{self._label}: the server does not serve ranges of bytes")
                if size != self.size:
                    raise ValueError(f"{self._label}: expected a file of {self.size:,} bytes, got {size:,}")
                try:
                    for chunk in response.iter_raw():
                        if filled + len(chunk) > len(content):
                            raise ValueError(f"{self._label}: the server sent more bytes than were requested")
                        content[filled : filled + len(chunk)] = chunk
                        filled += len(chunk)
                # Raised on, it would make http_stream_backoff start again at the first byte.
                except HTTPError:
                    pass
        return filled


class _Opened(io.RawIOBase):
    def __init__(self, file: RangeFile) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        stop = min(self._position + len(view), self._file.size)
        count = max(0, stop - self._position)
        if count:
            view[:count] = self._file.fetch(self._position, stop)
        self._position += count
        return count
