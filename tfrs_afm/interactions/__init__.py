"""Vectors and mask to logits: the parts of AFM and DeepFM, and the two assembled."""

from tfrs_afm.interactions.afm import AFM
from tfrs_afm.interactions.attention_pooling import AttentionPooling
from tfrs_afm.interactions.contributions import Contributions
from tfrs_afm.interactions.deep import Deep
from tfrs_afm.interactions.deepfm import DeepFM
from tfrs_afm.interactions.factorization_machine import FactorizationMachine
from tfrs_afm.interactions.linear import Linear
from tfrs_afm.interactions.pairwise_product import PairwiseProduct

__all__ = [
    "AFM",
    "AttentionPooling",
    "Contributions",
    "Deep",
    "DeepFM",
    "FactorizationMachine",
    "Linear",
    "PairwiseProduct",
]
