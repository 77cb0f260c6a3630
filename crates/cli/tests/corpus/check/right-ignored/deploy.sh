#!/bin/sh
set -eu
# portcullis: ignore[piped-to-shell] the installer is on our own host and signed
curl -fsS https://install.acme.example/agent.sh | sh
