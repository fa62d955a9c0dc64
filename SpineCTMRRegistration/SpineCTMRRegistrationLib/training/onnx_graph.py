"""`VelocityUNet` as an ONNX file, written node by node.

Written directly rather than by `torch.onnx.export`, so that the same weights give the same bytes under every
version of torch, with plain operators only and without the exporting machine's paths. `export` compares
the file's output with the network's, so a change of `VelocityUNet.forward` cannot go unnoticed here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from ..errors import InputError
from ..network.unet import VelocityUNet

OPSET = 18
IR_VERSION = 8
OPERATORS = {"Conv", "LeakyRelu", "MaxPool", "Resize", "Concat", "Mul"}
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


def onnx_content(model: VelocityUNet) -> bytes:
    """One file: input "images" (1, 2, z, y, x), output "velocity"; sides are multiples of 16."""
    import onnx
    from onnx import TensorProto, helper

    graph = _graph(model)
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 2, "z", "y", "x"])
    half = [1, 3, "half_z", "half_y", "half_x"]
    velocity = helper.make_tensor_value_info("velocity", TensorProto.FLOAT, half)
    body = helper.make_graph(graph.nodes, "VelocityUNet", [images], [velocity], graph.weights)
    opset = helper.make_opsetid("", OPSET)
    file = helper.make_model(body, opset_imports=[opset], ir_version=IR_VERSION)
    onnx.checker.check_model(file, full_check=True)
    return bytes(file.SerializeToString())


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


def _graph(model: VelocityUNet) -> _Graph:
    """The operators of `VelocityUNet.forward`."""
    graph = _Graph()
    doubled = graph.constant("doubled", [1, 1, 2, 2, 2])
    features = [graph.activated("images", "encoder.0", model.encoder[0])]
    for k, layer in enumerate(model.encoder[1:], 1):
        pooled = graph.add("MaxPool", features[-1], kernel_shape=[2] * 3, strides=[2] * 3)
        features.append(graph.activated(pooled, f"encoder.{k}", layer))
    x = features.pop()
    for k, layer in enumerate(model.decoder):
        x = graph.add(
            *("Resize", x, "", doubled),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        x = graph.activated(graph.add("Concat", x, features.pop(), axis=1), f"decoder.{k}", layer)
    for k, layer in enumerate(model.head):
        x = graph.activated(x, f"head.{k}", layer)
    scale = graph.constant("velocity_scale_mm", model.velocity_scale_mm)
    graph.add("Mul", graph.convolution(x, "flow", model.flow), scale, output="velocity")
    return graph
