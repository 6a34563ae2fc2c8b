"""Tables that cannot be made are refused before it is tried."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.__main__ import main
from pipelines.configuration.configuration import Column, Configuration, Data, Model
from pipelines.configuration.training import Optimizer, Training
from pipelines.fitting.fit import Fitted
from pipelines.modelling.build_model import require_memory


def made(num_buckets: int | None = None, kind: Any = "adam", **column: Any) -> Configuration:
    user = Column(
        kind="categorical_column_with_identity", key="user", num_buckets=num_buckets, **column
    )
    training = Training(optimizer=Optimizer(kind=kind))
    data = Data(format="csv", train="a.csv")
    return Configuration(data=data, columns=[user], model=Model(dim=16), training=training)


@pytest.mark.parametrize(("kind", "copies"), [("sgd", 1), ("adagrad", 2), ("adam", 3)])
def test_the_limit_is_that_of_weights_and_slots(kind: str, copies: int) -> None:
    megabytes = 1_000_000 * (16 + 1) * 4 * copies / 1e6  # vectors and linear weights
    require_memory(made(1_000_000, kind), Fitted(), megabytes)
    with pytest.raises(ValueError, match=r"1,000,000 rows of 16 of 'user_embedding'.*hash_bucket"):
        require_memory(made(1_000_000, kind), Fitted(), megabytes - 1)


def test_remainders_are_a_way_out() -> None:
    require_memory(made(1_000_000_000, num_remainders=32_000), Fitted(), 20_000)


def test_ids_with_large_gaps_are_named_by_prepare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They ended in `train`, with TensorFlow's "OOM when allocating"."""
    (tmp_path / "a.csv").write_text("user,label\n" + f"{10**13},1\n3,0\n" * 20)
    (tmp_path / "a.toml").write_text(
        '[data]\nformat = "csv"\ntrain = "a.csv"\nsplit = {fractions = [1.0, 0.0, 0.0]}\n'
        '[[columns]]\nkind = "categorical_column_with_identity"\nkey = "user"\n'
    )
    for command in ("prepare", "train"):
        words = ["--config", str(tmp_path / "a.toml"), "--out", str(tmp_path / "run")]
        assert main([command, *words]) == 1
        told = capsys.readouterr().err
        assert "10,000,000,000,001 rows of 16 of 'user_embedding'" in told
        assert "categorical_column_with_hash_bucket" in told
