from setuptools import setup
setup(name='acme-ledger', version='1')
