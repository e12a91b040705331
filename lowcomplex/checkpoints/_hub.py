"""Models on the hub at one commit, as folders with the methods of pathlib that the readers use."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from lowcomplex.checkpoints._hub_errors import hub_in_words
from lowcomplex.checkpoints._ranges import RangeFile

# Seconds until the hub must begin to answer.
_TIMEOUT = 20


class HubFile(NamedTuple):
    """A file of a model on the hub.

    Attributes:
        size: Number of bytes.
        content: Digest of its content.
    """

    size: int
    content: str


@dataclass(frozen=True)
class HubModel:
    """A model on the hub at one commit.

    Attributes:
        id: Its full name, OWNER/NAME.
        label: Its name and revision, as they were given.
        commit: Hash of the commit.
        files: Its files by name: those directly in `subfolder`.
        subfolder: The folder inside the model that is read, or "" for the model itself.
        places: Names of all files of the model, with the folders in front.
    """

    id: str
    label: str
    commit: str
    files: Mapping[str, HubFile]
    subfolder: str = ""
    places: tuple[str, ...] = ()
    _opened: dict[str, RangeFile] = field(default_factory=dict, repr=False, compare=False)

    def place_of(self, name: str) -> str:
        """Where a file lies inside the model."""
        return f"{self.subfolder}/{name}" if self.subfolder else name

    def opened(self, name: str) -> RangeFile:
        """A file, of which nothing is fetched yet.

        Raises:
            FileNotFoundError: The model has no such file.
        """
        if name not in self.files:
            raise FileNotFoundError(f"{self.label}/{name}: no such file on the hub")
        if name not in self._opened:
            from huggingface_hub import hf_hub_url

            url = hf_hub_url(self.id, self.place_of(name), revision=self.commit, endpoint=_endpoint())
            self._opened[name] = RangeFile(url, self.files[name].size, f"{self.label}/{name}")
        return self._opened[name]


@dataclass(frozen=True)
class Stat:
    """What is known about a file without reading it.

    Attributes:
        st_size: Number of bytes.
    """

    st_size: int


@dataclass(frozen=True)
class HubPath:
    """A model on the hub, as a folder, or one of its files; read by ranges of bytes.

    Attributes:
        model: The model.
        name: Name of the file, or "" for the folder.
    """

    model: HubModel
    name: str = ""

    def __str__(self) -> str:
        return f"{self.model.label}/{self.name}" if self.name else self.model.label

    def __truediv__(self, name: str) -> HubPath:
        return HubPath(self.model, name)

    @property
    def parent(self) -> HubPath:
        """The folder."""
        return HubPath(self.model)

    @property
    def suffix(self) -> str:
        """Ending of the file's name."""
        return PurePosixPath(self.name).suffix

    @property
    def cached(self) -> Path | None:
        """The file in the cache of huggingface_hub, if it was downloaded there before."""
        from huggingface_hub import try_to_load_from_cache

        model = self.model
        found = try_to_load_from_cache(model.id, model.place_of(self.name), revision=model.commit)
        return Path(found) if isinstance(found, str) else None

    def downloaded(self) -> Path:
        """The whole file, in the cache of huggingface_hub.

        Raises:
            OSError: The hub cannot be reached, or refuses.
        """
        from huggingface_hub import hf_hub_download

        model, name = self.model, self.model.place_of(self.name)
        with hub_in_words(str(self)):
            return Path(hf_hub_download(model.id, name, revision=model.commit, endpoint=_endpoint()))

    def with_name(self, name: str) -> HubPath:
        """Another file of the model."""
        return HubPath(self.model, name)

    def match(self, pattern: str) -> bool:
        """Whether the file's name matches a shell pattern."""
        return fnmatchcase(self.name, pattern)

    def glob(self, pattern: str) -> list[HubPath]:
        """The files of the model whose names match a shell pattern."""
        return [HubPath(self.model, name) for name in self.model.files if fnmatchcase(name, pattern)]

    def is_dir(self) -> bool:
        """Whether this is the folder."""
        return not self.name

    def is_file(self) -> bool:
        """Whether the model has this file."""
        return self.name in self.model.files

    def exists(self) -> bool:
        """Whether this is the folder or one of its files."""
        return self.is_dir() or self.is_file()

    def is_symlink(self) -> bool:
        """False: what the hub serves is no link."""
        return False

    def stat(self) -> Stat:
        """The file's size, as the hub lists it."""
        return Stat(self.ranges().size)

    def ranges(self) -> RangeFile:
        """The file, to be read by ranges."""
        return self.model.opened(self.name)

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """The file, to be read in sequence."""
        assert mode == "rb", mode
        return self.ranges().open()

    def read_text(self, encoding: str) -> str:
        """The content of a text file."""
        file = self.ranges()
        return file.fetch(0, file.size).decode(encoding)


