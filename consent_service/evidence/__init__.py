"""The keys under which evidence is encrypted: destroying one ends what it protects."""
