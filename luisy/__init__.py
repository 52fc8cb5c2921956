"""luisy: a content-addressed artifact cache for Luigi pipelines."""
