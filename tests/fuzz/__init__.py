"""Damaged inputs: a seeded mutator, and every crash that it ever found."""
