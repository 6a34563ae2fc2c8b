import pytest
import tensorflow as tf

from pipelines.cluster.strategy_of import strategy_of
from pipelines.configuration.training import Training


def test_one_process_has_the_strategy_it_always_has() -> None:
    assert strategy_of(Training()) is tf.distribute.get_strategy()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cluster": {}}', '{"cluster": {"worker": []}}'])
def test_machines_that_are_not_named_are_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=r"must find the machines in TF_CONFIG\. Received: .multi"):
        strategy_of(Training(strategy="multi_worker_mirrored"))


def test_machines_without_parameter_servers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = '{"worker": ["127.0.0.1:1"], "chief": ["127.0.0.1:2"]}'
    task = '{"type": "chief", "index": 0}'
    monkeypatch.setenv("TF_CONFIG", f'{{"cluster": {cluster}, "task": {task}}}')
    with pytest.raises(ValueError, match="which needs chief, worker, ps, and TF_CONFIG="):
        strategy_of(Training(strategy="parameter_server"))


def test_devices_cannot_be_set_up_late() -> None:
    tf.constant(1) + 1
    with pytest.raises(ValueError, match="must be called before TensorFlow computes anything"):
        strategy_of(Training(strategy="mirrored", cluster={"replicas": 3}))
