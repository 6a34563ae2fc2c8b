"""The files that the stock server wants beside a model."""

import os
from pathlib import Path

from serving.publishing.names import is_object_store

_MODELS = """\
# What the server loads. Each model has a name, which requests carry, and a base path with one
# folder a version; the highest number is served. Further models are further `config` blocks.
# The server reads this file again every 60 seconds (--model_config_file_poll_wait_seconds) and
# then serves exactly what it says: a model that is left out is unloaded.
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    # To serve two versions at once, and name them in requests:
    # model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
    # version_labels {{ key: "stable" value: 1 }}
    # version_labels {{ key: "canary" value: 2 }}
  }}
}}
"""

_BATCHING = """\
# Used with --enable_batching: requests that wait are computed together. Worth it where many
# small requests come at once; a single client only waits longer.
# No request may have more rows than this.
max_batch_size { value: 1024 }
# How long the first request waits for company. 0 takes what is there: begin here on a CPU.
batch_timeout_micros { value: 0 }
# Batches that may queue before requests are refused as UNAVAILABLE, which clients send again.
max_enqueued_batches { value: 100 }
# As many as the machine has cores.
num_batch_threads { value: 4 }
# Lists travel inside examples, or beside their lengths. Padding is then never wrong, and it is
# needed where `rank` and `tensors` requests of different widths meet.
pad_variable_length_inputs: true
"""

_MONITORING = """\
# Used with --monitoring_config_file: metrics for Prometheus on the REST port.
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""

_COMPOSE = """\
# `docker compose up` serves the models in this folder with the stock image.
services:
  serving:
    # Pin a version for production. It need not be the one of TensorFlow that trained.
    image: tensorflow/serving:${TF_SERVING_TAG:-latest}
    command:
      - --model_config_file=/models/models.config
      - --model_config_file_poll_wait_seconds=60
      - --monitoring_config_file=/models/monitoring.txt
      - --enable_batching=true
      - --batching_parameters_file=/models/batching_parameters.txt
      # A signature answers only the method that it was exported for.
      - --enable_signature_method_name_check=true
    ports:
      - "127.0.0.1:8500:8500" # gRPC
      - "127.0.0.1:8501:8501" # REST and metrics
    volumes:
      # Versions come by rename on the host; the server only reads.
      - ./:/models:ro
    # A new version loads beside the old one: plan for twice the model's memory.
    restart: unless-stopped
"""


def write_server_files(base_path: str | os.PathLike[str]) -> list[Path]:
    """Writes what the stock `tensorflow/serving` image needs, beside a model's base path.

    `models.config` (what is served), `batching_parameters.txt`, `monitoring.txt` and
    `compose.yaml`, each with comments that explain it. A file that is there already stays as it
    is: from then on it is yours.

    Args:
        base_path: The model's folder of versions; its name becomes the model's.

    Returns:
        The files that were written.

    Raises:
        ValueError: If the name would not go into these files as it is.

    Example:
        ```python
        serving.write_server_files("models/ranker")  # then: cd models; docker compose up
        ```
    """
    if is_object_store(base_path):
        raise ValueError(
            f"`base_path` must be a local folder. Received: base_path={base_path}. The files "
            "mount a folder into the server; where it can read the store, give it the address."
        )
    base = Path(base_path).resolve()
    if not base.name.replace("_", "").replace("-", "").isalnum() or not base.name.isascii():
        raise ValueError(
            "`base_path` must end in letters, digits, '_' and '-'. Received: base_path="
            f"{base_path}. Its last part is the model's name in requests; rename the folder."
        )
    texts = {
        "models.config": _MODELS.format(name=base.name),
        "batching_parameters.txt": _BATCHING,
        "monitoring.txt": _MONITORING,
        "compose.yaml": _COMPOSE,
    }
    written = []
    for name, text in texts.items():
        file = base.parent / name
        try:
            with file.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            continue
        written.append(file)
    return written
