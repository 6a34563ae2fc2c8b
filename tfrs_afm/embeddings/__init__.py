"""Ids to vectors and masks: per field, per id or per column; pooling rules; tables."""

from tfrs_afm.embeddings.dense_table import DenseTable
from tfrs_afm.embeddings.field_embedding import FieldEmbedding
from tfrs_afm.embeddings.fields import Fields
from tfrs_afm.embeddings.id_embedding import IdEmbedding
from tfrs_afm.embeddings.id_fields import IdFields
from tfrs_afm.embeddings.poolings.last_k import LastK
from tfrs_afm.embeddings.poolings.maximum import Maximum
from tfrs_afm.embeddings.poolings.minimum import Minimum
from tfrs_afm.embeddings.poolings.recency_decay import RecencyDecay
from tfrs_afm.embeddings.poolings.target_attention import TargetAttention
from tfrs_afm.embeddings.quotient_remainder_table import QuotientRemainderTable
from tfrs_afm.embeddings.sequence_embedding import SequenceEmbedding
from tfrs_afm.embeddings.sequence_fields import SequenceFields

__all__ = [
    "DenseTable",
    "FieldEmbedding",
    "Fields",
    "IdEmbedding",
    "IdFields",
    "LastK",
    "Maximum",
    "Minimum",
    "QuotientRemainderTable",
    "RecencyDecay",
    "SequenceEmbedding",
    "SequenceFields",
    "TargetAttention",
]
