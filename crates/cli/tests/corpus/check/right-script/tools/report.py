#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["httpx==0.28.1", "rich==13.9.4"]
# ///
import httpx

print(httpx.get("https://status.acme.example/").status_code)
