import nox


@nox.session
def tests(session):
    session.install("--require-hashes", "-r", "requirements-test.txt")
    session.run("pytest", *session.posargs)
