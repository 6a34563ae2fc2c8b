"""Ways to a model: gRPC, REST, or this very process."""
