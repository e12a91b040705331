"""When two tensors are one weight."""

from __future__ import annotations

from torch import Tensor


def storage_of(tensor: Tensor) -> tuple[object, ...] | None:
    """What two tied tensors have in common: storage, place in it, shape and strides.

    Views that only begin at the same address are not tied, such as a fused projection and its first part.

    Args:
        tensor: A tensor of any kind.

    Returns:
        A key, valid while the tensor is alive; None if the tensor has no values.
    """
    if tensor.numel() == 0 or tensor.is_meta:
        return None
    if hasattr(tensor, "full_tensor"):  # A DTensor: its process may hold none of its values.
        return (id(tensor),)
    start = tensor.untyped_storage().data_ptr()
    return (tensor.device, start, tensor.storage_offset(), tensor.dtype, tensor.shape, tensor.stride())
