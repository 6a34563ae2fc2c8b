"""The files that the stock server, and what runs it, want beside a model."""

import gzip
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

from serving.publishing.names import folder_versions, is_object_store

_IMAGE_TAG = "2.19.0"

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
    # It need not be the version of TensorFlow that trained.
    image: tensorflow/serving:${{TF_SERVING_TAG:-{tag}}}
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

_KSERVE = """\
# `kubectl apply -f kserve.yaml`: KServe serves the model by its own TensorFlow runtime.
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  # Requests name the model as this is called: /v1/models/{host_name}:predict
  name: {host_name}
spec:
  predictor:
    model:
      modelFormat:
        name: tensorflow
      runtimeVersion: "{tag}"
      # The folder of versions: a claim of a volume, or an address such as s3://bucket/{name}.
      storageUri: pvc://models/{name}
"""

_KUBERNETES = """\
# `kubectl apply -f kubernetes.yaml`: the stock image on a volume that holds this folder.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {host_name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: {host_name}
  template:
    metadata:
      labels:
        app: {host_name}
    spec:
      containers:
        - name: serving
          image: tensorflow/serving:{tag}
          args:
            - --model_config_file=/models/models.config
            - --model_config_file_poll_wait_seconds=60
            - --monitoring_config_file=/models/monitoring.txt
            - --enable_batching=true
            - --batching_parameters_file=/models/batching_parameters.txt
            - --enable_signature_method_name_check=true
          ports:
            - name: grpc
              containerPort: 8500
            - name: rest
              containerPort: 8501
          # REST opens when the models are loaded and warm, so until then nothing is sent here.
          startupProbe:
            httpGet:
              path: /v1/models/{name}
              port: rest
            periodSeconds: 5
            failureThreshold: 120
          readinessProbe:
            httpGet:
              path: /v1/models/{name}
              port: rest
          livenessProbe:
            tcpSocket:
              port: grpc
            periodSeconds: 20
          # A new version loads beside the old one: ask for twice the model's memory.
          volumeMounts:
            - name: models
              mountPath: /models
              readOnly: true
      volumes:
        - name: models
          persistentVolumeClaim:
            claimName: models
            readOnly: true
---
apiVersion: v1
kind: Service
metadata:
  name: {host_name}
spec:
  selector:
    app: {host_name}
  ports:
    - name: grpc
      port: 8500
      targetPort: grpc
    - name: rest
      port: 8501
      targetPort: rest
"""

PLATFORMS = ("kserve", "kubernetes", "sagemaker")
"""What `write_server_files` writes for, on request."""


def write_server_files(
    base_path: str | os.PathLike[str], *, platforms: Sequence[str] = ()
) -> list[Path]:
    """Writes what the stock `tensorflow/serving` image needs, beside a model's base path.

    `models.config` (what is served), `batching_parameters.txt`, `monitoring.txt` and
    `compose.yaml`, each with comments that explain it. A file that is there already stays as it
    is: from then on it is yours.

    Args:
        base_path: The model's folder of versions; its name becomes the model's.
        platforms: Write for these too: "kserve" (`kserve.yaml`, an InferenceService), "kubernetes"
            (`kubernetes.yaml`, a Deployment with probes and its Service), "sagemaker"
            (`<name>-<version>.tar.gz`, the newest version as SageMaker unpacks it).

    Returns:
        The files that were written.

    Raises:
        ValueError: If the name would not go into these files as it is, a platform is unknown, or
            there is no version for an archive.

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
    unknown = sorted(set(platforms) - set(PLATFORMS))
    if unknown:
        raise ValueError(
            f"`platforms` must be among {', '.join(PLATFORMS)}. Received: platforms={unknown}. "
            "Leave these out."
        )
    names = {"name": base.name, "host_name": _host_name(base.name), "tag": _IMAGE_TAG}
    texts = {
        "models.config": _MODELS.format(**names),
        "batching_parameters.txt": _BATCHING,
        "monitoring.txt": _MONITORING,
        "compose.yaml": _COMPOSE.format(**names),
    }
    if "kserve" in platforms:
        texts["kserve.yaml"] = _KSERVE.format(**names)
    if "kubernetes" in platforms:
        texts["kubernetes.yaml"] = _KUBERNETES.format(**names)
    written = []
    for name, text in texts.items():
        file = base.parent / name
        try:
            with file.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            continue
        written.append(file)
    return written + (_write_archive(base) if "sagemaker" in platforms else [])


def _host_name(name: str) -> str:
    """The name as Kubernetes takes it: small letters, digits and '-' inside."""
    return name.lower().replace("_", "-").strip("-")


def _write_archive(base: Path) -> list[Path]:
    """The newest version as `model.tar.gz` of SageMaker: `export/Servo/<version>`."""
    versions = folder_versions(base) if base.is_dir() else {}
    if not versions:
        raise ValueError(
            f"`base_path` must hold a version for an archive. Received: base_path={base}. Export "
            "the model first."
        )
    number = max(versions)
    file = base.parent / f"{base.name}-{number}.tar.gz"
    if file.exists():
        return []
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        # Without times and owners, so that one version is one archive, byte for byte.
        with (
            unfinished.open("xb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            for part in sorted(one for one in versions[number].rglob("*") if one.is_file()):
                inside = part.relative_to(versions[number]).as_posix()
                entry = tarfile.TarInfo(f"export/Servo/{number}/{inside}")
                entry.size = part.stat().st_size
                entry.mode = 0o644
                with part.open("rb") as content:
                    archive.addfile(entry, content)
        with unfinished.open("rb") as whole:
            os.fsync(whole.fileno())
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return [file]
