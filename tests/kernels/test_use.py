"""Where the kernels are used, and where never: nothing that is saved holds them."""

import contextlib
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
import tfrs_afm
from tests.kernels.graphs import graph_of, holds_kernels, saved_operations
from tfrs_afm import kernels
from tfrs_afm.interactions.pair_attention import attend_pairs
from tfrs_afm.kernels.library import load
from tfrs_afm.kernels.pair_attention import apply_to

RNG = np.random.default_rng(3)
fc = tf.feature_column
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(kernels.status().form == "stock", reason=kernels.status().reason),
]


class Pooling(tf.Module):
    """Weights of attention, a step that trains them and a function that serves them."""

    def __init__(self, dtype: tf.DType = tf.float32, jit: bool | None = None) -> None:
        super().__init__()
        shapes = ((3, 4), (4,), (4, 1))
        self.weights = [tf.Variable(RNG.normal(size=shape), dtype=dtype) for shape in shapes]
        signature = [tf.TensorSpec([None, 5, 3], dtype)]
        self.step = tf.function(self._step, input_signature=signature, jit_compile=jit)
        self.serve = tf.function(self.pool, input_signature=signature)

    def pool(self, vectors: Any) -> Any:
        mask = tf.ones(tf.shape(vectors)[:2], tf.bool)
        return attend_pairs(vectors, mask, *map(tf.convert_to_tensor, self.weights))

    def _step(self, vectors: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(self.pool(vectors)))
        for weight, gradient in zip(self.weights, tape.gradient(loss, self.weights), strict=True):
            weight.assign_sub(0.01 * gradient)
        return loss


VECTORS = tf.constant(RNG.normal(size=(6, 5, 3)), tf.float32)


def test_training_uses_them_and_serving_does_not() -> None:
    module = Pooling()
    assert holds_kernels(graph_of(module.step))
    assert not holds_kernels(graph_of(module.serve))
    assert not kernels.in_use()
    with tf.GradientTape():
        assert kernels.in_use()
        with kernels.stock():
            assert not kernels.in_use()
        assert kernels.in_use()


def test_float64_is_computed_by_stock_operations() -> None:
    assert not holds_kernels(graph_of(Pooling(tf.float64).step))


def test_the_portable_form_leaves_wide_layers_to_products(use: Callable[..., None]) -> None:
    narrow, wide = tf.ones([16, 64]), tf.ones([64, 64])
    for form, expected in (("portable", [True, False]), ("avx2", [True, True])):
        use(form)
        with tf.GradientTape():
            assert [apply_to(VECTORS, kernel) for kernel in (narrow, wide)] == expected
        assert not apply_to(VECTORS, narrow)


def test_half_precision_is_computed_in_float32_by_the_kernels() -> None:
    assert holds_kernels(graph_of(Pooling(tf.float16).step))


def test_xla_compiles_stock_operations() -> None:
    assert not holds_kernels(graph_of(Pooling(jit=True).step))


def test_beside_a_gpu_the_stock_form_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    device = tf.config.LogicalDevice("/device:GPU:0", "GPU")
    cpus = tf.config.list_logical_devices()
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: [*cpus, device])
    with tf.GradientTape():
        assert not kernels.in_use()


def test_parameter_servers_get_stock_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = tf.distribute.experimental.ParameterServerStrategy
    strategy = kind.__new__(kind)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: strategy)
    with tf.GradientTape():
        assert not kernels.in_use()


def test_replicas_of_a_strategy_use_them() -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    seen = []

    @tf.function
    def step() -> Any:
        def replica() -> Any:
            with tf.GradientTape() as tape:
                seen.append(kernels.in_use())
                tape.watch(VECTORS)
                out = module.pool(VECTORS)
            return tape.gradient(out, VECTORS)

        return strategy.run(replica)

    module = Pooling()
    assert np.isfinite(step()).all()
    assert seen == [True]


