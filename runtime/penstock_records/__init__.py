"""Reads the records of runs: queries, comparisons, lineage, reports and pictures."""
