"""A server of local folders that speaks the part of the hub's protocol that reading models needs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

# Names that the hub knows beside those with an owner.
_SHORT = {"gpt2": "openai-community/gpt2"}


class Hub:
    """Models by full name and revision, and the requests that came.

    Attributes:
        models: Folder by revision, by name.
        tags: Names of the revisions that are tags; the others are branches.
        sent: Number of bytes of files that were sent.
        requests: Paths of all requests.
        breaks_after: The next answer with a file breaks off after that many bytes.
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Path]] = {}
        self.tags: set[str] = set()
        self.sent = 0
        self.requests: list[str] = []
        self.breaks_after: int | None = None
        self.serves_ranges = True
        self.url = ""


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    # A reader that refuses an answer hangs up on it.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _commit(name: str, revision: str) -> str:
    return hashlib.sha1(f"{name}@{revision}".encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.requests.append(path)
        api = re.fullmatch(r"/api/models/([^/]+(?:/[^/]+)??)(/refs|/revision/(.+))?", path)
        if api is not None:
            name = _SHORT.get(api[1], api[1])
            if name not in self.hub.models:
                self._refuse("RepoNotFound")
            elif api[2] == "/refs":
                self._answer(self._refs(name))
            elif (api[3] or "main") not in self.hub.models[name]:
                self._refuse("RevisionNotFound")
            else:
                self._answer(self._info(name, api[3] or "main"))
            return
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        folder = None if file is None else self._folder(file[1], file[2])
        if file is None or folder is None or not (folder / file[3]).is_file():
            self._refuse("EntryNotFound")
        else:
            self._send_file(folder / file[3], file[2])

    do_HEAD = do_GET  # noqa: N815

    def _folder(self, name: str, commit: str) -> Path | None:
        revisions = self.hub.models.get(name, {})
        return next((at for revision, at in revisions.items() if _commit(name, revision) == commit), None)

    def _info(self, name: str, revision: str) -> dict[str, Any]:
        files = [file for file in sorted(self.hub.models[name][revision].rglob("*")) if file.is_file()]
        return {
            "id": name,
            "sha": _commit(name, revision),
            "siblings": [
                {
                    "rfilename": file.relative_to(self.hub.models[name][revision]).as_posix(),
                    "size": file.stat().st_size,
                    "blobId": hashlib.sha1(file.read_bytes()).hexdigest(),
                }
                for file in files
            ],
        }

    def _refs(self, name: str) -> dict[str, Any]:
        found: dict[str, list[dict[str, str]]] = {"branches": [], "tags": [], "converts": []}
        for revision in self.hub.models[name]:
            kind = "tags" if revision in self.hub.tags else "branches"
            ref = f"refs/{'tags' if kind == 'tags' else 'heads'}/{revision}"
            found[kind].append({"name": revision, "ref": ref, "targetCommit": _commit(name, revision)})
        return found

    def _send_file(self, file: Path, commit: str) -> None:
        content = file.read_bytes()
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        if found is None or not self.hub.serves_ranges:
            part, headers, status = content, {}, 200
        else:
            start, stop = int(found[1]), min(int(found[2]) + 1, len(content))
            part, status = content[start:stop], 206
            headers = {"content-range": f"bytes {start}-{stop - 1}/{len(content)}"}
        headers["etag"] = f'"{hashlib.sha1(content).hexdigest()}"'
        headers["x-repo-commit"] = commit
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(part))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        breaks, self.hub.breaks_after = self.hub.breaks_after, None
        part = part if breaks is None else part[:breaks]
        self.hub.sent += len(part)
        self.wfile.write(part)
        self.close_connection = breaks is not None

    def _answer(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, code: str) -> None:
        self.send_response(404)
        self.send_header("x-error-code", code)
        self.send_header("content-length", "0")
        self.end_headers()