@pytest.mark.parametrize("called", [True, False])
def test_a_saved_module_is_of_stock_operations(tmp_path: pathlib.Path, called: bool) -> None:
    """Its training step too, even if it was traced with the kernels before."""
    module = Pooling()
    if called:
        module.step(VECTORS)
        with tf.GradientTape():
            module.serve(VECTORS)
    tf.saved_model.save(module, str(tmp_path))
    assert not holds_kernels(saved_operations(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(loaded.serve(VECTORS), module.serve(VECTORS), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(loaded.step(VECTORS), module.step(VECTORS), rtol=1e-5)


def test_a_graph_that_was_traced_for_training_is_refused_as_a_signature(
    tmp_path: pathlib.Path,
) -> None:
    module = Pooling()
    traced = module.step.get_concrete_function()
    with pytest.raises(ValueError, match=r"with tfrs_afm\.kernels\.stock\(\):"):
        tf.saved_model.save(module, str(tmp_path / "no"), signatures=traced)
    other = Pooling()
    with kernels.stock():
        traced = other.step.get_concrete_function()
    tf.saved_model.save(other, str(tmp_path / "yes"), signatures=traced)
    assert not holds_kernels(saved_operations(tmp_path / "yes"))


def test_a_branch_traced_for_training_is_refused_too(tmp_path: pathlib.Path) -> None:
    module = Pooling()

    @tf.function(input_signature=[tf.TensorSpec([None, 5, 3])])
    def step(vectors: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            out = tf.cond(
                tf.shape(vectors)[0] > 3, lambda: module.pool(vectors), lambda: vectors[:, 0]
            )
        return tape.gradient(out, vectors)

    assert np.isfinite(step(VECTORS)).all()
    with pytest.raises(ValueError, match="it was traced for training"):
        tf.saved_model.save(module, str(tmp_path), signatures=step.get_concrete_function())


def make_model(**options: Any) -> Any:
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(f"f{i}", 7), 6) for i in range(5)
    ]
    task = tfrs_afm.tasks.AFM(attention_units=8, **options)
    model = tfrs_afm.models.AFM(columns, task=task)
    model.compile(tf.keras.optimizers.Adam(0.05))
    return model


def data() -> tf.data.Dataset:
    features = {f"f{i}": RNG.integers(0, 7, 64) for i in range(5)}
    labels = (features["f0"] + features["f1"]) % 2
    return tf.data.Dataset.from_tensor_slices((features, labels.astype(np.float32))).batch(16)


@pytest.fixture(scope="module")
def trained() -> tuple[Any, tf.data.Dataset]:
    """A model that the kernels trained."""
    tf.keras.utils.set_random_seed(4)
    model, batches = make_model(attention_dropout=0.1), data()
    model.fit(batches, epochs=2, verbose=0)
    assert holds_kernels(step_operations(model, batches))
    return model, batches


def step_operations(model: Any, batches: Any) -> list[str]:
    batch = next(iter(batches))
    return graph_of(tf.function(lambda: model.train_step(batch)["loss"]))


@pytest.mark.parametrize("way", ["tf.saved_model.save", "model.save"])
def test_a_trained_model_is_saved_without_them(
    trained: tuple[Any, Any], tmp_path: pathlib.Path, way: str
) -> None:
    model, batches = trained
    features, _ = next(iter(batches))
    if way == "model.save":
        model.save(str(tmp_path), save_format="tf")
    else:
        tf.saved_model.save(model, str(tmp_path))
    assert not holds_kernels(saved_operations(tmp_path))
    assert np.isfinite(model(features)).all()


def test_an_export_for_serving_is_of_stock_operations(
    trained: tuple[Any, Any], tmp_path: pathlib.Path
) -> None:
    serving.export(trained[0], str(tmp_path / "ranker"))
    (path,) = tmp_path.rglob("saved_model.pb")
    assert not holds_kernels(saved_operations(path.parent))


def test_what_the_kernels_trained_scores_alike_without_them(
    trained: tuple[Any, Any], tmp_path: pathlib.Path
) -> None:
    model, batches = trained
    features, _ = next(iter(batches))
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    with tf.GradientTape():
        ours = model(features)
    with kernels.stock():
        stock = loaded(features)
    np.testing.assert_allclose(ours, stock, rtol=0, atol=1e-6)
    # And the other way round: it trains on with them.
    assert holds_kernels(step_operations(loaded, batches))


def test_both_forms_train_to_the_same_weights() -> None:
    batches, weights = data().cache(), []
    for context in (kernels.stock, contextlib.nullcontext):
        tf.keras.utils.set_random_seed(9)
        with context():
            model = make_model()
            model.fit(batches, epochs=3, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("mask", lambda a: {"mask": a["mask"][:, :2]}),
        ("kernel", lambda a: {"kernel": a["kernel"][:2]}),
        ("bias", lambda a: {"bias": a["bias"][:2]}),
        ("projection", lambda a: {"projection": a["projection"][:2]}),
        ("groups", lambda a: {"groups": tf.zeros([3], tf.int32)}),
        ("seed", lambda a: {"seed": tf.zeros([1], tf.int32)}),
        (
            "n",
            lambda a: {"vectors": tf.zeros([0, 2**21, 3]), "mask": tf.zeros([0, 2**21], tf.bool)},
        ),
        ("dropout", lambda a: {"dropout": 1.5}),
        ("form", lambda a: {"form": "sve2"}),
    ],
)
def test_wrong_shapes_and_absurd_sizes_are_errors_of_tensorflow(
    name: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    arguments = {
        "vectors": VECTORS,
        "mask": tf.ones([6, 5], tf.bool),
        "kernel": tf.ones([3, 4]),
        "bias": tf.ones([4]),
        "projection": tf.ones([4, 1]),
        "groups": tf.zeros([0], tf.int32),
        "seed": tf.zeros([2], tf.int32),
        "form": "portable",
    }
    operation = load()[1].tfrs_afm_attend_pairs
    assert operation(**arguments)[0].shape == (6, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"`?{name}"):
        operation(**{**arguments, **change(arguments)})


def test_backward_refuses_what_forward_did_not_return() -> None:
    inputs = [VECTORS, tf.ones([6, 5], tf.bool), tf.ones([3, 4]), tf.ones([4]), tf.ones([4, 1])]
    inputs += [tf.zeros([0], tf.int32), tf.zeros([2], tf.int32)]
    operations = load()[1]
    pooled, sums, kept = operations.tfrs_afm_attend_pairs(*inputs, form="portable")
    assert kept.shape[0] > 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be what forward returned"):
        operations.tfrs_afm_attend_pairs_grad(
            *inputs, pooled, sums, kept[:-1], pooled, form="portable"
        )


def test_a_million_members_without_a_pair_are_no_crash() -> None:
    vectors, mask = tf.zeros([1, 2**20, 1]), tf.zeros([1, 2**20], tf.bool)
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        out = attend_pairs(vectors, mask, tf.ones([1, 1]), tf.ones([1]), tf.ones([1, 1]))
    assert (out.numpy() == 0).all()
    assert (tape.gradient(out, vectors).numpy() == 0).all()


NO_MEMORY = """
import resource
import tensorflow as tf
from tfrs_afm import kernels
from tfrs_afm.interactions.pair_attention import attend_pairs
n = 2**18
vectors, mask = tf.zeros([1, n, 64]), tf.ones([1, n], tf.bool)
weights = tf.ones([64, 1]), tf.ones([1]), tf.ones([1, 1])
def run(vectors, mask):
    with tf.GradientTape() as tape:
        assert kernels.in_use(), kernels.status()
        tape.watch(vectors)
        return attend_pairs(vectors, mask, *weights)
run(vectors[:, :5], mask[:, :5])
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 29), held + (1 << 29)))
try:
    run(vectors, mask)
except tf.errors.ResourceExhaustedError as error:
    print("refused")
print("alive", float(run(vectors[:, :5], mask[:, :5])[0, 0]))
"""


def test_too_little_memory_is_an_error_of_tensorflow() -> None:
    """A thread's room for 2^18 members of 64 floats is 2 GB, and half a GB is left."""
    done = subprocess.run(
        [sys.executable, "-c", NO_MEMORY], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["refused", "alive", "0.0"]


def test_a_jacobian_goes_through_them() -> None:
    """Whose loop over rows has no batched form of our operation: one by one."""
    weights = [tf.constant(RNG.normal(size=shape), tf.float32) for shape in ((3, 4), (4,), (4, 1))]
    jacobians = []
    for context in (contextlib.nullcontext, kernels.stock):
        with context(), tf.GradientTape() as tape:
            tape.watch(weights)
            out = attend_pairs(VECTORS, tf.ones([6, 5], tf.bool), *weights)
        jacobians.append(tape.jacobian(out, weights[0]).numpy())
    np.testing.assert_allclose(*jacobians, rtol=1e-3, atol=1e-5)
