"""What is this mail? Pure: a mail as it was read, and what is known of ourselves, in; an answer out."""
