from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.training import Optimizer
from pipelines.fitting.fit import Fitted
from pipelines.modelling.build_model import build_model, load_model, make_loss, make_optimizer
from tests.pipelines.modelling.configurations import identity, made

SEEN = {"kind": "sequence_categorical_column_with_identity", "key": "seen", "num_buckets": 10}
FEATURES = {
    "user": tf.constant([1, 2]),
    "item": tf.constant([3, 4]),
    "seen": tf.ragged.constant([[1, 2, 3], []], tf.int64),
}
MODELS: dict[str, dict[str, Any]] = {
    "AFM": {},
    "AFM with a tower": {"deep": {"units": [4], "dropout": 0.1}, "attention_l2": 0.1},
    "AFM that averages": {"pooling": "average", "dropout": 0.2},
    "AFM over ids": {"crossing": "ids", "l2": 0.01, "attention_units": 4},
    "DeepFM": {"kind": "DeepFM", "units": [8, 4], "batch_norm": True, "kernel_l2": 0.1},
    "AFM of matrices, gated": {
        "pooling": "field_matrices",
        "pooled_batch_norm": True,
        "field_gate": True,
    },
    "gated DeepFM": {"kind": "DeepFM", "units": [4], "field_gate": True},
    "logistic regression": {"kind": "logistic_regression"},
}


def model(**sections: Any) -> Any:
    return build_model(made(identity("user"), identity("item"), SEEN, **sections), Fitted())


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_a_model_trains_and_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    built = model(model=MODELS[name])
    data = tf.data.Dataset.from_tensors((FEATURES, tf.constant([0.0, 1.0])))
    losses = built.fit(data.repeat(30), epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]
    built.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(FEATURES), built(FEATURES), rtol=1e-6)


@pytest.mark.parametrize("crossing", ["fields", "ids"])
def test_a_huge_vocabulary_is_composed_of_two_small_tables(crossing: str, tmp_path: Path) -> None:
    film = {"num_buckets": 1_000_000, "num_remainders": 1000, "shared": "films"}
    sections = [{**identity("item"), **film}, {**SEEN, **film}, identity("user")]
    built = build_model(made(*sections, model={"dim": 4, "crossing": crossing}), Fitted())
    table = next(one for name, one in built.embedding.tables.items() if "films" in name)
    assert [tuple(weight.shape) for weight in table.weights] == [(1000, 4), (1000, 4)]
    assert sum(tf.size(weight).numpy() for weight in built.trainable_variables) < 30_000
    built.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(FEATURES), built(FEATURES), rtol=1e-6)


def test_columns_of_one_table_that_are_composed_in_two_ways_are_told() -> None:
    films = [
        {**identity("item"), "shared": "films", "num_remainders": 3},
        {**SEEN, "shared": "films"},
    ]
    with pytest.raises(
        ValueError, match=r"`num_remainders` must be the same for columns that share"
    ):
        build_model(made(*films), Fitted())


@pytest.mark.parametrize("key", ["max_norm", "trainable"])
def test_a_composed_table_knows_no_such_thing(key: str) -> None:
    section = {**identity("item"), "num_remainders": 3, key: {"max_norm": 1.0}.get(key, False)}
    with pytest.raises(ValueError, match="be left out with `num_remainders`"):
        made(section)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("section", "kinds"),
    [
        ({"pooling": "field_weights"}, ["AFM", "FieldPairWeights"]),
        ({"pooled_batch_norm": True}, ["AFM", "BatchNormPooling", "AttentionPooling"]),
        ({"pooled_batch_norm": True, "pooling": "sum"}, ["BatchNormPooling", "SumPooling"]),
        ({"pair_batch_norm": True, "pooling": "sum"}, ["BatchNormPooling", "SumPooling"]),
        ({"pair_batch_norm": True, "pooled_batch_norm": True}, ["BatchNormPooling"]),
        ({"attention_softmax": False}, ["AFM", "AttentionPooling"]),
        ({"field_gate": True, "kind": "DeepFM", "units": [2]}, ["FieldGate", "DeepFM"]),
        ({"field_gate": True}, ["FieldGate", "AFM", "AttentionPooling"]),
        ({"embedding_sets": 2}, ["MultiEmbedding", "AFM", "AttentionPooling"]),
        ({"embedding_sets": 2, "kind": "DeepFM", "units": [2]}, ["MultiEmbedding", "DeepFM"]),
        ({"embedding_sets": 2, "field_gate": True}, ["FieldGate", "MultiEmbedding", "AFM"]),
    ],
)
def test_parts_are_put_together_as_the_section_says(
    section: dict[str, Any], kinds: list[str]
) -> None:
    interaction = model(model=section).task.interaction
    found = [type(layer).__name__ for layer in interaction._flatten_layers()]
    assert set(kinds) <= set(found)
    assert ("FieldGate" in found) == bool(section.get("field_gate"))
    norms = [layer for layer in interaction._flatten_layers() if hasattr(layer, "of_pairs")]
    keys = ("pooled_batch_norm", "pair_batch_norm")
    assert [layer.of_pairs for layer in norms] == [
        key == keys[1] for key in keys if section.get(key)
    ]
    attention = [layer for layer in interaction._flatten_layers() if hasattr(layer, "softmax")]
    assert all(layer.softmax == section.get("attention_softmax", True) for layer in attention)


@pytest.mark.parametrize(
    "section",
    [
        {"crossing": "ids", "field_gate": True},
        {"crossing": "ids", "pooling": "field_matrices"},
        {"kind": "logistic_regression", "field_gate": True},
        {"kind": "logistic_regression", "embedding_sets": 2},
        {"kind": "DeepFM", "pooled_batch_norm": True},
        {"kind": "DeepFM", "pair_batch_norm": True},
        {"kind": "DeepFM", "attention_softmax": False},
    ],
)
def test_what_needs_fields_or_pooled_pairs_is_refused_elsewhere(section: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"be left out of kind|where ids are crossed"):
        made(identity("user"), identity("item"), model=section)


