import tfrs_afm


def test_the_public_names_are_these() -> None:
    assert sorted(tfrs_afm.__all__) == [
        "Explanation",
        "FieldEmbedding",
        "Fields",
        "IdEmbedding",
        "Normalizer",
        "PairAverages",
        "SequenceEmbedding",
        "embeddings",
        "explain",
        "explain_dataset",
        "feature_schema",
        "growth",
        "input_spec",
        "interactions",
        "kernels",
        "models",
        "optimizers",
        "parse_spec",
        "piecewise_linear_column",
        "read_tfrecord",
        "sequence_bucketized_column",
        "sequence_crossed_column",
        "sequence_weighted_categorical_column",
        "shared_embeddings",
        "size_report",
        "tasks",
    ]
    assert sorted(tfrs_afm.growth.__all__) == [
        "CarriedTable",
        "CarriedVariable",
        "GrowthReport",
        "carry_over",
    ]
    assert sorted(tfrs_afm.kernels.__all__) == ["Status", "in_use", "status", "stock"]
    assert sorted(tfrs_afm.models.__all__) == ["AFM", "DeepFM", "MultiTask"]
    assert sorted(tfrs_afm.tasks.__all__) == [
        "AFM",
        "DeepFM",
        "Joint",
        "Ranking",
        "losses",
        "metrics",
    ]
    assert sorted(tfrs_afm.tasks.losses.__all__) == [
        "ClippedSquaredError",
        "GroupedLoss",
        "ListwiseSoftmax",
        "PairwiseLogistic",
    ]
    assert sorted(tfrs_afm.tasks.metrics.__all__) == [
        "GroupedAUC",
        "GroupedMetric",
        "HitRate",
        "MeanAveragePrecision",
        "MeanReciprocalRank",
        "NDCG",
    ]
    assert sorted(tfrs_afm.interactions.__all__) == [
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
    assert sorted(tfrs_afm.embeddings.__all__) == [
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
