"""A small pipeline over real weather records. Read `tasks.py` first; the rest is plain Python that it calls."""
