"""People, by their e-mail address, and the suppressions that outlive them."""
