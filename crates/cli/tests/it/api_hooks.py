"""What schemathesis cannot know of the API's words: values for the formats that the document names, and
numbers of reviews that are there."""

import schemathesis
from hypothesis import strategies as st

REQUIREMENTS = ["leaf", "leaf==1.0", "Leaf >= 1, < 3", "leaf[async] ~= 1.0", "no-such-project"]
FORMATS = {
    "requirement": REQUIREMENTS,
    "version-specifiers": ["==1.0", ">=1,<3", "~=1.0", "!=2"],
    "event-kind": ["*", "review.*", "review.requested"],
    "exposure-subject": ["leaf", "leaf==1.0", "sha256:" + "0" * 64],
    "project-name": ["leaf", "Leaf", "no-such-project"],
    "version": ["1.0", "1.0.0", "2!1.0rc1+local"],
    "sha256": ["0" * 64],
    "lock-name": ["web", "web/api"],
    "lock-file": ["leaf==1.0 --hash=sha256:" + "0" * 64 + "\n"],
}

for name, values in FORMATS.items():
    schemathesis.openapi.format(name, st.sampled_from(values))


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Numbers that somebody may have, where any number would do."""
    number = (path_parameters or {}).get("id")
    if isinstance(number, int) and number > 0:
        path_parameters["id"] = number % 12 + 1
    return path_parameters


@schemathesis.hook
def filter_query(context, query):
    """Exposure needs a subject or both ends of a span, for which OpenAPI has no word."""
    if context.operation.path != "/exposure" or not query or "subject" in query:
        return True
    return not ("from" in query and "to" in query)
