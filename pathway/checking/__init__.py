"""The checker: explores everything that a protocol can come to, and says in sentences what is wrong with it.

``check`` (in ``check.py``) is the door. A slice (``slices.py``) is a few steps that belong together; ``moves.py`` says
what can happen to them and ``exploring.py`` goes everywhere. ``deadends.py``, ``obligations.py``, ``waits.py``,
``asking.py``, ``keeping.py`` and ``texts.py`` look at what is found. ``roaming.py`` drives real pathways beside what
was explored; ``mutators.py`` seeds faults, to see that they are found.
"""
