"""The vocabulary that two or more features share. Pure Python: no Flask, no SQL, no clock."""
