"""What staff did: looks at people, exports, sends, imports."""
