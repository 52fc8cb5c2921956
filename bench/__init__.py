"""luisy beside its peers: one module per workload, measured side by side in one run (see README.md)."""
