import pydantic
import pytest

from pipelines.configuration.evaluation import Evaluation


def test_it_survives_json() -> None:
    evaluation = Evaluation(metrics=("auc", "rmse"), k=(1, 5), clip=(-1, 1), slices=("genre",))
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"metrics": ["auk"]}, "metrics.0\n"),
        ({"metrics": []}, "metrics\n"),
        ({"k": [0]}, "k.0\n"),
        ({"clip": [1, -1]}, "`clip` must be a lower and a higher number"),
        ({"confidence": 1}, "confidence\n"),
        ({"bins": 0}, "bins\n"),
        ({"bootstrap": -1}, "bootstrap\n"),
        ({"resamples": 10}, "resamples\n"),
    ],
)
def test_a_wrong_value_is_named(given: dict, text: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=text):
        Evaluation(**given)
