"""A client that somebody else wrote for TensorFlow Serving's protocol, in its own environment."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from serving import LocalServer
from tests.serving.exported import Exported
from tests.serving.exporting import rankers

pytestmark = pytest.mark.packages

_ASK = """
import json, sys
from ovmsclient import make_grpc_client, make_http_client
grpc_address, http_address, rows = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
rows = [bytes.fromhex(row) for row in rows]
found = {}
clients = {"grpc": make_grpc_client(grpc_address), "http": make_http_client(http_address)}
for kind, client in clients.items():
    # A version is named: this client says 0 for "any", which TensorFlow Serving takes literally.
    status = client.get_model_status("afm", 1)
    metadata = client.get_model_metadata("afm", 1)
    if kind == "http":  # this client hands TensorFlow Serving's JSON through
        metadata = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    found[kind] = {
        "status": status[1]["state"],
        "inputs": sorted(metadata["inputs"]),
        "outputs": sorted(metadata["outputs"]),
    }
    if kind == "grpc":
        answer = client.predict({"examples": rows}, "afm", 1, timeout=60)
        found[kind]["predictions"] = answer["predictions"].tolist()
print(json.dumps(found))
"""


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has ovmsclient and nothing of ours."""
    folder = tmp_path_factory.mktemp("ovmsclient")
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    done = subprocess.run(
        [interpreter, "-m", "pip", "install", "--quiet", "ovmsclient"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"pip cannot install ovmsclient here: {done.stderr[-300:]}")
    return interpreter


@pytest.mark.long
def test_ovmsclient_gets_status_metadata_and_predictions(
    python: Path, ranker_server: LocalServer, afm: Exported
) -> None:
    rows = rankers.examples(5)
    # In a fixed order, whose last feature is not empty: this client makes an array of NumPy's fixed
    # width of the rows, and such an array drops a zero byte at the end.
    written = [one.SerializeToString(deterministic=True) for one in rows]
    arguments = [
        ranker_server.grpc_address,
        ranker_server.rest_url.removeprefix("http://"),
        json.dumps([one.hex() for one in written]),
    ]
    done = subprocess.run(
        [python, "-c", _ASK, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": str(Path(sys.executable).parent)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for kind in ("grpc", "http"):
        assert found[kind]["status"] == "AVAILABLE"
        assert found[kind]["inputs"] == ["examples"]
        assert found[kind]["outputs"] == ["logits", "predictions"]
    np.testing.assert_allclose(found["grpc"]["predictions"], afm.answers(rows), atol=1e-6)
