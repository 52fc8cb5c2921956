"""A content-addressed store: immutable objects, manifests and actions, with a SQLite index."""
