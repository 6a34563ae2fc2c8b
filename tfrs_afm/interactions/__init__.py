"""Vectors and mask to logits: the parts of AFM and DeepFM, and the two assembled."""

from tfrs_afm.interactions.afm import AFM
from tfrs_afm.interactions.attention_pooling import AttentionPooling
from tfrs_afm.interactions.batch_norm_pooling import BatchNormPooling
from tfrs_afm.interactions.deep import Deep
from tfrs_afm.interactions.deepfm import DeepFM
from tfrs_afm.interactions.field_gate import FieldGate
from tfrs_afm.interactions.field_pairs import FieldPairMatrices, FieldPairWeights
from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.interactions.interaction_cost import InteractionCost, interaction_cost
from tfrs_afm.interactions.linear import Linear
from tfrs_afm.interactions.multi_embedding import MultiEmbedding
from tfrs_afm.interactions.pairs import FactorizationMachine, PairwiseProduct
from tfrs_afm.interactions.plain_poolings import AveragePooling, MaxPooling, SumPooling

__all__ = [
    "AFM",
    "AttentionPooling",
    "AveragePooling",
    "BatchNormPooling",
    "Contributions",
    "Deep",
    "DeepFM",
    "FactorizationMachine",
    "FieldGate",
    "FieldPairMatrices",
    "FieldPairWeights",
    "InteractionCost",
    "Linear",
    "MaxPooling",
    "MultiEmbedding",
    "PairwiseProduct",
    "SumPooling",
    "interaction_cost",
]
