"""A command line of tensorflow_model_server starts this server, and means the same."""

import argparse
import datetime
import logging
import shutil
from pathlib import Path
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving import LocalServer, ServerOptions, Session, StatusError, write_server_files
from serving.__main__ import main, parser
from serving.server.config_files import grpc_credentials, session_config
from serving.server.options import add_flags, options_from, without_effect
from serving.wire.tensors import to_array
from tests.serving.conftest import Stubs
from tests.serving.rest_client import RestClient
from tests.serving.semantics.requests import floats, predict_request

# The flags of model_servers/main.cc: those that do something here, and the others.
WORKING = """
port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms
rest_api_enable_cors_support enable_batching allow_version_labels_for_unavailable_models
batching_parameters_file enable_per_model_batching_parameters model_config_file
model_config_file_poll_wait_seconds model_name model_base_path max_num_load_retries
load_retry_interval_micros file_system_poll_wait_seconds tensorflow_session_parallelism
tensorflow_session_config_file tensorflow_intra_op_parallelism tensorflow_inter_op_parallelism
use_alts_credentials ssl_config_file saved_model_tags grpc_channel_arguments grpc_max_threads
enable_model_warmup num_request_iterations_for_warmup version monitoring_config_file
enable_signature_method_name_check enable_grpc_healthcheck_service
enable_serialization_as_tensor_content
"""
WITHOUT_EFFECT = """
num_load_threads num_unload_threads flush_filesystem_caches platform_config_file
per_process_gpu_memory_fraction remove_unused_fields_from_bundle_metagraph prefer_tflite_model
num_tflite_pools num_tflite_interpreters_per_pool xla_cpu_compilation_enabled
xla_gpu_compilation_enabled enable_profiler thread_pool_factory_config_file mixed_precision
skip_initialize_tpu
"""
STOCK = dict.fromkeys(WORKING.split(), True) | dict.fromkeys(WITHOUT_EFFECT.split(), False)


def test_all_flags_of_the_stock_server_are_known() -> None:
    assert len(STOCK) == 48
    known = argparse.ArgumentParser()
    add_flags(known)
    for name, works in STOCK.items():
        (action,) = [one for one in known._actions if f"--{name}" in one.option_strings]
        assert action.help
        assert ("does nothing here" in action.help) != works, name


def test_flags_that_do_nothing_here_are_named_in_the_log(tmp_path: Path, caplog: Any) -> None:
    flags = [f"--{name}=1" for name in STOCK if name.startswith("num_") and not STOCK[name]]
    flags += ["--flush_filesystem_caches=false", "--prefer_tflite_model"]
    arguments = ["serve", f"--model_base_path={tmp_path / 'no'}", "--port=0", *flags]
    assert without_effect(parser().parse_args(arguments)) == [
        flag[2:].partition("=")[0] for flag in [*flags[:2], flags[4], flags[5], *flags[2:4]]
    ]
    with caplog.at_level(logging.WARNING):
        main([*arguments, "--max_num_load_retries=0", "--batching_parameters_file=x"])
        assert not caplog.records  # refused before
        main([*arguments, "--ssl_config_file=no/such"])
    named = [one.getMessage() for one in caplog.records if "does nothing" in one.getMessage()]
    assert named == [
        f"--{name} does nothing here" for name in without_effect(parser().parse_args(arguments))
    ]


def test_credentials_that_are_not_had_are_no_quiet_plain_text(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["serve", "--use_alts_credentials"])
    assert "use ssl_config_file for TLS" in capsys.readouterr().err
    assert not parser().parse_args(["serve", "--use_alts_credentials=false"]).use_alts_credentials


def test_versions_are_printed(capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--version"])
    assert caught.value.code == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "tfrs-afm:",
        "TensorFlow:",
    ]


def test_the_command_line_that_compose_has_starts_this_server(toy: Path, tmp_path: Path) -> None:
    base = tmp_path / "toy"
    shutil.copytree(toy, base / "1")
    for file in write_server_files(base):
        file.write_text(file.read_text().replace("/models/", f"{tmp_path}/"))
    lines = (tmp_path / "compose.yaml").read_text().splitlines()
    flags = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- --")]
    # What the image's own entry point puts before them.
    stock = ["--port=0", "--rest_api_port=0", "--model_name=model", f"--model_base_path={tmp_path}"]
    options = options_from(parser().parse_args(["serve", *stock, *flags]))
    assert options.enable_batching
    with LocalServer(options) as server:
        rest = RestClient(server.rest_url)
        assert rest.ask("/v1/models/toy:predict", {"instances": [1.0]}) == (
            200,
            {"predictions": [2.0]},
        )


