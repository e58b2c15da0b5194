"""Lists of exactly those who may be written to."""
