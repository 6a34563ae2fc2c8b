import pydantic
import pytest

from pipelines.configuration.training import EarlyStopping, Training


@pytest.mark.parametrize(
    ("monitor", "direction"),
    [
        ("val_loss", "min"),
        ("val_logloss", "min"),
        ("click_rmse", "min"),
        ("val_mape", "min"),
        ("val_auc", "max"),
        ("val_click_ndcg@10", "max"),
        ("val_hit_rate", "max"),
    ],
)
def test_the_name_of_a_metric_tells_what_is_better(monitor: str, direction: str) -> None:
    assert EarlyStopping(monitor=monitor).direction == direction


def test_a_metric_that_tells_nothing_needs_a_mode() -> None:
    with pytest.raises(pydantic.ValidationError, match="Add mode"):
        EarlyStopping(monitor="val_fairness")
    assert EarlyStopping(monitor="val_fairness", mode="max").direction == "max"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "greater than 0"),
        ({"epocs": 3}, "Extra inputs"),
        ({"keep_checkpoints": 1}, "greater than or equal to 2"),
        ({"schedule": {"kind": "cosine"}}, "`decay_steps` must be given"),
        ({"schedule": {"decay_steps": 3}}, "`decay_steps` must be left out"),
        ({"optimizer": {"clipnorm": 1, "clipvalue": 1}}, "in one way"),
        ({"class_weights": [1.0]}, "at least 2"),
        ({"profile_batch": [5, 4]}, "`profile_batch` must be a first and a last step"),
        ({"strategy": "parameter_server", "ema": {}}, "`ema` must be left out"),
        (
            {"strategy": "parameter_server", "optimizer": {"row_sparse": False}},
            "`optimizer.row_sparse` must be true",
        ),
        ({"class_weights": [1.0, -1.0]}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        Training(**wrong)  # type: ignore[arg-type]
