"""Between a store and a remote: what goes up, what comes down, and the index that both rest on.

::

    mirror = Mirror(store, remote, "weather")
    mirror.refresh()
    mirror.fetch([key for key in keys if key in mirror.results(keys)])
    mirror.push()

The format is that of ``docs/remote-format.md``.
"""

from luisy.cas.transfer.candidates import Held, HeldRef
from luisy.cas.transfer.merging import Extent
from luisy.cas.transfer.mirror import Fetched, Mirror, Pushed
from luisy.cas.transfer.planning import PushPlan
from luisy.cas.transfer.refs import Offer, Origin, Ref
from luisy.cas.transfer.resigning import Resigned

__all__ = [
    "Extent",
    "Fetched",
    "Held",
    "HeldRef",
    "Mirror",
    "Offer",
    "Origin",
    "PushPlan",
    "Pushed",
    "Ref",
    "Resigned",
]
