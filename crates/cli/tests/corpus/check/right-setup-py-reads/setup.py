from pathlib import Path

from setuptools import setup

EXTRAS = ("redis", "sql")


def reqs(*parts):
    lines = Path("requirements", *parts).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("-r")]


def extras():
    return {name: reqs("extras", name + ".txt") for name in EXTRAS}


setup(name="app", version="1", install_requires=reqs("default.txt"), extras_require=extras())
