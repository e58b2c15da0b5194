"""How fast mail may leave: limits per receiving provider and per sending domain, their back-off, and warm-up."""
