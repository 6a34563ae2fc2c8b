"""Which field pairs decided a score, for a batch and over a data set."""

import base64
import dataclasses
import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfrs_afm.embeddings import FieldEmbedding, IdEmbedding
from tfrs_afm.frames import Tabular, frame_features, is_frame
from tfrs_afm.models.field_ranking import FieldRanking
from tfrs_afm.tasks.interaction_task import InteractionTask
from tfrs_afm.types import Column, Layer, Model, Task


@dataclasses.dataclass(frozen=True)
class Explanation(Tabular):
    """Why each example of a batch got its logit.

    `bias + linear.sum(1) + pairs.sum(1) + deep` equals `logits`, and `logits + calibration` is what
    the sigmoid makes the prediction of.

    Attributes:
        fields: Names of the n members: fields, or at id level fields with the place of the id.
        fields_of: The name of the field of each member.
        pair_names: Names of the two fields of each pair, `num_pairs` of them.
        logits: `(batch,)` float32.
        bias: w0.
        linear: `(batch, n)`, the share of each field by itself.
        pairs: `(batch, num_pairs)`, the signed share of each pair.
        attention: `(batch, num_pairs)`, the attention of each pair; for DeepFM 1 for a real pair.
        deep: `(batch,)`, the share of the deep tower.
        calibration: `(batch,)`, what the calibration of the task adds; zeros without one.
    """

    fields: list[str]
    fields_of: list[str]
    pair_names: list[tuple[str, str]]
    logits: np.ndarray
    bias: float
    linear: np.ndarray
    pairs: np.ndarray
    attention: np.ndarray
    deep: np.ndarray
    calibration: np.ndarray

    @property
    def pair_members(self) -> list[tuple[int, int]]:
        """The two members of each pair, as indices into `fields`."""
        return list(itertools.combinations(range(len(self.fields)), 2))

    def _table(self) -> dict[str, Any]:
        """One row a part of an example's logit; of those that are 0, the bias only."""
        single = [("bias", None, None), *(("linear", name, None) for name in self.fields)]
        parts = [*single, *(("pair", *names) for names in self.pair_names)]
        parts += [("deep", None, None), ("calibration", None, None)]
        rows = len(self.logits)
        ends = [self.deep[:, np.newaxis], self.calibration[:, np.newaxis]]
        shares = np.concatenate([np.full([rows, 1], self.bias), self.linear, self.pairs, *ends], 1)
        first, last = len(single), len(single) + len(self.pair_names)
        shown = shares != 0
        shown[:, 0] = True
        example, part = np.nonzero(shown)
        paired = (part >= first) & (part < last)
        attention = np.zeros(shares.shape)
        attention[:, first:last] = self.attention
        return {
            "example": example.tolist(),
            **{
                name: [parts[index][place] for index in part]
                for place, name in enumerate(("part", "field", "other"))
            },
            "share": shares[example, part].tolist(),
            "attention": np.where(paired, attention[example, part], np.nan).tolist(),
        }

    def top_pairs(self, row: int, count: int = 5) -> list[dict[str, Any]]:
        """Returns the pairs that moved one example's logit most, in either direction.

        Args:
            row: The example.
            count: How many pairs.

        Returns:
            Dicts with `fields` (two names), `contribution` and `attention`, largest first.
        """
        order = np.argsort(-np.abs(self.pairs[row]), kind="stable")[:count]
        return [
            {
                "fields": self.pair_names[pair],
                "contribution": float(self.pairs[row, pair]),
                "attention": float(self.attention[row, pair]),
            }
            for pair in order
        ]


