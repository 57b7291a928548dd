"""What several platforms have in common, used by the connectors only: sealing messages, calling an API."""
