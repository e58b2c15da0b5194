"""Whether our mail can arrive: what DNS, the relay and the website say, and a copy that came back."""
