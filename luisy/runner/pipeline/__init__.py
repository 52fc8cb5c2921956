"""A pipeline as it stands in its code: its tasks, what they require, and their keys."""
