"""What runs and commands get from remotes and give to them."""
