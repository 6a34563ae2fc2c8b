"""A trained model to a published version, in one call."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from serving.exporting.golden import (
    feature_values,
    golden_examples,
    golden_requests,
    lists_among,
    missing_numbers,
)
from serving.exporting.model_inputs import ModelInputs
from serving.exporting.ranker import Ranker
from serving.exporting.scorer import Scorer
from serving.exporting.serving_module import RawInputs, ServingModule
from serving.exporting.side_files import write_sidecar, write_warmup
from serving.exporting.table_report import auc_report, table_report
from serving.publishing.publish import publish
from serving.signatures import DEFAULT_SIGNATURE
from serving.verification import verify_apart
from tfrs_afm._host import full_precision
from tfrs_afm.types import Model


def export(
    model: Model,
    base_path: str | os.PathLike[str],
    *,
    features: Mapping[str, Any] | None = None,
    examples: Sequence[Any] | None = None,
    candidate_features: Sequence[str] | None = None,
    list_features: Sequence[str] = (),
    tolerance: float = 1e-5,
    tables: str = "float32",
    table_tolerance: float = 0.05,
    auc_tolerance: float | None = None,
    label: str | None = None,
    keep_last: int | None = None,
) -> Path | str:
    """Saves a model for TensorFlow Serving, checks its answers, and publishes it.

    The SavedModel parses serialized `tf.Example`s with the very columns that the model was
    trained on. Its signatures:
      - `serving_default` (predict): `examples (batch,)` to `predictions (batch,)` and `logits`.
      - `regression`: `inputs (batch,)` to `outputs (batch,)`, the predictions.
      - `classification`, for binary labels: to `classes (batch, 2)` and `scores (batch, 2)`.
      - `rank` (predict): `context (batch,)`, `candidates (batch, N)` to `scores (batch, N)`.
      - `tensors` (predict): each feature as a tensor of its own, to what `serving_default` gives;
        one id is `(batch,)`, with -1 or "" for none; a list is dense, `(batch, longest)`, beside
        its lengths, `(batch,)`.
      - `explain` (predict), for AFM and DeepFM: `examples (batch,)` to the pairs of fields with
        the largest shares of the logit: names, contribution, attention, each `(batch, top)`.
    A model of several tasks, whose answer is a dict of one number an example each, has the
    predictions of each by its name in `serving_default` and `tensors`, and the others for each
    task as `<task>/regression`, `<task>/classification`, `<task>/rank`, `<task>/explain`.
    Under mixed precision a model is trained in half precision and served in that of its variables,
    float32: its answers are those of the model without rounding.
    Before anything is published, a fresh process loads the files as the server would, and every
    signature must answer golden rows as the model does: in a batch, in pairs and one by one.

    Args:
        model: `tfrs_afm.models.AFM`, `DeepFM`, `MultiTask`, or any model with one number per
            example, or a dict of such, that holds a tfrs_afm embedding layer.
        base_path: The model's folder of versions, or its address in an object store.
        features: What a model of your own reads, where that is not what its columns read, as with
            Keras preprocessing layers in front of them: by name a `tf.TensorSpec` (or sparse or
            ragged spec) of the batch, or how the feature is parsed (`tf.io.FixedLenFeature`, ...).
            Default: what the columns read; where the model was called or fitted on other
            features, those of them that its answer depends on.
        examples: `tf.train.Example`s or their bytes, for golden rows from real data; 16 are
            taken. Rows with unknown values, missing features, and empty and long lists are
            always among the golden ones.
        candidate_features: The features that come with a candidate in `rank`; the part of the
            others is then computed once for all candidates. With one feature, which holds one
            id, `candidates` are these ids; otherwise they are serialized examples. Default: any
            feature may come with a candidate, and nothing is shared.
        list_features: The features of other than sequence and weighted columns that may hold
            several ids, for `tensors`. Those that do in one of `examples` are known.
        tolerance: How far an answer may be off, relative to the larger of 1 and the answer.
        tables: How the rows of embedding tables are kept: "float32" as they are, "float16" in
            half the space, or "int8" with a scale a row, in a quarter. What is looked up is float32
            again. Tables of other kinds than rows of their own stay as they are.
        table_tolerance: What `tolerance` is for small `tables`: how far their answers may be off
            those of the model, in the same measure. `python -m serving verify` asks the same.
        auc_tolerance: How much AUC small `tables` may cost on all of `examples`, such as 0.0005.
            Default: it is not asked.
        label: The feature of `examples` that is 1 or 0, for `auc_tolerance`.
        keep_last: How many versions to keep. Default: all.

    Returns:
        The folder of the published version; in an object store, its address.

    Raises:
        ValueError: If the model has no embedding layer of ours, reads a feature that neither its
            columns nor `features` name, its answers are not one finite number each,
            `candidate_features` are not among its features, or it needs XLA or operations that the
            stock server does not have.
        VerificationError: A ValueError: the saved model does not answer as the model does, or
            `tables` cost more AUC than they may; nothing is published.

    Example:
        ```python
        path = serving.export(model, "models/ranker", candidate_features=["movie_id"])
        ```
    """
    if tables not in _TABLES:
        raise ValueError(
            f"`tables` must be one of {', '.join(_TABLES)}. Received: tables={tables!r}. Leave it "
            "out for rows as they are."
        )
    for name, value in (("tolerance", tolerance), ("table_tolerance", table_tolerance)):
        if not 0 <= value < math.inf:  # of inf every answer is within, of nan none
            raise ValueError(
                f"`{name}` must be 0 or more. Received: {name}={value}. Leave it out for the usual."
            )
    if not math.isfinite(auc_tolerance or 0.0):
        raise ValueError(
            f"`auc_tolerance` must be finite. Received: auc_tolerance={auc_tolerance}. Leave it "
            "out, and AUC is not looked at."
        )
    if (auc_tolerance is None) != (label is None) or (label and not examples):
        raise ValueError(
            "`auc_tolerance` must come with `examples` and their `label`. Received: auc_tolerance="
            f"{auc_tolerance}, label={label!r}, {len(examples or ())} examples. Give all, or none."
        )
    with full_precision(model):  # what training rounds off, a server need not
        scorer = Scorer(model, inputs=None if features is None else ModelInputs(features))
        columns = [column for embedding in scorer.embeddings for column in embedding.columns]
        values = feature_values(columns, scorer.spec)
        rows = golden_examples(values, examples)
        items = _checked("candidate_features", candidate_features, scorer)
        lists = _checked("list_features", list_features or None, scorer) or []
        parsed = scorer.parse([one.SerializeToString() for one in rows])
        scorers = scorer.by_task(parsed)
        if label and "" not in scorers:
            raise ValueError(
                "`auc_tolerance` must be left out for a model of several tasks. Received: "
                f"auc_tolerance={auc_tolerance} for the tasks {sorted(scorers)}. Look at "
                "`largest_score_difference` in the sidecar instead."
            )
        for one in scorers.values():
            one.take_apart(parsed)
        scorer = next(iter(scorers.values()))
        if scorer.task is not None:  # what else reads a NaN may make of it what it likes
            rows.append(missing_numbers(values))
        ids = _are_ids(items, scorer, examples)
        rankers = {task: Ranker(one, items, ids=ids) for task, one in scorers.items()}
        raw = RawInputs(scorer.spec, {*lists, *lists_among(values, [*rows, *(examples or ())])})
        small = tables != "float32"
        requests = golden_requests(scorers, rankers, raw, rows, *([2 * table_tolerance] * small))
        module = ServingModule(scorers, rankers, raw, tables)
        about = {"dtype": tables}
        if small:
            about |= table_report(module, requests[DEFAULT_SIGNATURE])
            tolerance = table_tolerance
        if auc_tolerance is not None:
            about |= auc_report(module, scorer, examples or (), str(label), auc_tolerance)
        for key, function in module.functions.items():
            check_graph(key, function.graph.as_graph_def())

        def write(folder: Path) -> None:
            tf.saved_model.save(module, str(folder), signatures=module.functions)
            updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
            for key, method in module.method_names.items():
                updater.replace_method_name(key, method, tags="serve")
            updater.save()
            write_sidecar(folder, module, scorers, rankers, requests, tolerance, about)
            write_warmup(folder, requests)
            verify_apart(folder)

        return publish(write, base_path, keep_last=keep_last)


_TABLES = ("float32", "float16", "int8")


def _checked(argument: str, given: Sequence[str] | None, scorer: Scorer) -> list[str] | None:
    if given is None:
        return None
    known = sorted(scorer.spec)
    if isinstance(given, str) or not set(given) <= set(known):
        raise ValueError(
            f"`{argument}` must be features of the model, {known}. Received: "
            f"{argument}={given!r}. Name them as the columns do."
        )
    if not given:
        raise ValueError(
            f"`{argument}` must name a feature. Received: {argument}=[]. Name one, or leave it out."
        )
    return sorted(given)


def _are_ids(items: list[str] | None, scorer: Scorer, examples: Sequence[Any] | None) -> bool:
    """Whether one id tells the candidate."""
    if items is None or len(items) != 1 or scorer.task is None:
        return False
    feature = scorer.spec[items[0]]
    if not isinstance(feature, tf.io.VarLenFeature) or feature.dtype.is_floating:
        return False
    fields = [field for field in scorer.embedding.fields if items[0] in field.keys]
    if any(field.sequence for field in fields):
        return False
    given = [one.SerializeToString() for one in golden_examples({}, examples)]
    parsed = scorer.parse(given, items)
    return int(parsed[items[0]].dense_shape[1]) <= 1


_XLA = ("_XlaMustCompile", "_XlaCompile")
_PYTHON_ONLY = ("EagerPyFunc", "PyFunc", "PyFuncStateless")


def check_graph(signature: str, graph: Any) -> None:
    """Refuses a graph that TensorFlow Serving's stock image would load and then fail on.

    Args:
        signature: The signature's key, for the message.
        graph: Its `GraphDef`, with the functions it calls.

    Raises:
        ValueError: If a function must be compiled by XLA, which that image has switched off, or
            an operation is not part of TensorFlow itself.
    """
    functions = {one.signature.name for one in graph.library.function}
    for name, attributes in _attributes(graph):
        if any(attributes[key].b for key in _XLA if key in attributes):
            raise ValueError(
                "`model` must not be compiled by XLA. Received: model with `jit_compile=True` in "
                f"'{name}', called by signature '{signature}'. Export it without `jit_compile`: "
                "the stock server refuses every such call."
            )
    for node in _nodes(graph):
        stock = hasattr(tf.raw_ops, node.op) or node.op in functions
        if node.op in _PYTHON_ONLY or not stock:
            raise ValueError(
                "`model` must use TensorFlow's own operations. Received: model with operation "
                f"'{node.op}' (node '{node.name}'), called by signature '{signature}'. Replace "
                "it: the stock server does not have it."
            )


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _attributes(graph: Any) -> Iterator[tuple[str, Any]]:
    for function in graph.library.function:
        yield function.signature.name, function.attr
    for node in _nodes(graph):
        yield node.name, node.attr
