"""Staff accounts: sign-in and the guard of every staff page."""