@pytest.fixture(scope="module")
def base(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stock") / "toy"
    shutil.copytree(toy, folder / "1")
    return folder


def test_a_unix_socket_answers_too_and_content_is_sent_where_asked(
    base: Path, tmp_path: Path
) -> None:
    options = ServerOptions(
        model_name="toy",
        model_base_path=base,
        grpc_socket_path=tmp_path / "grpc.sock",
        enable_serialization_as_tensor_content=True,
        enable_grpc_healthcheck_service=False,
        enable_model_warmup=False,
    )
    with LocalServer(options) as server:
        for address in (server.grpc_address, f"unix:{tmp_path / 'grpc.sock'}"):
            stubs = Stubs(address)
            answer = stubs.prediction.Predict(predict_request(x=floats(1.0)), timeout=30)
            assert to_array(answer.outputs["y"]).tolist() == [2.0]
            assert answer.outputs["y"].tensor_content == floats(2.0).tobytes()
            with pytest.raises(grpc.RpcError) as caught:
                stubs.channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=30)
            assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
            stubs.close()


def test_a_socket_that_cannot_be_made_is_an_error_that_names_the_flag(base: Path) -> None:
    options = ServerOptions(
        model_base_path=base, grpc_socket_path="/no/such/folder", enable_model_warmup=False
    )
    with pytest.raises(OSError, match="`grpc_socket_path` must be a path"):
        LocalServer(options).start()


def certificate(name: str) -> tuple[str, str]:
    """A key and a certificate that it signs itself, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), signed.public_bytes(pem).decode()


def ssl_config(file: Path, **texts: Any) -> Path:
    lines = [
        f"{name}: {str(text).lower() if isinstance(text, bool) else repr(text)}"
        for name, text in texts.items()
    ]
    file.write_text("\n".join(lines))
    return file


def test_grpc_takes_tls_only_and_asks_clients_who_they_are(base: Path, tmp_path: Path) -> None:
    key, cert = certificate("localhost")
    mine, my_cert = certificate("client")
    file = ssl_config(
        tmp_path / "ssl.txt",
        server_key=key,
        server_cert=cert,
        custom_ca=my_cert,
        client_verify=True,
    )
    options = ServerOptions(
        model_name="toy", model_base_path=base, ssl_config_file=file, enable_model_warmup=False
    )
    ways: dict[str, tuple[Any, bool]] = {
        "plain": (None, False),
        "nobody": (grpc.ssl_channel_credentials(cert.encode()), False),
        "known": (
            grpc.ssl_channel_credentials(cert.encode(), mine.encode(), my_cert.encode()),
            True,
        ),
    }
    with LocalServer(options) as server:
        address = f"localhost:{server.grpc_port}"
        for credentials, answered in ways.values():
            channel = (
                grpc.secure_channel(address, credentials)
                if credentials
                else grpc.insecure_channel(address)
            )
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            if answered:
                answer = stub.Predict(predict_request(x=floats(1.0)), timeout=30)
                assert to_array(answer.outputs["y"]).tolist() == [2.0]
            else:
                with pytest.raises(grpc.RpcError) as caught:
                    stub.Predict(predict_request(x=floats(1.0)), timeout=30)
                assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            channel.close()


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"key": "x"}, "Error parsing text-format tensorflow.serving.SSLConfig"),
        ({"server_key": "x"}, "server_key and server_cert must be set"),
        (
            {"server_key": "x", "server_cert": "y", "client_verify": True},
            "client_verify needs a custom_ca",
        ),
    ],
)
def test_certificates_that_cannot_be_used_fail_the_start(
    texts: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(StatusError, match=words):
        grpc_credentials(ssl_config(tmp_path / "ssl.txt", **texts))


@pytest.mark.parametrize(
    ("settings", "intra", "inter"),
    [
        ({}, 0, 0),
        ({"session": 3}, 3, 3),
        ({"intra_op": 2}, 2, 0),
        ({"session": 3, "inter_op": 4}, 0, 4),
    ],
)
def test_threads_are_set_as_the_server_sets_them(
    settings: Any, intra: int, inter: int, tmp_path: Path
) -> None:
    from tensorflow.core.protobuf import config_pb2

    (tmp_path / "session.txt").write_text("use_per_session_threads: true")
    given = {f"tensorflow_{name}_parallelism": number for name, number in settings.items()}
    options = ServerOptions(
        model_base_path="m", tensorflow_session_config_file=tmp_path / "session.txt", **given
    )
    config = config_pb2.ConfigProto.FromString(session_config(options))
    assert (config.intra_op_parallelism_threads, config.inter_op_parallelism_threads) == (
        intra,
        inter,
    )
    assert config.use_per_session_threads


def test_all_three_numbers_of_threads_are_one_too_many() -> None:
    options = ServerOptions(
        model_base_path="m",
        tensorflow_session_parallelism=1,
        tensorflow_intra_op_parallelism=1,
        tensorflow_inter_op_parallelism=1,
    )
    with pytest.raises(StatusError, match="You cannot configure all"):
        session_config(options)


def test_tags_choose_the_graph(toy: Path) -> None:
    with pytest.raises(StatusError, match="NOT_FOUND"):
        Session(toy, tags=["serve", "gpu"])
