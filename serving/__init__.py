"""A trained model to answered requests: signatures, exporter, publishing, client, local server."""
