"""The Luigi integration: the only place that knows Luigi from within."""

from luisy.runner.build import build, key, plan

__all__ = ["build", "key", "plan"]
