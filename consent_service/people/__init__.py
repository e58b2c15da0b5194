"""Staff's view of people: the list, one person's history, and the proof."""
