"""The checker: explores everything that a protocol can come to, and says in sentences what is wrong with it.

``check`` (in ``check.py``) is the door. A slice (``slices.py``) is a few steps that belong together; ``moves.py`` says
what can happen to them, ``exploring.py`` goes everywhere, and ``deadends.py``, ``obligations.py``, ``waits.py``,
``keeping.py`` and ``texts.py`` look at what is found.
"""
