"""Vectors and mask to logits: the parts of AFM and DeepFM, and the two assembled."""

from tfrs_afm.interactions.afm import AFM
from tfrs_afm.interactions.attention_pooling import AttentionPooling
from tfrs_afm.interactions.average_pooling import AveragePooling
from tfrs_afm.interactions.contributions import Contributions
from tfrs_afm.interactions.deep import Deep
from tfrs_afm.interactions.deepfm import DeepFM
from tfrs_afm.interactions.factorization_machine import FactorizationMachine
from tfrs_afm.interactions.interaction_cost import InteractionCost, interaction_cost
from tfrs_afm.interactions.linear import Linear
from tfrs_afm.interactions.max_pooling import MaxPooling
from tfrs_afm.interactions.pairwise_product import PairwiseProduct
from tfrs_afm.interactions.sum_pooling import SumPooling

__all__ = [
    "AFM",
    "AttentionPooling",
    "AveragePooling",
    "Contributions",
    "Deep",
    "DeepFM",
    "FactorizationMachine",
    "InteractionCost",
    "Linear",
    "MaxPooling",
    "PairwiseProduct",
    "SumPooling",
    "interaction_cost",
]
