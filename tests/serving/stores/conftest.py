"""A real S3-compatible server on loopback, and the store in memory."""

import logging
import uuid
from collections.abc import Iterator

import fsspec
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="package")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket of an S3 server on loopback, to which the environment points."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "key")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            environment.setenv(name, str(tmp_path_factory.mktemp("aws") / "none"))
        s3 = fsspec.filesystem("s3", use_listings_cache=False)
        s3.mkdir("models")
        yield "s3://models"
        s3.clear_instance_cache()
    server.stop()


@pytest.fixture
def memory() -> str:
    return f"memory://{uuid.uuid4().hex}/ranker"


@pytest.fixture
def s3(bucket: str) -> str:
    return f"{bucket}/{uuid.uuid4().hex}/ranker"


@pytest.fixture(params=["memory", "s3"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))