def hub_model(
    name: str, revision: str | None = None, *, subfolder: str | None = None, path: bool = False
) -> HubPath | Path:
    """A model on the hub, or its folder in the cache of huggingface_hub if HF_HUB_OFFLINE is set.

    Args:
        name: OWNER/NAME, or NAME for the few models that have no owner.
        revision: A branch, a tag or a commit; the main branch if None.
        subfolder: A folder inside the model; the model itself if None.
        path: Whether the name might have been meant as a local path.

    Returns:
        The model as a folder, at the commit that the revision has now.

    Raises:
        ModuleNotFoundError: huggingface_hub is not installed.
        FileNotFoundError: There is no such model, revision or folder, or it may not be read.
        ValueError: The name is no name of a model, or the folder's name leads out of it.
        ConnectionError: The hub cannot be reached.
    """
    if subfolder is not None and not all(map(_is_plain, subfolder.split("/"))):
        raise ValueError(f"subfolder: expected a folder inside the model, such as unet, got {subfolder!r}")
    label = hub_label(name, revision, subfolder)
    with hub_in_words(label, path=path):
        from huggingface_hub import HfApi, constants, snapshot_download

        if constants.is_offline_mode():
            return Path(snapshot_download(name, revision=revision, local_files_only=True), subfolder or "")
        info = HfApi(endpoint=_endpoint()).model_info(
            name, revision=revision, files_metadata=True, timeout=_TIMEOUT
        )
    before = "" if subfolder is None else f"{subfolder}/"
    files = {
        file.rfilename.removeprefix(before): HubFile(
            file.size, file.lfs.sha256 if file.lfs else str(file.blob_id)
        )
        for file in info.siblings or []
        if file.size is not None
        and file.rfilename.startswith(before)
        and _is_plain(file.rfilename.removeprefix(before))
    }
    if subfolder is not None and not files:
        raise FileNotFoundError(f"{label}: no such folder in the model")
    if info.sha is None:
        raise ValueError(f"{label}: the hub does not say at which commit it is")
    places = tuple(file.rfilename for file in info.siblings or [])
    return HubPath(HubModel(info.id, label, info.sha, files, subfolder or "", places))


def hub_label(name: str, revision: str | None, subfolder: str | None) -> str:
    """What messages call a model on the hub."""
    whole = name if subfolder is None else f"{name}/{subfolder}"
    return whole if revision is None else f"{whole}@{revision}"


def revisions_of(name: str) -> list[str]:
    """Names of all branches and tags of a model on the hub.

    Raises:
        ModuleNotFoundError: huggingface_hub is not installed.
        FileNotFoundError: There is no such model, or it may not be read.
        ValueError: The name is no name of a model.
        ConnectionError: The hub cannot be reached.
    """
    with hub_in_words(name):
        from huggingface_hub import HfApi

        refs = HfApi(endpoint=_endpoint()).list_repo_refs(name)
    return sorted({ref.name for ref in (*refs.branches, *refs.tags)})


def _is_plain(name: str) -> bool:
    """Whether a name is that of a file directly in the folder."""
    return name not in ("", ".", "..") and not {"/", "\\"} & set(name) and name.isprintable()


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None
