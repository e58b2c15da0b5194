"""Webhooks of mail providers: bounces, complaints and unsubscribes that come as JSON by POST."""
