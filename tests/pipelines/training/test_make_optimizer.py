import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.optimizer import Optimizer
from pipelines.training.make_optimizer import make_optimizer


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
