import warnings

import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.training.identity import forms_of_epoch, make_variables, megabytes, refuse_other_run


def test_tables_count_once_and_slots_by_the_optimizer() -> None:
    fc = tf.feature_column
    both = [fc.categorical_column_with_identity(key, 1000) for key in ("seen", "item")]
    model = tfrs_afm.models.DeepFM(tfrs_afm.shared_embeddings(both, 4), units=[2])
    model.compile(tfrs_afm.optimizers.Adam())
    make_variables(model, 0)
    model.optimizer.build(model.trainable_variables)
    found = megabytes(model)
    # One table of vectors for both, and a linear weight for each id of each.
    numbers = 1000 * 4 + 2 * 1000
    assert found["table_megabytes"] == pytest.approx(4 * numbers / 1e6)
    dense = sum(tf.size(one).numpy() for one in model.trainable_variables) - numbers
    # Two slots for each number, and the counter of steps, an int64.
    assert found["optimizer_megabytes"] == pytest.approx((8 * (numbers + dense) + 8) / 1e6)


@pytest.mark.parametrize(
    ("known", "begun", "expected"),
    [
        ([], True, ["avx2"]),
        (["avx2"], True, ["avx2"]),
        (["stock", "avx2"], True, ["stock", "avx2"]),
        (["stock"], False, ["avx2"]),
        (["stock"], True, ["stock", "avx2"]),
    ],
)
def test_an_epoch_names_the_forms_that_train_it(
    known: list[str], begun: bool, expected: list[str]
) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert forms_of_epoch(known, "avx2", begun=begun) == expected
    # Another form is said, and nothing else.
    assert [str(one.message)[:61] for one in said] == [
        "The run was trained by kernels: stock, and goes on by kernels"
    ] * (known == ["stock"])


def test_a_run_with_a_pretraining_of_before_its_options_goes_on() -> None:
    saved = {"training": {"pretraining": {"epochs": 3}}}
    now = {"epochs": 3, "batch_norm": False, "dropout": 0.0}
    refuse_other_run(saved, {"training": {"pretraining": now}})
    with pytest.raises(ValueError, match=r"training\.pretraining\.dropout: 0.3 was"):
        refuse_other_run(saved, {"training": {"pretraining": {**now, "dropout": 0.3}}})
