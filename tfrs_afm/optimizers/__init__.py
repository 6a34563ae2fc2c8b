"""Optimizers whose step costs what the batch holds, not what the vocabulary holds."""

from tfrs_afm.optimizers.adagrad import Adagrad
from tfrs_afm.optimizers.adam import Adam
from tfrs_afm.optimizers.ftrl import Ftrl
from tfrs_afm.optimizers.sgd import SGD
from tfrs_afm.optimizers.whole import whole
from tfrs_afm.optimizers.whole_name import whole_name

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "whole", "whole_name"]
