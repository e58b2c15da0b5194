"""The first page after sign-in: numbers per purpose."""
