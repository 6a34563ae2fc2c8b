"""What decides the models of MovieLens-100K besides the examples."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    """Hyper-parameters, chosen by the logloss of the validation part.

    Weight decay, and not the L2 regularization of the rows a batch looks up, because it also
    shrinks the rows of ids that training never sees: nine of ten users of the test part are new.

    Attributes:
        afm: Hyper-parameters of AFM.
        deepfm: Hyper-parameters of DeepFM.
        logistic_regression: Hyper-parameters of the linear baseline.
        batch_size: Examples a step.
        epochs: Most passes over the training part.
        patience: Passes without a better validation logloss after which training ends.
        seed: Decides the start of the weights and the order of the examples.
    """

    @dataclasses.dataclass(frozen=True)
    class Model:
        """Hyper-parameters of one model.

        Attributes:
            learning_rate: Step size of Adam.
            weight_decay: Share of a weight, times `learning_rate`, that each step takes off.
            averaging: Momentum of the running average of the weights, which takes their place
                after each epoch: with it the result depends far less on the seed.
            stddev: Standard deviation of the vectors before training.
            dimension: Length of the vectors.
            dropout: See the model.
            attention_units: AFM's only.
            units: Hidden layers of DeepFM's tower.
        """

        learning_rate: float
        weight_decay: float = 0.0
        averaging: float = 0.97
        stddev: float = 0.1
        dimension: int = 16
        dropout: float = 0.0
        attention_units: int = 8
        units: tuple[int, ...] = (32,)

    afm: Model = Model(0.02, weight_decay=0.35, stddev=0.3)
    deepfm: Model = Model(0.006, weight_decay=1.0, dropout=0.2)
    logistic_regression: Model = Model(0.01)
    batch_size: int = 1024
    epochs: int = 12
    patience: int = 2
    seed: int = 1

    def __post_init__(self) -> None:
        """Checks the counts.

        Raises:
            ValueError: If one is not positive.
        """
        for name in ("batch_size", "epochs", "patience"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}.")
