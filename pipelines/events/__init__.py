"""Logs of events to training examples, in memory or at scale on Apache Beam."""
