"""The HTML page in a real browser: `make test-browser`."""
