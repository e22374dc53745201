"""The hold calculator: what a written profile says of a drug list, a procedure time and a kidney. Pure.

A lookup and nothing more: it proposes, shows where texts disagree, and refuses where no text gives a delay. A
clinician signs. Not CE-marked.
"""
