import setuptools

REQUIRES = ["flask", "click>=8"]

setuptools.setup(
    name="old",
    version="0.1",
    install_requires=REQUIRES,
    setup_requires=["setuptools_scm", "cython"],
    tests_require=["nose"],
    dependency_links=["http://files.example/old/"],
)
