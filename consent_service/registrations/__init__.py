"""Double opt-in: from a request to its confirmation, for every kind of sign-up."""
