"""AFM, DeepFM and all their parts as layers of Keras 3, on TensorFlow, JAX or PyTorch.

They take and give what the layers of the same names in `tfrs_afm.interactions` do, by the same
formulas (`tfrs_afm/interactions/formulas.py`), and hold all pairs of a batch at once. Importing
`tfrs_afm` imports TensorFlow, whatever the backend; what is here does not use it under another.
"""

from tfrs_afm.interactions.formulas import Contributions
from tfrs_afm.keras3.interactions.afm import AFM
from tfrs_afm.keras3.interactions.attention_pooling import AttentionPooling
from tfrs_afm.keras3.interactions.batch_norm_pooling import BatchNormPooling
from tfrs_afm.keras3.interactions.deep import Deep
from tfrs_afm.keras3.interactions.deepfm import DeepFM
from tfrs_afm.keras3.interactions.field_pairs import FieldPairMatrices, FieldPairWeights
from tfrs_afm.keras3.interactions.linear import Linear
from tfrs_afm.keras3.interactions.pairs import FactorizationMachine, PairwiseProduct
from tfrs_afm.keras3.interactions.plain_poolings import AveragePooling, MaxPooling, SumPooling
from tfrs_afm.keras3.interactions.wrappers import FieldGate, MultiEmbedding

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
    "Linear",
    "MaxPooling",
    "MultiEmbedding",
    "PairwiseProduct",
    "SumPooling",
]