@pytest.mark.parametrize("section", [{"kind": "DeepFM"}, {"deep": {"units": [2]}}])
def test_branches_take_the_loss_of_the_task(section: dict[str, Any]) -> None:
    task = {"branches": "label", "loss": "mean_squared_error"}
    loss = make_loss(made(identity("user"), model=section, task=task))
    assert (loss.teacher, type(loss.loss).__name__) == ("label", "MeanSquaredError")


def test_branches_are_refused_where_there_are_none() -> None:
    with pytest.raises(ValueError, match=r"`task.branches` must be left out of a model without"):
        made(identity("user"), task={"branches": "mean"})
    ranking = {"branches": "mean", "loss": "listwise_softmax"}
    with pytest.raises(ValueError, match=r"branches` must be left out with loss = 'listwise_"):
        made(identity("user"), model={"kind": "DeepFM"}, task=ranking)


def test_the_seed_decides_the_weights() -> None:
    one, same, other = (model(training={"seed": seed})(FEATURES).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_arguments_arrive_where_they_belong() -> None:
    section = {
        "attention_units": 3,
        "dropout": 0.1,
        "attention_dropout": 0.2,
        "attention_l2": 0.3,
        "temperature": 2.0,
        "deep": {"units": [5], "activation": "tanh", "batch_norm": True, "l2": 0.5},
    }
    layer = model(model=section).task.interaction
    for key, value in section.items():
        if key != "deep":
            assert getattr(layer, key) == value
    # The attention's arguments have nothing to act on where there is none.
    pooled = model(model={**section, "pooling": "max"}).task.interaction
    assert type(pooled.pooling).__name__ == "MaxPooling"
    assert pooled.dropout == 0.1
    assert layer.deep.get_config()["activation"] == "tanh"
    assert layer.deep.get_config()["l2"] == 0.5


def test_a_dropout_of_pairs_goes_to_the_attention_with_its_other_arguments() -> None:
    section = {"attention_units": 3, "attention_dropout": 0.2, "pair_dropout": 0.4}
    pooling = model(model=section).task.interaction.pairs_pooling
    assert (pooling.units, pooling.dropout, pooling.pair_dropout) == (3, 0.2, 0.4)


def test_a_pooling_rule_attends_from_the_column_of_a_feature() -> None:
    rule = {"kind": "TargetAttention", "query": "item", "units": [4], "softmax": True}
    configuration = made(identity("user"), identity("item"), {**SEEN, "pooling": rule})
    built = build_model(configuration, Fitted())
    found = built.embedding.pooling["seen_embedding"]
    assert (found.query, found.units, found.softmax) == ("item_embedding", [4], True)
    assert built(FEATURES).shape == (2, 1)


def test_a_pooling_rule_that_attends_from_nowhere_is_told() -> None:
    rule = {"kind": "TargetAttention", "query": "film"}
    with pytest.raises(ValueError, match=r"`pooling\.query` must be .* Received: query='film'"):
        build_model(made(identity("user"), {**SEEN, "pooling": rule}), Fitted())


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"loss": "binary_crossentropy", "label_smoothing": 0.1}, "BinaryCrossentropy"),
        ({"loss": "mean_squared_error"}, "MeanSquaredError"),
        ({"loss": "clipped_squared_error", "low": 1, "high": 5}, "ClippedSquaredError"),
        ({"loss": "pairwise_logistic"}, "PairwiseLogistic"),
        ({"loss": "listwise_softmax"}, "ListwiseSoftmax"),
    ],
)
def test_each_loss_is_the_one_that_was_asked_for(task: dict, expected: str) -> None:
    built = model(task=task)
    assert type(built.task._loss).__name__ == expected


def test_optimizers_are_row_sparse_unless_told_otherwise() -> None:
    ours = model(training={"optimizer": {"kind": "adagrad", "learning_rate": 0.5}})
    theirs = model(training={"optimizer": {"row_sparse": False, "weight_decay": 0.1}})
    assert isinstance(ours.optimizer, tfrs_afm.optimizers.Adagrad)
    assert type(theirs.optimizer) is tf.keras.optimizers.Adam
    assert theirs.optimizer.weight_decay == 0.1


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be a trained model\. Received: no such file"):
        load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("kind", ["adam", "adagrad", "ftrl", "sgd"])
@pytest.mark.parametrize("row_sparse", [True, False])
def test_the_configuration_makes_the_optimizer(kind: str, row_sparse: bool) -> None:
    settings = Optimizer(
        kind=kind,  # type: ignore[arg-type]
        row_sparse=row_sparse,
        learning_rate=0.25,
        weight_decay=0.5,
        global_clipnorm=2.0,
    )
    made = make_optimizer(settings)
    home = tfrs_afm.optimizers if row_sparse else tf.keras.optimizers
    assert type(made) in vars(home).values()
    assert type(made).__name__.lower() == kind
    assert float(made.learning_rate) == 0.25
    assert (made.weight_decay, made.global_clipnorm) == (0.5, 2.0)


def test_further_arguments_go_to_the_optimizer_and_unknown_ones_are_named() -> None:
    assert make_optimizer(Optimizer(arguments={"beta_2": 0.5})).beta_2 == 0.5
    with pytest.raises(ValueError, match=r"must be arguments of SGD.*beta_2"):
        make_optimizer(Optimizer(kind="sgd", arguments={"beta_2": 0.5}))