def explain(
    model: Model | Layer,
    features: Mapping[str, Any] | Task,
    task: str | Task | Mapping[str, Any] | None = None,
) -> Explanation:
    """Splits the logits of a batch into named parts that add up to them.

    A pair's share is `a_ij p . (v_i * v_j) x_i x_j` in AFM and `<v_i, v_j> x_i x_j` in DeepFM.
    What a model of your own does before the embedding layer or after the task is not seen:
    `explain(embedding, task, features)` takes the parts themselves, and the features as the
    embedding layer takes them.

    Args:
        model: `tfrs_afm.models.AFM`, `DeepFM` or `MultiTask`; any Keras model that holds one
            `FieldEmbedding` or `IdEmbedding` and tasks with AFM or DeepFM; or such a layer.
        features: Raw features of a batch, by name, or a data frame as for `frame_features`; or
            the task.
        task: Which of several tasks to explain: its name in a `MultiTask`, or the task itself; or
            the features.

    Returns:
        The parts, as NumPy arrays with names.

    Raises:
        TypeError: If there is no such layer or task in the model, or there are several.
        ValueError: If the model has no such task, or its interaction has no pairs to explain.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> columns = [
        ...     fc.embedding_column(fc.categorical_column_with_identity(name, 10), 4)
        ...     for name in ("user", "film")
        ... ]
        >>> model = tfrs_afm.models.AFM(columns, attention_units=4)
        >>> features = {"user": tf.constant([[1]]), "film": tf.constant([[3]])}
        >>> tfrs_afm.explain(model, features).pair_names
        [('user_embedding', 'film_embedding')]
    """
    if isinstance(features, InteractionTask):
        features, task = task, features
    embedding, chosen = _parts_of(model, task)
    if not hasattr(chosen.interaction, "contributions"):
        raise ValueError(
            "`task` must have an interaction of pairs. Received: task with interaction="
            f"{type(chosen.interaction).__name__}. AFM and DeepFM have."
        )
    fields = embedding(features)
    logits = chosen.logits(*fields[:3])
    parts = chosen.interaction.contributions(*fields[:3])
    owners = [field.name for field in embedding.fields]
    names = owners
    if hasattr(fields, "fields"):  # one member an id
        owners = [owners[index] for index in fields.fields.numpy()]
        names = [f"{owner}[{owners[:i].count(owner)}]" for i, owner in enumerate(owners)]
    return Explanation(
        fields=names,
        fields_of=owners,
        pair_names=list(itertools.combinations(names, 2)),
        logits=logits.numpy()[:, 0],
        bias=float(parts.bias),
        linear=np.asarray(parts.linear, np.float32),
        pairs=np.asarray(parts.pairs, np.float32),
        attention=np.asarray(parts.attention, np.float32),
        deep=np.asarray(parts.deep, np.float32),
        calibration=np.asarray(chosen.log_odds(logits) - logits, np.float32)[:, 0],
    )


def _parts_of(model: Any, task: Any) -> tuple[Any, Any]:
    """The embedding layer and the task that are explained."""
    if isinstance(model, FieldRanking) and not isinstance(task, InteractionTask):
        return model.embedding, model.task_named(task)
    parts = [model, *model.submodules] if isinstance(model, tf.Module) else []
    embedding = _only("embedding layer", _EMBEDDINGS, model, parts)
    if isinstance(task, InteractionTask):
        return embedding, task
    chosen = _only("task", (InteractionTask,), model, parts)
    if task is not None:
        raise ValueError(
            f"`task` must be a task, or left out. Received: task={task!r} for model="
            f"{type(model).__name__}. Names are those of a MultiTask."
        )
    return embedding, chosen


_EMBEDDINGS = (FieldEmbedding, IdEmbedding)


def _only(what: str, kinds: tuple[type, ...], model: Any, parts: list[Any]) -> Any:
    found = [part for part in parts if isinstance(part, kinds)]
    if len(found) != 1:
        raise TypeError(
            f"`model` must hold one {what} of tfrs_afm. Received: model={type(model).__name__} "
            f"with {len(found)}. Pass the parts: explain(embedding, task, features)."
        )
    return found[0]


@dataclasses.dataclass(frozen=True)
class PairAverages(Tabular):
    """Averages of explanations over a data set, by pair of fields.

    Attributes:
        fields: Names of the n fields.
        examples: How many examples were averaged over.
        contribution: `(n, n)` symmetric, the mean signed share of each pair in the logit.
        magnitude: `(n, n)` symmetric, the mean size of that share, whatever its sign.
        attention: `(n, n)` symmetric, the mean attention of each pair over the examples that have
            it; for DeepFM 1.
        linear: `(n,)`, the mean share of each field by itself.
    """

    fields: list[str]
    examples: int
    contribution: np.ndarray
    magnitude: np.ndarray
    attention: np.ndarray
    linear: np.ndarray

    def table(self) -> list[dict[str, Any]]:
        """Returns one row a pair, the pair that moves logits most first.

        Returns:
            Dicts with `fields` (two names), `contribution`, `magnitude` and `attention`.
        """
        rows = [
            {
                "fields": (self.fields[i], self.fields[j]),
                "contribution": float(self.contribution[i, j]),
                "magnitude": float(self.magnitude[i, j]),
                "attention": float(self.attention[i, j]),
            }
            for i, j in zip(*np.nonzero(np.triu(self.magnitude)), strict=True)
        ]
        return sorted(rows, key=lambda row: -row["magnitude"])

    def _table(self) -> dict[str, Any]:
        rows = self.table()
        return {
            "field": [row["fields"][0] for row in rows],
            "other": [row["fields"][1] for row in rows],
            **{name: [row[name] for row in rows] for name in _MEASURES},
        }

    def _repr_html_(self) -> str:
        """The heat map, where matplotlib is installed, and the table."""
        try:
            picture = io.BytesIO()
            self._figure("contribution").savefig(picture, format="png", dpi=80)
        except ImportError:
            return super()._repr_html_()
        data = base64.b64encode(picture.getvalue()).decode()
        return f'<img alt="heat map" src="data:image/png;base64,{data}">{super()._repr_html_()}'

    def heat_map(self, path: str | Path, what: str = "contribution") -> None:
        """Draws the pairs as a heat map.

        Args:
            path: Where the picture goes; its suffix (.png, .svg, .pdf) says the format.
            what: "contribution", "magnitude" or "attention".

        Raises:
            ValueError: If `what` is none of these.
            ImportError: If matplotlib is not installed.
        """
        if what not in _MEASURES:
            raise ValueError(
                "`what` must be 'contribution', 'magnitude' or 'attention'. "
                f"Received: what={what!r}. Choose one of them."
            )
        self._figure(what).savefig(path)

    def _figure(self, what: str) -> Any:
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(
                "`heat_map` must have matplotlib. Received: no such package. "
                "Install the extra: pip install 'tfrs-afm[report]'."
            ) from error
        values = getattr(self, what)
        side = 2 + 0.6 * len(self.fields)
        figure = Figure(figsize=(side + 1, side), layout="constrained")
        axes = figure.subplots()
        limit = float(np.abs(values).max()) or 1.0
        signed = what == "contribution"
        image = axes.imshow(
            values, cmap="RdBu_r" if signed else "Blues", vmin=-limit if signed else 0, vmax=limit
        )
        axes.set_xticks(range(len(self.fields)), self.fields, rotation=90)
        axes.set_yticks(range(len(self.fields)), self.fields)
        axes.set_title(f"mean {what} of field pairs, {self.examples} examples")
        figure.colorbar(image, ax=axes)
        return figure


