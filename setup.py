"""Package metadata; tool settings are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="tfrs-afm",
    version="0.1.0",
    description="AFM and DeepFM over TensorFlow feature columns, for TensorFlow Recommenders and "
    "TensorFlow Serving",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["tfrs_afm*", "pipelines*", "serving*"]),
    package_data={
        **{name: ["py.typed"] for name in ("tfrs_afm", "pipelines", "serving")},
        "pipelines.recipes": ["*.toml"],
        "pipelines.reporting": ["templates/*.css", "templates/*.html"],
    },
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
        "tune": ["matplotlib>=3.8", "optuna>=4"],
        "stores": ["adlfs>=2024.12", "fsspec>=2024.12", "gcsfs>=2024.12", "s3fs>=2024.12"],
        "beam": ["apache-beam>=2.77,<3", "google-crc32c>=1.5"],
        "dev": [
            "build>=1.2",
            "flask>=3",  # with flask-cors: all that the S3 part of moto[server] needs
            "flask-cors>=5",
            "hypothesis>=6.100",
            "import-linter>=2.0",
            "matplotlib>=3.8",
            "moto[s3]>=5.1",
            "mypy>=1.10",
            "pre-commit>=3.7",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff>=0.6",
            "scikit-learn>=1.5",
            "setuptools>=70",
            "wheel>=0.43",
        ],
    },
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
