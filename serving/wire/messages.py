"""Builds the few protocol messages that a light process needs, from protobuf alone.

The generated stubs import TensorFlow, which costs a client seconds and hundreds of megabytes; of
the server's own text files, batching, monitoring and certificates, no package has stubs at all.
The messages here have the same names, numbers and types on the wire, live in a descriptor pool
of their own, and hold only the fields that we read or write; protobuf keeps the others unread.
"""

import re
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# One message a paragraph: its full name, then `label type name number`. `map` fields are
# `map<string, type>`; a trailing `oneof=` groups alternatives.
_SCHEMA = """
google.protobuf.Int64Value
  int64 value 1
google.protobuf.BoolValue
  bool value 1
google.protobuf.StringValue
  string value 1
tensorflow.TensorShapeProto.Dim
  int64 size 1
  string name 2
tensorflow.TensorShapeProto
  repeated tensorflow.TensorShapeProto.Dim dim 2
  bool unknown_rank 3
tensorflow.TensorProto
  int32 dtype 1
  tensorflow.TensorShapeProto tensor_shape 2
  int32 version_number 3
  bytes tensor_content 4
  repeated int32 half_val 13
  repeated float float_val 5
  repeated double double_val 6
  repeated int32 int_val 7
  repeated bytes string_val 8
  repeated int64 int64_val 10
  repeated bool bool_val 11
  repeated uint32 uint32_val 16
  repeated uint64 uint64_val 17
tensorflow.TensorInfo
  string name 1
  int32 dtype 2
  tensorflow.TensorShapeProto tensor_shape 3
tensorflow.SignatureDef
  map tensorflow.TensorInfo inputs 1
  map tensorflow.TensorInfo outputs 2
  string method_name 3
  map tensorflow.TensorProto defaults 4
tensorflow.MetaGraphDef
  map tensorflow.SignatureDef signature_def 5
tensorflow.BytesList
  repeated bytes value 1
tensorflow.FloatList
  repeated float value 1
tensorflow.Int64List
  repeated int64 value 1
tensorflow.Feature
  tensorflow.BytesList bytes_list 1 oneof=kind
  tensorflow.FloatList float_list 2 oneof=kind
  tensorflow.Int64List int64_list 3 oneof=kind
tensorflow.Features
  map tensorflow.Feature feature 1
tensorflow.Example
  tensorflow.Features features 1
tensorflow.serving.Version
  int64 value 1
tensorflow.serving.ModelSpec
  string name 1
  tensorflow.serving.Version version 2 oneof=version_choice
  string signature_name 3
  string version_label 4 oneof=version_choice
tensorflow.serving.PredictRequest
  tensorflow.serving.ModelSpec model_spec 1
  map tensorflow.TensorProto inputs 2
  repeated string output_filter 3
tensorflow.serving.PredictResponse
  map tensorflow.TensorProto outputs 1
  tensorflow.serving.ModelSpec model_spec 2
grpc.health.v1.HealthCheckRequest
  string service 1
grpc.health.v1.HealthCheckResponse
  int32 status 1
tensorflow.serving.BatchingParameters
  google.protobuf.Int64Value max_batch_size 1
  google.protobuf.Int64Value batch_timeout_micros 2
  google.protobuf.Int64Value max_enqueued_batches 3
  google.protobuf.Int64Value num_batch_threads 4
  google.protobuf.StringValue thread_pool_name 5
  repeated int64 allowed_batch_sizes 6
  bool pad_variable_length_inputs 7
  google.protobuf.BoolValue enable_large_batch_splitting 8
  google.protobuf.Int64Value max_execution_batch_size 9
tensorflow.serving.PrometheusConfig
  bool enable 1
  string path 2
tensorflow.serving.MonitoringConfig
  tensorflow.serving.PrometheusConfig prometheus_config 1
tensorflow.serving.SSLConfig
  string server_key 1
  string server_cert 2
  string custom_ca 3
  bool client_verify 4
"""

_Field = descriptor_pb2.FieldDescriptorProto
_LINE = re.compile(r"  (?:(repeated|map) )?([\w.]+) (\w+) (\d+)(?: oneof=(\w+))?")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _declare(kind: str, field: Any) -> None:
    """Sets a field's type: a scalar by its name, a message by its full name."""
    if "." in kind:
        field.type, field.type_name = _Field.TYPE_MESSAGE, "." + kind
    else:
        field.type = getattr(_Field, f"TYPE_{kind.upper()}")


def _add_field(message: Any, full_name: str, line: str) -> None:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"`schema` must hold fields. Received: line='{line}'.")
    label, kind, name, number, oneof = match.groups()
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if label == "map":
        entry = message.nested_type.add(name=_camel(name) + "Entry")
        entry.options.map_entry = True
        for number_, entry_name, entry_kind in ((1, "key", "string"), (2, "value", kind)):
            part = entry.field.add(name=entry_name, number=number_, label=_Field.LABEL_OPTIONAL)
            _declare(entry_kind, part)
        kind = f"{full_name}.{entry.name}"
    _declare(kind, field)
    if label:
        field.label = _Field.LABEL_REPEATED
    if oneof:
        names = [declared.name for declared in message.oneof_decl]
        if oneof not in names:
            message.oneof_decl.add(name=oneof)
            names.append(oneof)
        field.oneof_index = names.index(oneof)


def _build() -> dict[str, Any]:
    """One file a package, so that `tensorflow.serving.X` and `tensorflow.X` do not collide."""
    lines = [line for line in _SCHEMA.splitlines() if line.strip()]
    names = [line for line in lines if not line.startswith(" ")]
    packages = {name: re.match(r"[a-z0-9_.]+(?=\.[A-Z])", name) for name in names}
    files: dict[str, Any] = {}
    found: dict[str, Any] = {}
    name = ""
    for line in lines:
        if line.startswith(" "):
            _add_field(found[name], name, line)
            continue
        name = line
        match = packages[name]
        package = match.group() if match else ""
        if package not in files:
            file = descriptor_pb2.FileDescriptorProto(
                name=f"tfrs_afm/{package}.proto", package=package, syntax="proto3"
            )
            file.dependency.extend(known.name for known in files.values())
            files[package] = file
        inner = name[len(package) + 1 :].split(".")
        parent = files[package]
        for part in inner[:-1]:
            nested = parent.message_type if parent is files[package] else parent.nested_type
            known = [message for message in nested if message.name == part]
            parent = known[0] if known else nested.add(name=part)
        nested = parent.message_type if parent is files[package] else parent.nested_type
        known = [message for message in nested if message.name == inner[-1]]
        found[name] = known[0] if known else nested.add(name=inner[-1])
    pool = descriptor_pool.DescriptorPool()
    for file in files.values():
        pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names
    }


_CLASSES = _build()


def message_class(name: str) -> Any:
    """The class of a message by its full protocol name.

    Args:
        name: For instance `tensorflow.TensorProto`.

    Raises:
        KeyError: If the message is not among those built here.

    Example:
        >>> message_class("tensorflow.TensorProto")(dtype=1).dtype
        1
    """
    return _CLASSES[name]
