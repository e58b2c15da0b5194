"""Marketing settings and the one-click unsubscribe."""
