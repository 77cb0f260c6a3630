# /// script
# dependencies = ["httpx", "reqeusts==2.32.3"]
#
# [tool.uv]
# index-strategy = "unsafe-first-match"
# extra-index-url = ["http://packages.acme.example/simple/"]
# ///
print()
