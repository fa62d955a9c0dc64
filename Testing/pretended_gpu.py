"""A GPU that is not there: tensors say that they are on another device and hold their values on the CPU.

Torch's `FakeTensorMode` finds mixed devices without a GPU too, but its tensors have no values, and code that
decides by values (`nonzero`, `item`) does not run on them. Here it does, and the values are those of the CPU.
"meta" stands for "cuda", of which a torch without CUDA refuses even to index a tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

GPU = torch.device("meta")
aten = torch.ops.aten
BETWEEN_DEVICES = (aten._to_copy.default, aten.copy_.default)
INDEXED = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default)
"""Whose masks and indices may lie on the CPU."""


class OnGpu(torch.Tensor):
    """A tensor that says it is on the GPU.

    Attributes:
        values: on the CPU.
    """

    values: torch.Tensor

    @staticmethod
    def __new__(cls, values: torch.Tensor) -> OnGpu:
        made: OnGpu = torch.Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=GPU,
        )
        made.values = values
        return made

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return computed(func, args, kwargs or {})


class _FromNumbers(TorchFunctionMode):
    """Brings to the GPU what torch would make without values there."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if func not in (torch.tensor, torch.as_tensor):
            return func(*args, **options)
        device = options.pop("device", None) or "cpu"
        return func(*args, **options).to(device)


class PretendedGpu(TorchDispatchMode):
    """While it is entered, `GPU` can be used in this thread as if there were one.

    Attributes:
        memory_bytes: of the largest tensor that it can make.
        done, done_beside: names of the operations that were computed on it, and on the CPU meanwhile.
    """

    def __init__(self, memory_bytes: float = float("inf")) -> None:
        super().__init__()
        self.memory_bytes = memory_bytes
        self.done: set[str] = set()
        self.done_beside: set[str] = set()
        self._from_numbers = _FromNumbers()

    def __enter__(self) -> PretendedGpu:
        self._from_numbers.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._from_numbers.__exit__(*error)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = computed(func, args, kwargs or {})
        made = [tensor for tensor in _tensors([result]) if isinstance(tensor, OnGpu)]
        (self.done if made else self.done_beside).add(func.overloadpacket.__name__)
        if any(tensor.values.nbytes > self.memory_bytes for tensor in made):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return result


def computed(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What an operation of torch makes of tensors on one device, on that device.

    Raises:
        RuntimeError: they are on two, which the operation does not allow.
    """
    on_gpu = _makes_on_gpu(func, args, kwargs)
    real = {name: _values(value) for name, value in kwargs.items()}
    if real.get("device") is not None:
        real["device"] = torch.device("cpu")
    result = func(*_values(args), **real)
    if func._schema.is_mutable:
        return kwargs["out"] if "out" in kwargs else args[0]
    return _brought(result) if on_gpu else result


def _makes_on_gpu(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether an operation's result is on the GPU; single numbers may come from the CPU."""
    device = kwargs.get("device")
    if device is not None:
        return torch.device(device) == GPU
    if func in BETWEEN_DEVICES:
        return isinstance(args[0], OnGpu)
    tensors = list(_tensors([args, list(kwargs.values())]))
    on_gpu = any(isinstance(tensor, OnGpu) for tensor in tensors)
    checked = _tensors([args[0], *args[2:]]) if func in INDEXED else tensors
    apart = [tuple(tensor.shape) for tensor in checked if tensor.ndim and not isinstance(tensor, OnGpu)]
    if on_gpu and apart:
        raise RuntimeError(f"{func}: of tensors on the GPU and on the CPU {apart}.")
    return on_gpu


def _tensors(items: Iterable[Any]) -> Iterator[torch.Tensor]:
    for item in items:
        if isinstance(item, torch.Tensor):
            yield item
        elif isinstance(item, list | tuple):
            yield from _tensors(item)


def _values(item: Any) -> Any:
    """The same on the CPU."""
    if isinstance(item, list | tuple):
        return type(item)(map(_values, item))
    return item.values if isinstance(item, OnGpu) else item


def _brought(item: Any) -> Any:
    """The same on the GPU."""
    if isinstance(item, list | tuple):
        return type(item)(map(_brought, item))
    return OnGpu(item) if isinstance(item, torch.Tensor) else item
