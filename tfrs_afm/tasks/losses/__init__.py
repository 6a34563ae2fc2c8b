"""Losses beside cross-entropy: of rankings inside groups, and of clipped ratings."""

from tfrs_afm.tasks.losses.clipped_squared_error import ClippedSquaredError
from tfrs_afm.tasks.losses.grouped_loss import GroupedLoss
from tfrs_afm.tasks.losses.listwise_softmax import ListwiseSoftmax
from tfrs_afm.tasks.losses.pairwise_logistic import PairwiseLogistic

__all__ = ["ClippedSquaredError", "GroupedLoss", "ListwiseSoftmax", "PairwiseLogistic"]