_MEASURES = ("contribution", "magnitude", "attention")


def _batches(batches: Any, columns: Sequence[Column]) -> Iterable[Any]:
    if not is_frame(batches):
        return batches
    features = frame_features(batches, columns)
    return tf.data.Dataset.from_tensor_slices(features).batch(_ROWS)


_ROWS = 1024  # of a frame, explained at a time


def explain_dataset(
    model: Model | Layer, batches: Iterable[Any] | Any, task: str | Task | None = None
) -> PairAverages:
    """Averages explanations over a data set, batch by batch.

    At id level the pairs of ids are added up to pairs of their fields, also of a field with itself.

    Args:
        model: As for `explain`.
        batches: Batches of features, or tuples that begin with them, as `fit` takes them; or a
            data frame, as for `frame_features`.
        task: As for `explain`.

    Returns:
        The averages, as a table and as a heat map.

    Raises:
        TypeError, ValueError: As `explain`, or if there are no examples.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> columns = [
        ...     fc.embedding_column(fc.categorical_column_with_identity(name, 10), 4)
        ...     for name in ("user", "film")
        ... ]
        >>> model = tfrs_afm.models.AFM(columns, attention_units=4)
        >>> batch = {"user": tf.constant([[1], [2]]), "film": tf.constant([[3], [4]])}
        >>> averages = tfrs_afm.explain_dataset(model, [batch])
        >>> averages.examples, averages.table()[0]["fields"]
        (2, ('user_embedding', 'film_embedding'))
    """
    embedding, chosen = _parts_of(model, task)
    fields = [field.name for field in embedding.fields]
    place = {name: index for index, name in enumerate(fields)}
    sums = np.zeros([4, len(fields), len(fields)])  # contribution, magnitude, attention, seen
    linear, examples = np.zeros(len(fields)), 0
    for batch in _batches(batches, embedding.columns):
        explained = explain(
            embedding, batch[0] if isinstance(batch, list | tuple) else batch, chosen
        )
        examples += len(explained.logits)
        owners = [place[name] for name in explained.fields_of]
        np.add.at(linear, owners, explained.linear.sum(0))
        by_pair: dict[tuple[int, int], list[int]] = {}
        for pair, (one, other) in enumerate(explained.pair_members):
            key = sorted((owners[one], owners[other]))
            by_pair.setdefault((key[0], key[1]), []).append(pair)
        for (i, j), pairs in by_pair.items():
            share = explained.pairs[:, pairs].sum(1)
            attention = explained.attention[:, pairs].sum(1)
            sums[:, i, j] += [
                share.sum(),
                np.abs(share).sum(),
                attention.sum(),
                (attention > 0).sum(),
            ]
    if not examples:
        raise ValueError("`batches` must hold examples. Received: none. Pass a data set.")
    sums += np.triu(sums, 1).transpose(0, 2, 1)  # both halves
    return PairAverages(
        fields=fields,
        examples=examples,
        contribution=sums[0] / examples,
        magnitude=sums[1] / examples,
        attention=sums[2] / np.maximum(sums[3], 1),
        linear=linear / examples,
    )
