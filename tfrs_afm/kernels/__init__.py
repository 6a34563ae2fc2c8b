"""C++ kernels that train; optional, and never part of what is exported."""

from tfrs_afm.kernels.library import Status, status, stock
from tfrs_afm.kernels.pair_attention import in_use

__all__ = ["Status", "in_use", "status", "stock"]
