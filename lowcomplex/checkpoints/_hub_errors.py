"""What goes wrong between here and the hub, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class OfflineError(FileNotFoundError):
    """What is wanted is not on this machine, and HF_HUB_OFFLINE forbids to ask the hub."""


@contextmanager
def hub_in_words(label: str, *, path: bool = False) -> Iterator[None]:
    """Raise the errors of huggingface_hub and of the network with one sentence as their message.

    Args:
        label: What is read, such as "EleutherAI/pythia-70m@step1000".
        path: Whether the label might have been meant as a local path.

    Raises:
        ModuleNotFoundError: huggingface_hub is not installed.
        OfflineError: HF_HUB_OFFLINE is set, and what is read is not in the cache.
        FileNotFoundError: There is no such model, revision or file, or it may not be read.
        ValueError: The name or the answer is malformed.
        ConnectionError: The hub cannot be reached.
    """
    local = "no such file or folder here, and " if path else ""
    try:
        from httpx2 import HTTPError
        from huggingface_hub import errors
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{label}: {local}reading from the hub needs huggingface_hub: pip install 'lowcomplex[hub]'"
        ) from error
    try:
        yield
    except errors.HFValidationError as error:
        raise ValueError(f"{label}: no name of a model on the hub ({_first_line(error)})") from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        raise OfflineError(
            f"{label}: {local}not in the cache of huggingface_hub, and HF_HUB_OFFLINE forbids to ask the hub"
        ) from error
    except errors.GatedRepoError as error:
        raise FileNotFoundError(
            f"{label}: the owner restricts access; ask for it on the model's page, then run `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise FileNotFoundError(f"{label}: the model has no such revision") from error
    except errors.RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"{label}: {local}no such model on the hub (a private one needs `hf auth login`)"
        ) from error
    except errors.EntryNotFoundError as error:
        raise FileNotFoundError(f"{label}: no such file on the hub") from error
    except HTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status is None:
            reason = f"the hub could not be reached ({_first_line(error)})"
        else:
            reason = f"the hub answered with status {status}"
        raise ConnectionError(f"{label}: {local}{reason}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
