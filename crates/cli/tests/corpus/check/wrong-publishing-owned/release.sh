#!/bin/sh
set -eu
python -m build
twine upload dist/*
