"""Tasks as Luigi executes them: scheduler, workers, and the processes that they fork."""
