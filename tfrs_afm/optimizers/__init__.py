"""Optimizers whose step costs what the batch holds, not what the vocabulary holds."""

from tfrs_afm.optimizers._layout import whole, whole_name
from tfrs_afm.optimizers.adagrad import Adagrad
from tfrs_afm.optimizers.adam import Adam
from tfrs_afm.optimizers.ftrl import Ftrl
from tfrs_afm.optimizers.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "whole", "whole_name"]
