"""What comes back by mail: wishes to leave, bounces, complaints, automatic answers, and replies of people."""
