"""Round a product's weights one input at a time, and let the inputs not yet rounded make good what that cost.

Frantar et al. 2023, GPTQ, on codebooks in place of a grid. What a product loses by rounding is the error of its
outputs on the texts that it reads, not that of its weights: inputs go together, so that the error of one can be taken
back by the next ones. It needs the products of the inputs with each other, of some hundred texts, and no training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from scipy.linalg import cholesky, lapack

from tilth.threads import thread_count

_DAMPING = 0.01
"""Of the mean square of the inputs, what is added to each: few texts leave some inputs unseen."""
_BLOCK = 64
"""Inputs that are rounded before the rest is corrected at once."""


def input_products(graph: Path, batches: Iterable[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What the inputs of each product of a float graph have in common: the sum over tokens of their products.

    Args:
        graph: with its weights inside.
        batches: inputs of the graph, by name.

    Returns:
        By the name of the product's weights, float32, shape (inputs, inputs); empty of a graph without products, a
        static model's.
    """
    model = onnx.load(graph)
    weights = {tensor.name for tensor in model.graph.initializer}
    of = {
        node.input[1]: node.input[0]
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm") and node.input[1] in weights and node.input[0] not in weights
    }
    if not of:
        return {}
    names = sorted(set(of.values()))
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_count()  # many texts at once, whose products are worth sharing
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    summed: dict[str, np.ndarray] = {}
    for batch in batches:
        for name, values in zip(names, session.run(names, dict(batch)), strict=True):
            rows = values.reshape(-1, values.shape[-1])[np.asarray(batch["attention_mask"]).ravel() > 0]
            summed[name] = summed.get(name, 0) + rows.T @ rows
    return {weight: summed[name] for weight, name in of.items()}


def compensated_codes(values: np.ndarray, books: np.ndarray, products: np.ndarray) -> np.ndarray:
    """The code of each weight, so that the outputs' error is small on such inputs.

    Args:
        values: the weights, shape (inputs, outputs).
        books: each output's values, ascending, shape (outputs, codes).
        products: of the inputs with each other, shape (inputs, inputs).

    Returns:
        uint8, shape (inputs, outputs).
    """
    order = np.argsort(-np.diagonal(products), kind="stable")  # what is seen most has most to make it good
    upper = inverse_factor(products[np.ix_(order, order)])
    left, codes = values[order].astype(np.float32), np.empty(values.shape, dtype=np.uint8)
    borders, columns = (books[:, 1:] + books[:, :-1]).T / 2, np.arange(values.shape[1])
    for start in range(0, len(left), _BLOCK):
        end = min(start + _BLOCK, len(left))
        errors = np.empty((end - start, left.shape[1]), dtype=np.float32)
        for place in range(start, end):
            chosen = (left[place] > borders).sum(axis=0)
            codes[order[place]] = chosen
            errors[place - start] = (left[place] - books[columns, chosen]) / upper[place, place]
            left[place + 1 : end] -= np.outer(upper[place, place + 1 : end], errors[place - start])
        left[end:] -= upper[start:end, end:].T @ errors
    return codes


def inverse_factor(products: np.ndarray) -> np.ndarray:
    """The upper Cholesky factor of the inverse of some products, damped, float32, shape (inputs, inputs)."""
    damped = products.astype(np.float64)
    damped[np.diag_indices_from(damped)] += max(_DAMPING * float(np.diagonal(damped).mean()), 1e-12)
    # Of rows and columns in reverse order the lower factor is an upper one of these, whose inverse is what is wanted:
    # no product and no second factor.
    lower = cholesky(damped[::-1, ::-1], lower=True)
    inverse, _ = lapack.dtrtri(lower, lower=1)
    return np.asarray(inverse[::-1, ::-1], dtype=np.float32)
