"""Is everything in a remote what it should be? Looked at first, mended then; ``luisy.cas.verify`` does so with a store.

::

    inspector = RemoteInspector(store, remote, "weather")
    found = inspector.inspect()
    RemoteRepairer(inspector).repair()
"""

from luisy.cas.remote_verify.inspecting import RemoteInspector
from luisy.cas.remote_verify.problems import RemoteFlaw, RemoteInspection, RemoteProblem
from luisy.cas.remote_verify.repairing import RemoteRepairer

__all__ = ["RemoteFlaw", "RemoteInspection", "RemoteInspector", "RemoteProblem", "RemoteRepairer"]
