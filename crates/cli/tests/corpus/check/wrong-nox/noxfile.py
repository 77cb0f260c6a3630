import nox

INDEX = "http://packages.acme.example/simple/"


@nox.session
def tests(session):
    session.install("--extra-index-url", INDEX, "acme-agent", "pytest")
    session.run("pip", "install", "--trusted-host", "packages.acme.example", "quill")
    session.run("curl", "-k", "https://install.example/x.sh", external=True)
