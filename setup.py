"""Package metadata, and the build of the kernels; tool settings are in pyproject.toml."""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70.1 it was there
    from wheel.bdist_wheel import bdist_wheel

KERNELS = Path("tfrs_afm", "kernels")
# As at run time: 0 leaves the kernels out. `require` makes a build without them an error.
SWITCH = os.environ.get("TFRS_AFM_KERNELS", "")


class BuildPython(build_py):
    """Also compiles the kernels, where TensorFlow and a compiler are there; else does without."""

    def run(self) -> None:
        """Builds."""
        super().run()
        if SWITCH != "0":
            self._compile(Path("." if self.editable_mode else self.build_lib) / KERNELS)

    def _compile(self, folder: Path) -> None:
        # A process of its own: whatever goes wrong with TensorFlow there, the install goes on.
        command = [sys.executable, "-P", str(KERNELS / "build.py"), str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            failure = done.stderr[-2000:] if done.returncode else ""
        except subprocess.TimeoutExpired as error:
            failure = str(error)
        if failure and SWITCH == "require":
            raise SystemExit(f"The kernels were not built.\n{failure}")
        if failure:
            self.warn(f"the kernels were not built, stock operations will do:\n{failure}")


class Wheel(bdist_wheel):
    """A wheel of one platform where it carries the kernels, otherwise of all."""

    def run(self) -> None:
        """Builds."""
        self.run_command("build")
        if list(Path(self.get_finalized_command("build").build_lib, KERNELS).glob("*.so")):
            self.root_is_pure = False
            self.distribution.has_ext_modules = lambda: True
        super().run()

    def get_tag(self) -> tuple[str, str, str]:
        """Any Python: the kernels do not know it."""
        python, abi, platform = super().get_tag()
        return (python, abi, platform) if self.root_is_pure else ("py3", "none", platform)


setup(
    name="tfrs-afm",
    version="0.1.0",
    description="AFM and DeepFM over TensorFlow feature columns, for TensorFlow Recommenders and "
    "TensorFlow Serving",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The tfrs_afm developers",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=[
        "attentional factorization machine",
        "AFM",
        "DeepFM",
        "click-through rate",
        "feature columns",
        "recommender systems",
        "TensorFlow Recommenders",
        "TensorFlow Serving",
    ],
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["tfrs_afm*", "pipelines*", "serving*"]),
    package_data={
        **{name: ["py.typed"] for name in ("tfrs_afm", "pipelines", "serving")},
        "pipelines.recipes": ["*.toml"],
        "pipelines.reporting": ["templates/*.css", "templates/*.html"],
        "tfrs_afm.kernels": ["source/*.cc", "source/*.h"],
    },
    cmdclass={"build_py": BuildPython, "bdist_wheel": Wheel},
    install_requires=[
        "tensorflow>=2.21,<2.22",
        "tf-keras>=2.21,<2.22",
        "tensorflow-recommenders>=0.7.7,<0.8",
        "tensorflow-serving-api>=2.19,<2.22",
    ],
    extras_require={
        "client": ["grpcio>=1.60", "numpy>=1.26", "protobuf>=5"],
        "pipelines": [
            "jinja2>=3.1",
            "pyarrow>=18",
            "pydantic>=2.9",
            "rich>=13",
            "tensorboard>=2.19",
        ],
        "report": ["matplotlib>=3.8"],
        "frames": ["narwhals>=1.20"],  # fit, predict and explain take data frames of any library
        "tune": ["matplotlib>=3.8", "optuna>=4"],
        "stores": ["adlfs>=2024.12", "fsspec>=2024.12", "gcsfs>=2024.12", "s3fs>=2024.12"],
        "beam": ["apache-beam>=2.77,<3", "google-crc32c>=1.5"],
        "docs": ["mkdocs-material>=9.5,<10", "mkdocstrings[python]>=0.26"],
        "dev": [
            "build>=1.2",
            "cryptography>=42",
            "flask>=3",  # with flask-cors: all that the S3 part of moto[server] needs
            "flask-cors>=5",
            "hypothesis>=6.100",
            "import-linter>=2.0",
            "ipython>=8.20",
            "jax>=0.4.34",  # the other backend that the layers of Keras 3 are tested on
            "matplotlib>=3.8",
            "moto[s3]>=5.1",
            "mypy>=1.10",
            "nbformat>=5.10",
            "pandas>=2.2",
            "polars>=1.10",
            "pre-commit>=3.7",
            "pytest>=8",
            "pyyaml>=6",
            "pytest-xdist>=3.6",
            "ruff>=0.6",
            "scikit-learn>=1.5",
            "setuptools>=70",
            "wheel>=0.43",
        ],
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: C++",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
