"""Which versions advisories mean, read plainly: the evaluation that the OSV schema describes, event
by event, over the versions of Python's own library. JSON on stdin, a list of booleans on stdout."""
import json
import sys

try:
    from packaging.version import InvalidVersion, Version
except ImportError:
    from pip._vendor.packaging.version import InvalidVersion, Version


def parsed(text):
    try:
        return Version(text)
    except InvalidVersion:
        return None


def read(event):
    """The event as (what it does, where), or None; where is None before or after all."""
    for what, text in event.items():
        if (what, text) in (("introduced", "0"), ("limit", "*")):
            return what, None
        version = parsed(text)
        if version is not None:
            return what, version
    return None


def seen_from(bound, asked):
    """The asked version as it compares with a bound: without its local part if that has none."""
    return asked if bound.local else Version(asked.public)


def within(events, asked):
    events = [event for event in map(read, events) if event]
    limits = [bound for what, bound in events if what == "limit"]
    if limits and not any(limit is None or seen_from(limit, asked) < limit for limit in limits):
        return False
    events = [event for event in events if event[0] != "limit"]
    before_all = [event for event in events if event[1] is None]
    located = [event for event in events if event[1] is not None]
    ordered = sorted(located, key=lambda event: event[1])
    affected = False
    for what, bound in before_all + ordered:
        mine = asked if bound is None else seen_from(bound, asked)
        if what == "introduced" and (bound is None or mine >= bound):
            affected = True
        elif what == "fixed" and mine >= bound:
            affected = False
        elif what == "last_affected" and mine > bound:
            affected = False
    return affected


def affects(case):
    asked = parsed(case["asked"])
    if asked is None:
        return None
    for text in case["versions"]:
        listed = parsed(text)
        if listed is not None and listed == seen_from(listed, asked):
            return True
    return any(within(events, asked) for events in case["ranges"])


json.dump([affects(case) for case in json.load(sys.stdin)], sys.stdout)
