"""Readable names of results: the project's name and ``<Task>_<param>=<value>``.

The names are those of luisy 1.x wherever those say which task is meant. luisy 1.x let different values print
alike (``'a/b'`` and ``'a_b'``, ``[1]`` and ``['1']``, None and ``'None'``); here each spelling has one owner, the
value that a reader would take it for, and every other value is escaped. The grammar, in which ``%`` that
starts none of these forms stands for itself:

====================  ======================================================================
``%XX``               one byte of UTF-8 (``a b`` is ``a%20b``)
``%type:``            what follows is a value of that type, where another was to be expected
``%,``                end of what stands before ``_name=``, where a reader would cut elsewhere
``%( %)``, ``%{ %}``  a tuple (``%[ %]``: a list) or a mapping inside a list or a mapping
``%:``                between a key of a mapping and its value
``%-``                starts a list that would read as no list or as an empty one
``%~``                a digest of the whole name follows: it was too long
====================  ======================================================================

Different values of one class's parameters get different names, and so do different families. What
is assumed of values of types that Luigi does not know is that ``str`` tells them apart.
"""

from __future__ import annotations

from luisy.naming.names import automatic_name, fitting, not_ending_in
from luisy.naming.project import project_of, project_of_module
from luisy.naming.spelling import spelling

__all__ = ["automatic_name", "fitting", "not_ending_in", "project_of", "project_of_module", "spelling"]
