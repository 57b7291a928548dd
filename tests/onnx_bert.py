"""A BERT encoder written out as ONNX, operation by operation: from weights as published (safetensors), or from tiny random ones.

It needs the `onnx` package only, no torch, and is for tests: a library takes the model.onnx that its model's authors publish.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, np.ndarray[Any, Any]]


def safetensors(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The float32 tensors of a safetensors file."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    body = memoryview(content)[8 + length :]
    rows = {name: row for name, row in header.items() if name != "__metadata__" and row["dtype"] == "F32"}
    return {name: np.frombuffer(body[slice(*row["data_offsets"])], "<f4").reshape(row["shape"]) for name, row in rows.items()}


def tiny(vocabulary: int, size: int = 16, layers: int = 1, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Random weights under BERT's names."""
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (vocabulary, size),
        "embeddings.position_embeddings.weight": (512, size),
        "embeddings.token_type_embeddings.weight": (2, size),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(layers):
        base = f"encoder.layer.{layer}."
        names = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
        dense = {**dict.fromkeys(names, (size, size)), "intermediate.dense": (2 * size, size), "output.dense": (size, 2 * size)}
        for name, shape in dense.items():
            shapes |= {f"{base}{name}.weight": shape, f"{base}{name}.bias": shape[:1]}
        norms += [f"{base}attention.output.LayerNorm", f"{base}output.LayerNorm"]
    weights = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in norms:
        weights |= {f"{name}.weight": np.ones(size, np.float32), f"{name}.bias": np.zeros(size, np.float32)}
    return weights


class _Graph:
    def __init__(self, weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.stored: dict[str, onnx.TensorProto] = {}
        self.weights = weights

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def keep(self, name: str, array: np.ndarray[Any, Any]) -> str:
        self.stored[name] = numpy_helper.from_array(np.array(array, order="C"), name)
        return name

    def weight(self, name: str) -> str:
        return self.keep(name, self.weights[name])

    def dense(self, name: str, given: str) -> str:
        turned = self.keep(f"{name}.weight", self.weights[f"{name}.weight"].T)
        return self.add("Add", self.add("MatMul", given, turned), self.weight(f"{name}.bias"))

    def norm(self, name: str, given: str) -> str:
        return self.add("LayerNormalization", given, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), epsilon=1e-12)


def write(path: Path, weights: Weights, heads: int) -> None:
    """model.onnx with the inputs and the output that exports of BERT have."""
    graph = _Graph(weights)
    size = weights["embeddings.word_embeddings.weight"].shape[1]
    layers = sum(name.endswith("attention.self.query.weight") for name in weights)
    hidden = _embedded(graph)
    mask = graph.add("Cast", graph.add("Unsqueeze", "attention_mask", graph.keep("axes", np.array([1, 2]))), to=TensorProto.FLOAT)
    one, least = graph.keep("one", np.float32(1).reshape(1)), graph.keep("least", np.float32(1e9).reshape(1))
    mask = graph.add("Mul", graph.add("Sub", mask, one), least)
    for layer in range(layers):
        hidden = _layer(graph, f"encoder.layer.{layer}.", hidden, mask, (heads, size))
    graph.nodes.append(helper.make_node("Identity", [hidden], ["last_hidden_state"]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "s"]) for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["b", "s", size])
    made = helper.make_graph(graph.nodes, "bert", inputs, [output], list(graph.stored.values()))
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def _embedded(graph: _Graph) -> str:
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    types = graph.add("Gather", graph.weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
    length = graph.add("Gather", graph.add("Shape", "input_ids"), graph.keep("second", np.array(1)))
    places = graph.add("Range", graph.keep("from", np.array(0)), length, graph.keep("step", np.array(1)))
    positions = graph.add("Gather", graph.weight("embeddings.position_embeddings.weight"), places)
    return graph.norm("embeddings.LayerNorm", graph.add("Add", graph.add("Add", words, types), positions))


def _layer(graph: _Graph, base: str, hidden: str, mask: str, shape: tuple[int, int]) -> str:
    heads, size = shape
    split = graph.keep("split", np.array([0, 0, heads, size // heads]))
    whole = graph.keep("whole", np.array([0, 0, size]))

    def headed(name: str, order: list[int]) -> str:
        return graph.add("Transpose", graph.add("Reshape", graph.dense(f"{base}attention.self.{name}", hidden), split), perm=order)

    scores = graph.add("MatMul", headed("query", [0, 2, 1, 3]), headed("key", [0, 2, 3, 1]))
    scale = graph.keep("scale", np.array([(size // heads) ** -0.5], np.float32))
    chances = graph.add("Softmax", graph.add("Add", graph.add("Mul", scores, scale), mask), axis=-1)
    seen = graph.add("Transpose", graph.add("MatMul", chances, headed("value", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
    seen = graph.dense(f"{base}attention.output.dense", graph.add("Reshape", seen, whole))
    hidden = graph.norm(f"{base}attention.output.LayerNorm", graph.add("Add", seen, hidden))
    inner = graph.dense(f"{base}intermediate.dense", hidden)
    half, root = graph.keep("half", np.array([0.5], np.float32)), graph.keep("root", np.array([2**-0.5], np.float32))
    erf = graph.add("Add", graph.add("Erf", graph.add("Mul", inner, root)), graph.keep("one", np.float32(1).reshape(1)))
    gelu = graph.add("Mul", graph.add("Mul", inner, erf), half)
    return graph.norm(f"{base}output.LayerNorm", graph.add("Add", graph.dense(f"{base}output.dense", gelu), hidden))
