"""w0 starts where a model that knows nothing else predicts the mean label."""

import math

import pytest
import tensorflow as tf

import tfrs_afm

tasks, parts = tfrs_afm.tasks, tfrs_afm.interactions
NOTHING = tf.zeros([2, 3, 4])  # vectors that add nothing to w0


def called(task: tasks.Ranking) -> tasks.Ranking:
    task.logits(NOTHING)
    return task


@pytest.mark.matrix
@pytest.mark.parametrize("mean", [0.001, 0.2, 0.5, 0.9])
@pytest.mark.parametrize(
    "make",
    [
        lambda: tasks.AFM(2),
        lambda: tasks.DeepFM([2]),
        lambda: tasks.DeepFM([2], loss=tasks.losses.Branches(teacher="label")),
        lambda: tasks.Ranking(parts.FieldGate(parts.AFM(2))),
        lambda: tasks.Ranking(parts.MultiEmbedding(parts.AFM(2), 2)),
        lambda: tasks.Ranking(parts.FieldGate(parts.MultiEmbedding(parts.DeepFM([2]), 4))),
    ],
)
def test_a_probability_starts_at_the_base_rate(make: object, mean: float) -> None:
    task = called(make())  # type: ignore[operator]
    before = float(task.logits(NOTHING)[0, 0])  # a tower's own start, 0 for vectors of zeros
    task.start_at_mean(mean)
    assert float(task.logits(NOTHING)[0, 0]) == pytest.approx(
        before + math.log(mean) - math.log1p(-mean), rel=1e-5, abs=1e-6
    )


@pytest.mark.parametrize("loss", ["mse", tasks.losses.ClippedSquaredError(1.0, 5.0)])
def test_a_number_starts_at_its_mean(loss: object) -> None:
    task = called(tasks.AFM(2, loss=loss))
    task.start_at_mean(3.58)
    assert task.predictions(task.logits(NOTHING)).numpy()[:, 0] == pytest.approx([3.58] * 2)


def test_each_task_of_several_starts_at_its_own() -> None:
    three = {"click": tasks.AFM(2), "rating": tasks.AFM(2, loss="mse"), "buy": tasks.AFM(2)}
    joint = tasks.Joint(three)
    joint.logits(NOTHING)
    joint.start_at_mean({"click": 0.25, "rating": 4.0})
    found = joint.predictions(joint.logits(NOTHING))
    means = {name: round(float(one[0, 0]), 6) for name, one in found.items()}
    assert means == {"click": 0.25, "rating": 4.0, "buy": 0.5}
    with pytest.raises(ValueError, match=r"`means` must be of tasks\..*Leave out \['bought'\]"):
        joint.start_at_mean({"bought": 0.5})


class OnesOwn(tf.keras.layers.Layer):
    def call(self, vectors: tf.Tensor, **_: object) -> tf.Tensor:
        return tf.reduce_sum(vectors, axis=[1, 2])[:, tf.newaxis]


@pytest.mark.parametrize(
    ("task", "mean", "message"),
    [
        (called(tasks.AFM(2)), 0.0, "`mean` must be between 0 and 1"),
        (called(tasks.AFM(2)), 3.6, "`mean` must be between 0 and 1"),
        (tasks.AFM(2), 0.5, "Call the model on a batch first"),
        (called(tasks.Ranking(OnesOwn())), 0.5, "interaction=OnesOwn with 0"),
        (
            called(tasks.AFM(2, loss=tasks.losses.PairwiseLogistic("user"))),
            0.5,
            "loss=PairwiseLogistic, which compares",
        ),
    ],
)
def test_where_there_is_no_such_start_it_says_so(
    task: tasks.Ranking, mean: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        task.start_at_mean(mean)
