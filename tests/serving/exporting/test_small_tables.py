"""Rows of tables in half or a quarter of the space."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

import serving
import tfrs_afm
from serving.sidecar import read_sidecar
from tests.serving.exporting import rankers

fc = tf.feature_column


def layer(dim: int = 32) -> tfrs_afm.FieldEmbedding:
    history = fc.sequence_categorical_column_with_identity("history", 50)
    movie = fc.categorical_column_with_identity("movie", 50)
    made = tfrs_afm.FieldEmbedding(
        [*tfrs_afm.shared_embeddings([history, movie], dim), fc.numeric_column("age")]
    )
    made.build(None)
    generator = np.random.default_rng(3)
    for weight in made.weights:
        rows = generator.normal(size=weight.shape) * 10.0 ** generator.integers(-3, 2, [50, 1])[:1]
        weight.assign(rows)
    return made


FEATURES = {
    "history": tf.ragged.constant([[1, 2, 3], [], [4]], tf.int64),
    "movie": tf.constant([3, -1, 49], tf.int64),
    "age": tf.constant([0.5, 2.0, 0.0]),
}


@pytest.mark.parametrize(("dtype", "steps"), [("float16", 2.0**-11), ("int8", 0.51 / 127)])
def test_rows_are_off_by_half_a_step_of_their_own_largest_number(dtype: str, steps: float) -> None:
    embed = layer()
    full = embed(FEATURES)
    with embed.stacked(dtype) as stacked:
        found = tf.function(lambda given: embed(given))(FEATURES)
    np.testing.assert_array_equal(found.mask, full.mask)
    assert found.vectors.dtype == tf.float32
    table = np.abs(embed.tables["history_movie_shared_embedding"].weights[0].numpy()).max()
    number = 2.0 * np.abs(embed.tables["age"].weights[0].numpy()).max()
    bound = steps * max(table, number) * 1.01
    assert 0.0 < np.abs(found.vectors - full.vectors).max() <= bound
    assert stacked.num_bytes <= (0.5 if dtype == "float16" else 0.3) * stacked.full_bytes


def test_each_row_has_a_scale_of_its_own() -> None:
    embed = layer()
    table = embed.tables["history_movie_shared_embedding"].weights[0]
    table.assign(tf.random.stateless_normal(table.shape, [1, 2]))
    table.assign(tf.tensor_scatter_nd_update(table, [[3]], [table[3] * 1e-2]))
    with embed.stacked("int8"):
        found = tf.function(lambda given: embed(given))(FEATURES)
    error = np.abs(found.vectors[0, 1] - table[3])
    assert error.max() <= 0.52 / 127 * np.abs(table[3]).max()


@pytest.mark.long
@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_an_export_with_small_tables_is_held_to_the_full_model(dtype: str, tmp_path: Path) -> None:
    model = rankers.trained(tfrs_afm.models.DeepFM(rankers.small_columns(), units=(4,)), 0.1)
    path = serving.export(model, tmp_path / "small", tables=dtype)
    sidecar = read_sidecar(Path(path))
    about = sidecar["tables"]
    assert about["dtype"] == dtype
    assert about["bytes"] < about["bytes_float32"]
    golden = sidecar["golden"]
    assert golden["tolerance"] == 0.05
    assert 0.0 < about["largest_score_difference"] <= 0.05
    assert serving.verify(path) > 0
    with pytest.raises(serving.VerificationError, match="Nothing was published"):
        serving.export(model, tmp_path / "exact", tables=dtype, table_tolerance=1e-9)
    assert not [one for one in (tmp_path / "exact").iterdir() if one.name.isdigit()]


def test_tables_must_be_known(deepfm: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`tables` must be one of float32, float16, int8"):
        serving.export(deepfm.model, tmp_path, tables="int4")
    assert read_sidecar(deepfm.path)["tables"] == {"dtype": "float32"}


def labelled(count: int, *, constant: bool = False) -> list[bytes]:
    draw = np.random.default_rng(5)
    found = []
    for row in range(count):
        example = tf.train.Example()
        feature = example.features.feature
        feature["user_id"].int64_list.value.append(int(draw.integers(50)))
        feature["movie_id"].int64_list.value.append(int(draw.integers(50)))
        feature["history"].int64_list.value.extend(draw.integers(50, size=3).tolist())
        feature["liked"].float_list.value.append(1.0 if constant else float(row % 2))
        found.append(example.SerializeToString())
    return found


@pytest.mark.long
def test_small_tables_may_cost_so_much_auc_and_no_more(tmp_path: Path) -> None:
    model = rankers.trained(tfrs_afm.models.DeepFM(rankers.small_columns(), units=(4,)), 0.1)
    rows = labelled(1500)  # more than a batch
    usual = {"tables": "int8", "examples": rows, "label": "liked"}
    path = serving.export(model, tmp_path / "small", auc_tolerance=0.01, **usual)
    about = read_sidecar(Path(path))["tables"]
    spec = tfrs_afm.parse_spec(model.columns)
    scores = model(tf.io.parse_example(rows, spec)).numpy()[:, 0]
    labels = np.arange(1500) % 2
    assert about["auc_float32"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-5)
    with serving.Session(Path(path)) as session:
        served = session.run("serving_default", {"examples": np.array(rows, object)})
    assert about["auc"] == pytest.approx(roc_auc_score(labels, served["predictions"]), abs=1e-5)
    worse = about["auc_float32"] - about["auc"] - 1e-4
    with pytest.raises(serving.VerificationError, match="`tables` must cost at most"):
        serving.export(model, tmp_path / "none", auc_tolerance=worse, **usual)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        *itertools.product(
            ("tolerance", "table_tolerance"), (float("nan"), float("inf"), -1e-9), ["0 or more"]
        ),
        # A negative one asks for tables that are better, as by chance they may be.
        *itertools.product(["auc_tolerance"], (float("nan"), float("inf")), ["finite"]),
    ],
)
def test_a_tolerance_that_everything_or_nothing_is_within_is_refused(
    name: str, value: float, rule: str, deepfm: Any, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be {rule}. Received: {name}={value}"):
        serving.export(deepfm.model, tmp_path, **{name: value})


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"auc_tolerance": 0.1}, "must come with `examples` and their `label`"),
        ({"label": "liked"}, "must come with `examples` and their `label`"),
        ({"auc_tolerance": 0.1, "label": "liked"}, "label='liked', 0 examples"),
        (
            {"auc_tolerance": 0.1, "label": "?", "examples": labelled(2)},
            r"label 0 or 1 in the feature '\?'. Received: \[\] in row 0",
        ),
        (
            {"auc_tolerance": 0.1, "label": "liked", "examples": labelled(2, constant=True)},
            r"positives and negatives .* labels \[1.0\]",
        ),
    ],
)
def test_what_an_auc_needs_is_named(
    arguments: dict[str, Any], said: str, deepfm: Any, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=said):
        serving.export(deepfm.model, tmp_path, tables="int8", **arguments)
