"""The public sign-up form for the newsletter and its sister purposes."""
