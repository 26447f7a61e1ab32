"""A local stand-in for Aleph 3, Aleph 4 and OpenAleph 5, served over real HTTP.

The bridge is tested against it and newcomers try the bridge out with it; it imitates the traps
that the real servers set: silent anonymity, lost dates, replaced fragments, recursive deletion,
the window of 9,999 and many more (see ``test_writing.py`` and ``test_reading.py``). Gives up:
speed, scale and the quality of search.

On the command line: ``python -m tests.aleph --help``. In a test::

    with Aleph(flavour="openaleph", delay=0.2) as aleph:
        aleph.poison("broken.pdf")              # its processing fails
        aleph.fail_next("drop", after=True)     # no answer, but it took effect
        ...                                     # use aleph.url, aleph.user_key
        aleph.wait_until_idle()
        view = aleph.collection("foi_site")
        view.states, view.properties(id), view.parent(id), view.file(id), aleph.calls
"""

from tests.aleph.standin import Aleph, CollectionView

__all__ = ["Aleph", "CollectionView"]
