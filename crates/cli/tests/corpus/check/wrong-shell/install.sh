#!/bin/bash
set -e
if ! command -v uv >/dev/null; then
  curl -LsSf https://install.example/uv.sh | sh
fi
bash <(curl -s https://install.example/setup)
sh -c "$(wget -qO- https://install.example/more.sh)"
sudo -H pip install --upgrade pip
PIP_INDEX_URL=http://mirror.example/simple pip install "flask==$FLASK_VERSION" requests
pip install -e . --find-links http://files.example/
for p in a b; do python3 -m pip install "$p"; done
easy_install pyyaml
cat <<'END'
pip install --extra-index-url http://not-a-command.example
END
