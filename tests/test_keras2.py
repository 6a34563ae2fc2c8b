import subprocess
import sys

import pytest


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in a fresh interpreter that has no Keras choice in its environment."""
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
        check=False,
    )


@pytest.mark.long
@pytest.mark.parametrize(
    "first",
    [
        pytest.param("import tfrs_afm", marks=pytest.mark.long),  # its like runs in every worker
        "import tensorflow as tf; import tfrs_afm",
    ],
)
def test_import_selects_keras_2_without_an_environment_variable(first: str) -> None:
    done = run(f"{first}; import tensorflow as tf; print(tf.keras.layers.Layer.__module__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tf_keras")


@pytest.mark.long
def test_keras_3_is_not_imported_but_by_those_who_ask_for_it() -> None:
    done = run("import sys, tfrs_afm; assert 'keras' not in sys.modules; import tfrs_afm.keras3")
    assert done.returncode == 0, done.stderr
    done = run(
        "import tfrs_afm.keras3.interactions as parts, keras, tensorflow as tf;"
        "assert isinstance(parts.AFM(), keras.layers.Layer) and keras.__version__[0] == '3';"
        "assert tf.keras.layers.Layer.__module__.startswith('tf_keras')"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_keras_3_already_loaded_is_an_error_that_names_the_fix() -> None:
    done = run("import tensorflow as tf; tf.keras.Model; import tfrs_afm")
    assert done.returncode != 0
    assert "ImportError" in done.stderr
    assert "TF_USE_LEGACY_KERAS=1" in done.stderr
