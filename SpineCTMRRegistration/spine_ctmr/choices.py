"""What a user may choose between, for the engine, the command line and the panel."""

from __future__ import annotations

from typing import Literal, get_args

Quality = Literal["fast", "standard", "best"]
"""Accuracy against time and memory."""

Device = Literal["auto", "cuda", "cpu"]
"""Where network, vertebrae, soft tissue and deformation are computed; "auto" is CUDA where it is usable."""

DEFAULT_QUALITY: Quality = "standard"
DEFAULT_DEVICE: Device = "auto"

QUALITIES: tuple[Quality, ...] = get_args(Quality)
DEVICES: tuple[Device, ...] = get_args(Device)
