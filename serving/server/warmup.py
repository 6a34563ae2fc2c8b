"""First requests, sent before anybody else's."""

from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from serving.server.servable import Servable
from serving.sidecar import WARMUP_FILE
from serving.status_error import Code, StatusError, invalid
from serving.wire.records import read_records

MAX_RECORDS = 1000
"""One record more fails the load."""


def warm_up(servable: Servable, path: Path, *, iterations: int = 1) -> int:
    """Sends a version its own warm-up records.

    The first run of each set of outputs compiles its part of the graph, which takes a hundred
    times as long as a later one. A record that fails shows a broken version, for instance a
    copy without `variables/`, while the old one still serves.

    Args:
        servable: The version.
        path: Its folder.
        iterations: How often each record is sent.

    Returns:
        The number of records.

    Raises:
        StatusError: What the first failing record got; INVALID_ARGUMENT for too many records;
            DATA_LOSS for a damaged file.
    """
    file = path / WARMUP_FILE
    if not file.is_file():
        return 0
    count = 0
    for record in read_records(file):
        try:
            log = prediction_log_pb2.PredictionLog.FromString(record)
        except DecodeError as error:
            raise invalid(f"Failed to parse warmup record: {record!r} from {file}") from error
        for _ in range(iterations):
            _send(servable, log)
        count += 1
        if count > MAX_RECORDS:
            raise invalid(f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {file}")
    return count


def _send(servable: Servable, log: Any) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        servable.predict(log.predict_log.request)
    elif kind == "classify_log":
        servable.classify(log.classify_log.request)
    elif kind == "regress_log":
        servable.regress(log.regress_log.request)
    elif kind == "multi_inference_log":
        servable.multi_inference(log.multi_inference_log.request)
    elif kind is not None:
        raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
