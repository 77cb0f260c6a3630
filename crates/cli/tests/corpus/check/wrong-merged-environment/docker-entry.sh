export PIP_EXTRA_INDEX_URL=https://packages.acme.example/simple/
pip install acme-agent
