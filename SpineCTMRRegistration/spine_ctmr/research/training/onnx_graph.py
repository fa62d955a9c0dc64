"""The layers of a network as an ONNX file, written node by node.

Written directly rather than by `torch.onnx.export`, so that the same weights give the same bytes under every
version of torch, with plain operators only and without the exporting machine's paths. `export` compares
the file's output with the network's, so a change of the network's `forward` cannot go unnoticed here.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from torch import nn

from ...errors import InputError
from ...network.matching_unet import CHANNELS, MatchingUNet
from ...network.motion import RegistrationNetwork
from ...network.unet import VelocityUNet

OPSET = 18
IR_VERSION = 8
OPERATORS = {"Conv", "LeakyRelu", "MaxPool", "Resize", "Concat", "Add", "Mul"}
"""All that a file may contain, so that every onnxruntime runs it on every device."""


class _Graph:
    """Nodes and weights so far; every method appends one operator and returns its output's name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def convolution(self, x: str, name: str, layer: nn.Module) -> str:
        weights = [
            self.constant(f"{name}.{k}", v.detach().cpu().numpy()) for k, v in layer.named_parameters()
        ]
        return self.add("Conv", x, *weights, kernel_shape=[3] * 3, pads=[1] * 6)

    def activated(self, x: str, name: str, layer: nn.Module) -> str:
        return self.add("LeakyRelu", self.convolution(x, name, layer), alpha=0.2)


def has_onnx_form(model: RegistrationNetwork) -> bool:
    """Whether `onnx_content` can write a network's layers."""
    return isinstance(model, VelocityUNet | MatchingUNet)


def onnx_content(model: RegistrationNetwork) -> bytes:
    """One file of the layers; sides of its input are multiples of 16 voxels of the images.

    Input "images" (1, 2, z, y, x), or "features" (1, C, z, y, x) where the network's options prepare them;
    output "velocity".

    Raises:
        InputError: a network of this kind has no ONNX form, or the package onnx is missing.
    """
    if find_spec("onnx") is None:
        raise InputError("Exporting this network needs the package 'onnx'; run `pip install onnx`.")
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph()
    match model:
        case VelocityUNet():
            name, channels = "images", 2
            _velocity_unet(graph, model)
        case MatchingUNet():
            name, channels = "features", CHANNELS
            _matching_unet(graph, model)
        case _:
            raise InputError(f"Networks of the class {type(model).__name__} have no ONNX form.")
    images = helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "z", "y", "x"])
    out = [1, 3, "out_z", "out_y", "out_x"]
    velocity = helper.make_tensor_value_info("velocity", TensorProto.FLOAT, out)
    body = helper.make_graph(graph.nodes, type(model).__name__, [images], [velocity], graph.weights)
    opset = helper.make_opsetid("", OPSET)
    file = helper.make_model(body, opset_imports=[opset], ir_version=IR_VERSION)
    onnx.checker.check_model(file, full_check=True)
    return bytes(file.SerializeToString())


def _velocity_unet(graph: _Graph, model: VelocityUNet) -> None:
    """The operators of `VelocityUNet.forward`."""
    x = _u_net(graph, "images", model.encoder, model.decoder)
    for k, layer in enumerate(model.head):
        x = graph.activated(x, f"head.{k}", layer)
    scale = graph.constant("velocity_scale_mm", model.velocity_scale_mm)
    graph.add("Mul", graph.convolution(x, "flow", model.flow), scale, output="velocity")


def _matching_unet(graph: _Graph, model: MatchingUNet) -> None:
    """The operators of `MatchingUNet.layers`."""
    x = _u_net(graph, "features", model.encoder, model.decoder)
    blend = model.blend.weight.detach().cpu().numpy()
    unused = CHANNELS - blend.shape[1]
    weight = graph.constant("blend", np.pad(blend, [(0, 0), (0, unused), (0, 0), (0, 0), (0, 0)]))
    matches = graph.add("Conv", "features", weight, kernel_shape=[1] * 3)
    scale = graph.constant("velocity_scale_mm", model.velocity_scale_mm)
    total = graph.add("Add", graph.convolution(x, "flow", model.flow), matches)
    graph.add("Mul", total, scale, output="velocity")


def _u_net(graph: _Graph, x: str, encoder: nn.ModuleList, decoder: nn.ModuleList) -> str:
    """Encoder with max-poolings, decoder with doublings and skips."""
    doubled = graph.constant("doubled", [1, 1, 2, 2, 2])
    features = [graph.activated(x, "encoder.0", encoder[0])]
    for k, layer in enumerate(list(encoder)[1:], 1):
        pooled = graph.add("MaxPool", features[-1], kernel_shape=[2] * 3, strides=[2] * 3)
        features.append(graph.activated(pooled, f"encoder.{k}", layer))
    x = features.pop()
    for k, layer in enumerate(decoder):
        x = graph.add(
            *("Resize", x, "", doubled),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        x = graph.activated(graph.add("Concat", x, features.pop(), axis=1), f"decoder.{k}", layer)
    return x


def require_plain(content: bytes) -> None:
    """Check the opset and the operators of a file.

    Raises:
        InputError: the file is not one that `onnx_content` writes.
    """
    import onnx

    file = onnx.load_from_string(content)
    opsets = {opset.domain: opset.version for opset in file.opset_import}
    others = {node.op_type for node in file.graph.node} - OPERATORS
    if opsets != {"": OPSET} or others:
        raise InputError(
            f"The ONNX file has the opsets {opsets} and operators {sorted(others)}; export it again."
        )
