"""How a trained model turns features into scores, and how it explains them."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

import tfrs_afm
from serving.exporting.model_inputs import ModelInputs, recorded_inputs
from serving.exporting.same_computation import same_computation
from tfrs_afm._host import layers_of
from tfrs_afm.columns.joined_members import plain_keys
from tfrs_afm.embeddings.column_embedding import ColumnEmbedding
from tfrs_afm.tasks.interaction_task import InteractionTask
from tfrs_afm.types import Model, Tensor

_TASK_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_READY = (tfrs_afm.models.AFM, tfrs_afm.models.DeepFM)
_WITHOUT_PYTHON_FLOW = {"tfrs_afm", "tf_keras", "tensorflow_recommenders"}


class Scorer:
    """Reads a trained model: its columns, and the parts that make its score.

    What is served is the model: its whole `call`. A model made of one `FieldEmbedding` and one of
    our tasks and of nothing else is taken apart, so that each part can be traced for itself: the
    user's fields apart from the films'. That the parts are all there is to it is known of our own
    models by their class, and of others by their graph, operation by operation; answers on some
    rows prove nothing of others.

    Args:
        model: A `tfrs.Model`, or any Keras model, that holds an embedding layer of ours.
        output: Which of its answers this scores, where it gives a dict of them.
        inputs: What the model reads. Default: what its columns read, or what it was called on,
            where that is more.

    Raises:
        ValueError: If there is none in it, or two layers read one feature in two ways.
    """

    def __init__(self, model: Model, output: str = "", inputs: ModelInputs | None = None) -> None:
        self.output = output
        parts = list(model.submodules) if isinstance(model, tf.Module) else []
        self.model = model
        self.embeddings = [part for part in parts if isinstance(part, ColumnEmbedding)]
        self._tasks = [part for part in parts if isinstance(part, InteractionTask)]
        self.task: Any = None
        if not self.embeddings:
            raise ValueError(
                "`model` must hold a tfrs_afm embedding layer. Received: "
                f"model={type(model).__name__}. Keep the layer in an attribute of the model."
            )
        self.spec: dict[str, Any] = {}
        for embedding in self.embeddings:
            for key, feature in tfrs_afm.parse_spec(embedding.columns).items():
                if self.spec.setdefault(key, feature) != feature:
                    raise ValueError(
                        "`model` must read one feature in one way. Received: model="
                        f"{type(model).__name__}, which parses '{key}' as {self.spec[key]} and as "
                        f"{feature}. Give both columns the same dtype, or the feature two names."
                    )
        self._inputs = inputs or recorded_inputs(model, self.spec)
        if self._inputs is not None:
            self.spec = self._inputs.parse_spec

    @property
    def embedding(self) -> Any:
        """The one embedding layer of a model in parts."""
        return self.embeddings[0]

    @property
    def binary(self) -> bool:
        """Whether scores are known to be probabilities of a label 1."""
        return self.task is not None and self.task.binary

    def parse(self, examples: Any, keys: Any = None, *, ragged: bool = False) -> dict[str, Any]:
        """Parses serialized examples.

        Args:
            examples: `(batch,)` strings.
            keys: The features to read. Default: all.
            ragged: Whether lists that only our embedding layer reads are RaggedTensors: it takes
                them apart at less work.

        Returns:
            Features by name; other lists are SparseTensors of their true lengths.
        """
        spec = self.spec if keys is None else {key: self.spec[key] for key in keys}
        if ragged and self.task is not None:
            flat = plain_keys(self.embedding.fields, self.embedding.joined_fields)
            spec = {
                key: tf.io.RaggedFeature(one.dtype, row_splits_dtype=tf.int64)
                if key in flat and isinstance(one, tf.io.VarLenFeature)
                else one
                for key, one in spec.items()
            }
        return tf.io.parse_example(examples, spec) if spec else {}

    def by_task(self, features: Mapping[str, Any]) -> dict[str, "Scorer"]:
        """A scorer for each answer of the model, by the name of its task.

        Args:
            features: Rows for a first call.

        Returns:
            This one, without a name, for a model that gives no dict.

        Raises:
            ValueError: If the model fails on them, or names an answer as no signature can be.
        """
        answer = self._asked(features)
        if not isinstance(answer, Mapping):
            return {"": self}
        for name in answer:
            if not isinstance(name, str) or not _TASK_NAME.fullmatch(name):
                raise ValueError(
                    "`model` must name its answers in letters, digits, '_', '.' and '-'. Received: "
                    f"model={type(self.model).__name__}, which answers with {list(answer)}. "
                    "Signatures are called by these names."
                )
        return {name: Scorer(self.model, name, self._inputs) for name in sorted(answer)}

    def called(self, features: Mapping[str, Any]) -> Any:
        """The model's own answer on parsed features."""
        return self.model(features if self._inputs is None else self._inputs.taken(features))

    def _asked(self, features: Mapping[str, Any]) -> Any:
        try:
            return self.called(features)
        except Exception as error:  # of whatever kind: Keras' text would list all tensors
            first = (str(error).strip() or "no text").splitlines()[0][:200]
            raise ValueError(
                f"`model` must answer on the features {sorted(self.spec)}. Received: model="
                f"{type(self.model).__name__}, which fails with {type(error).__name__}: {first}. "
                "By default these are what its columns read: if it reads others, as in front of "
                "preprocessing layers, say which in `features`."
            ) from error

    def answer(self, features: Mapping[str, Any]) -> Any:
        """The model's own answer, eagerly: `(batch,)` float32.

        Raises:
            ValueError: If it is not one number per example.
        """
        answer = self._asked(features)
        if self.output:
            answer = answer[self.output]
        if not tf.is_tensor(answer) or answer.shape.num_elements() != answer.shape[0]:
            shape = answer.shape if tf.is_tensor(answer) else type(answer).__name__
            raise ValueError(
                "`model` must answer with one number per example. Received: model="
                f"{type(self.model).__name__}, which answers with {shape}. Wrap the output to "
                "be served in a model of its own."
            )
        return _flat(answer)

    def take_apart(self, features: Mapping[str, Any]) -> None:
        """Finds out whether embedding and task are all that the model computes.

        Args:
            features: Rows for a first call, which makes variables that are not there yet.
        """
        self.answer(features)
        if len(self.embeddings) != 1 or self._inputs is not None:
            return
        if type(self.embedding) is not tfrs_afm.FieldEmbedding:
            return
        model = self.model
        if type(model) is tfrs_afm.models.MultiTask:
            if not {"call", "logits"} & vars(model).keys():
                self.task = model.task.tasks[self.output]
            return
        if len(self._tasks) != 1 or self.output:
            return
        task = self._tasks[0]
        ready = type(model) in _READY and not {"call", "logits"} & vars(model).keys()
        if ready or self._is_only(task):
            self.task = task

    @property
    def autograph(self) -> bool:
        """Whether what is served runs code that AutoGraph may have to convert: somebody else's.

        Converting ours, which has nothing to convert, takes longer than all the rest of tracing.
        """
        parts = [self.model] if self.task is None else [self.embedding, self.task]
        layers = [one for part in parts for one in layers_of(part)]
        functions = [getattr(one, "activation", None) for one in layers]
        lambdas = [one.function for one in layers if isinstance(one, tf.keras.layers.Lambda)]
        calls = [one.call for one in layers if "call" in vars(one)]
        written = [*map(type, [*parts, *layers]), *filter(None, functions), *lambdas, *calls]
        packages = {str(getattr(one, "__module__", None)).partition(".")[0] for one in written}
        return not packages <= _WITHOUT_PYTHON_FLOW

    def _is_only(self, task: Any) -> bool:
        """Whether the model's graph is that of the task over the embedding, or of its logits."""

        def traced(score: Callable[[Any], Any]) -> Any:
            spec = [tf.TensorSpec([None], tf.string)]
            function = tf.function(lambda examples: score(self.parse(examples)), spec)
            return function.get_concrete_function()

        def logits(features: Any) -> Any:
            return task.logits(*self.embedding(features), training=False)

        model = traced(self.model)
        parts = (logits, lambda features: task.predictions(logits(features)))
        return any(same_computation(model, traced(part)) for part in parts)

    def outputs(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Scores features as the `serving_default` signature answers.

        Args:
            features: Parsed features.

        Returns:
            `predictions` `(batch,)` float32, and `logits`, before any calibration, where the model
            has them.
        """
        if self.task is None:
            answer = self.called(features)
            return {"predictions": _flat(answer[self.output] if self.output else answer)}
        with self.no_losses():
            return self.task_outputs(*self.embedding.embed(features, self.embedding.fields))

    def task_outputs(self, vectors: Tensor, mask: Tensor, linear: Tensor) -> dict[str, Any]:
        """Scores embedded fields; as `outputs`."""
        logits = self.task.logits(vectors, mask, linear, training=False)
        return {"predictions": _flat(self.task.predictions(logits)), "logits": _flat(logits)}

    @contextmanager
    def no_losses(self) -> Iterator[None]:
        """Keeps regularization, a loss of training, out of what is traced meanwhile."""
        l2, self.embedding.l2 = self.embedding.l2, 0.0
        try:
            yield
        finally:
            self.embedding.l2 = l2


def all_outputs(scorers: Mapping[str, Scorer], features: Mapping[str, Any]) -> dict[str, Any]:
    """Scores features as the `serving_default` signature answers, embedded once for all tasks.

    Args:
        scorers: The scorers of a model by task, as `by_task` gives them.
        features: Parsed features.

    Returns:
        As `outputs`; of several tasks the predictions `(batch,)` by task.
    """
    first = next(iter(scorers.values()))
    if not first.output:
        return first.outputs(features)
    if first.task is None:
        answers = first.called(features)
        return {name: _flat(answers[name]) for name in scorers}
    with first.no_losses():
        fields = first.embedding.embed(features, first.embedding.fields)
    return {name: one.task_outputs(*fields)["predictions"] for name, one in scorers.items()}


def _flat(scores: Tensor) -> Any:
    return tf.reshape(tf.cast(scores, tf.float32), [-1])


_TOP = 5


def top_count(scorer: Scorer) -> int:
    """How many pairs are told of; 0 where the model has none, or is not in parts."""
    if scorer.task is None or not hasattr(scorer.task.interaction, "contributions"):
        return 0
    fields = len(scorer.embedding.fields)
    return min(_TOP, fields * (fields - 1) // 2)


def pair_names(scorer: Scorer) -> list[tuple[str, str]]:
    """Names of the two fields of every pair, in the order of contributions."""
    return list(itertools.combinations([field.name for field in scorer.embedding.fields], 2))


def explained(scorer: Scorer, features: Mapping[str, Any]) -> dict[str, Any]:
    """Explains scores, as the `explain` signature answers.

    Args:
        scorer: A model in parts.
        features: Parsed features.

    Returns:
        `first_field` and `second_field`, strings, `contribution`, the pair's signed share of the
        logit, and `attention`, all `(batch, top)`, the largest share first; and `logits`.
    """
    with scorer.no_losses():
        fields = scorer.embedding.embed(features, scorer.embedding.fields)
        logits = scorer.task_outputs(*fields)["logits"]
    parts = scorer.task.interaction.contributions(*fields)
    shares = tf.cast(parts.pairs, tf.float32)  # (batch, num_pairs)
    _, order = tf.math.top_k(tf.abs(shares), top_count(scorer))
    first, second = zip(*pair_names(scorer), strict=True)
    return {
        "first_field": tf.gather(tf.constant(first), order),
        "second_field": tf.gather(tf.constant(second), order),
        "contribution": tf.gather(shares, order, batch_dims=1),
        "attention": tf.gather(tf.cast(parts.attention, tf.float32), order, batch_dims=1),
        "logits": logits,
    }
