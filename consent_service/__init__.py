"""A service that collects, proves and honours consent to e-mail."""
