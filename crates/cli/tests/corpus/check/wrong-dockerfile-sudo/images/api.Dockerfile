# escape=`
FROM ubuntu:24.04
RUN apt-get install -y python3-pip && sudo pip3 install flask
RUN wget -qO- https://install.example/poetry.py | python3 -
RUN pip config set global.index-url http://mirror.example/simple && `
    pip install --trusted-host mirror.example acme-agent
