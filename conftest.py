"""Test set-up shared by tests and doctests."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch


def pytest_configure() -> None:
    """Keep each test process on one core: the suite is parallel over processes."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _names_in_doctests(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace["torch"] = torch
