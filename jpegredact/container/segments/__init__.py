"""Application and comment segments of all other kinds, and what lies between segments."""
