"""Ids to vectors and masks: per field, per id or per column; pooling rules; tables."""

from tfrs_afm.embeddings.field_embedding import FieldEmbedding, Fields
from tfrs_afm.embeddings.id_embedding import IdEmbedding, IdFields
from tfrs_afm.embeddings.poolings import LastK, Maximum, Minimum, RecencyDecay, TargetAttention
from tfrs_afm.embeddings.sequence_embedding import SequenceEmbedding, SequenceFields
from tfrs_afm.embeddings.tables import DenseTable, QuotientRemainderTable

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
