"""Files to a trained model to honest numbers: readers, data sets, training, evaluation."""
