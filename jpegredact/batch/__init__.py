"""Many files: whole folders and buckets, redacted so that a run can be resumed."""
