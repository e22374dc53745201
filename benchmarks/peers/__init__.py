"""The peers of ``benchmarks/moves.py``: the same line and the same protocol in three well-known libraries.

Each module has the same five functions: ``line`` and ``drive_line`` for nine states in a row, ``lives``,
``drive`` and ``done`` for the whole protocol, generated from its steps, tracks, conditions and gates.
"""
