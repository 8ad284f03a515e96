"""Outcomes made for agents and people: flat records, words, and a size that fits."""
