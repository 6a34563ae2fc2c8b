"""Row-sparse updates for embedding tables."""
