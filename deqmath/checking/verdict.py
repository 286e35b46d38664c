"""Verdicts and evidence, under the name that the judges use; they stand in :mod:`deqmath.verdict`, which needs no SymPy."""

from deqmath.verdict import KINDS, Evidence, Kind, Status, Verdict

__all__ = ["KINDS", "Evidence", "Kind", "Status", "Verdict"]
