//! Where data comes from that matters when it leaves: one line each. `{a,b}` stands for either; a name
//! ending in `()` is what a call of it makes.

use super::super::label::Label;
use super::tables::Gives::{self, Result, Value};

/// What a name gives, and how: the name itself, or what calling it returns.
pub(super) static SOURCES: &[(&str, Label, Gives)] = &[
    ("os.{environ,environb}", Label::EnvAll, Value),
    ("os.{getenv,getenvb}", Label::Env, Result),
    ("dotenv.dotenv_values", Label::EnvAll, Result),
    (
        "requests.{get,post,put,patch,request,head,delete}",
        Label::Net,
        Result,
    ),
    (
        "requests.Session().{get,post,put,patch,request,send}",
        Label::Net,
        Result,
    ),
    (
        "httpx.{get,post,put,patch,request,stream}",
        Label::Net,
        Result,
    ),
    (
        "httpx.Client().{get,post,put,request,stream,send}",
        Label::Net,
        Result,
    ),
    (
        "aiohttp.ClientSession().{get,post,put,request,ws_connect}",
        Label::Net,
        Result,
    ),
    ("aiohttp.request", Label::Net, Result),
    (
        "urllib.request.{urlopen,URLopener().open,FancyURLopener().open}",
        Label::Net,
        Result,
    ),
    (
        "urllib3.{request,PoolManager().request,PoolManager().urlopen}",
        Label::Net,
        Result,
    ),
    (
        "urllib3.HTTPConnectionPool().{request,urlopen}",
        Label::Net,
        Result,
    ),
    (
        "http.client.HTTPConnection().getresponse",
        Label::Net,
        Result,
    ),
    (
        "socket.socket().{recv,recvfrom,recv_into,makefile,recvmsg}",
        Label::Net,
        Result,
    ),
    ("asyncio.open_connection", Label::Net, Result),
    (
        "http.server.{BaseHTTPRequestHandler,SimpleHTTPRequestHandler}().{rfile,path,headers}",
        Label::Net,
        Value,
    ),
    (
        "socketserver.{BaseRequestHandler,StreamRequestHandler,DatagramRequestHandler}().{request,rfile}",
        Label::Net,
        Value,
    ),
    (
        "multiprocessing.connection.{Client,Listener().accept}",
        Label::Net,
        Result,
    ),
    ("telnetlib.Telnet", Label::Net, Result),
    (
        "imaplib.{IMAP4,IMAP4_SSL}().{fetch,search}",
        Label::Net,
        Result,
    ),
    ("poplib.{POP3,POP3_SSL}().retr", Label::Net, Result),
    (
        "paho.mqtt.client.Client().{subscribe,on_message}",
        Label::Net,
        Result,
    ),
    ("feedparser.parse", Label::Net, Result),
    ("tweepy.{Client,API}", Label::Net, Result),
    (
        "paramiko.SSHClient().open_sftp().get",
        Label::Dropped,
        Result,
    ),
    (
        "websocket.{create_connection().recv,WebSocket().recv}",
        Label::Net,
        Result,
    ),
    ("websockets.connect", Label::Net, Result),
    ("ftplib.FTP().{retrbinary,retrlines}", Label::Net, Result),
    ("xmlrpc.client.ServerProxy", Label::Net, Result),
    ("dns.resolver.{query,resolve}", Label::Net, Result),
    (
        "dns.resolver.Resolver().{query,resolve}",
        Label::Net,
        Result,
    ),
    ("pycurl.Curl().perform_rs", Label::Net, Result),
    ("paramiko.SSHClient().exec_command", Label::Net, Result),
    (
        "paramiko.SSHClient().{invoke_shell().recv,get_transport().open_session().recv}",
        Label::Net,
        Result,
    ),
    (
        "paramiko.Transport().{open_session().recv,accept().recv}",
        Label::Net,
        Result,
    ),
    (
        "flask.request.{args,form,json,data,values,headers,cookies}",
        Label::Net,
        Value,
    ),
    ("flask.request.{get_json,get_data}", Label::Net, Result),
    ("urllib.request.urlretrieve", Label::Dropped, Result),
    ("wget.download", Label::Dropped, Result),
    (
        "socket.{gethostname,getfqdn,gethostbyname_ex}",
        Label::HostInfo,
        Result,
    ),
    ("platform.{node,uname}", Label::HostInfo, Result),
    ("getpass.getuser", Label::HostInfo, Result),
    (
        "os.{getlogin,getcwd,getcwdb,uname}",
        Label::HostInfo,
        Result,
    ),
    ("pathlib.Path.{home,cwd}", Label::HostInfo, Result),
    ("pwd.{getpwuid,getpwall,getpwnam}", Label::HostInfo, Result),
    ("uuid.{getnode,uuid1}", Label::HostInfo, Result),
    (
        "psutil.{users,net_if_addrs,net_connections}",
        Label::HostInfo,
        Result,
    ),
    (
        "netifaces.{interfaces,ifaddresses}",
        Label::HostInfo,
        Result,
    ),
    ("getmac.get_mac_address", Label::HostInfo, Result),
    (
        "pyperclip.{paste,waitForPaste,waitForNewPaste}",
        Label::Clipboard,
        Result,
    ),
    ("clipboard.paste", Label::Clipboard, Result),
    ("win32clipboard.GetClipboardData", Label::Clipboard, Result),
    ("PIL.ImageGrab.grabclipboard", Label::Clipboard, Result),
    (
        "tkinter.{Tk,Frame,Toplevel}().{clipboard_get,selection_get}",
        Label::Clipboard,
        Result,
    ),
    ("pandas.read_clipboard", Label::Clipboard, Result),
    (
        "keyboard.{record,read_key,read_event,get_typed_strings}",
        Label::Keys,
        Result,
    ),
    ("evdev.InputDevice", Label::Keys, Result),
    ("PIL.ImageGrab.grab", Label::Screen, Result),
    ("pyautogui.screenshot", Label::Screen, Result),
    ("pyscreenshot.grab", Label::Screen, Result),
    ("mss.mss().{grab,shot,save}", Label::Screen, Result),
    ("mss.mss", Label::Screen, Result),
    ("d3dshot.create", Label::Screen, Result),
    (
        "PyQt5.QtWidgets.QApplication.primaryScreen",
        Label::Screen,
        Result,
    ),
    (
        "win32gui.{GetWindowText,GetForegroundWindow}",
        Label::Screen,
        Result,
    ),
    (
        "pygetwindow.{getActiveWindow,getActiveWindowTitle}",
        Label::Screen,
        Result,
    ),
    (
        "{picamera.PiCamera,picamera2.Picamera2,pygame.camera.Camera}",
        Label::Screen,
        Result,
    ),
    (
        "sounddevice.{InputStream,RawInputStream}",
        Label::Screen,
        Result,
    ),
    (
        "speech_recognition.Recognizer().listen",
        Label::Screen,
        Result,
    ),
    ("cv2.VideoCapture", Label::Screen, Result),
    ("sounddevice.rec", Label::Screen, Result),
    ("pyaudio.PyAudio().open", Label::Screen, Result),
    ("getpass.getpass", Label::UserInput, Result),
    ("builtins.{input,raw_input}", Label::UserInput, Result),
    (
        "subprocess.{check_output,getoutput,getstatusoutput,run,Popen}",
        Label::Output,
        Result,
    ),
    ("os.popen", Label::Output, Result),
    ("marshal.{loads,load}", Label::Code, Result),
    (
        "keyring.{get_password,get_credential}",
        Label::SecretFile,
        Result,
    ),
    ("win32crypt.CryptUnprotectData", Label::SecretFile, Result),
    (
        "browser_cookie3.{load,chrome,firefox,edge,opera,brave,chromium}",
        Label::SecretFile,
        Result,
    ),
    (
        "browsercookie.{load,chrome,firefox}",
        Label::SecretFile,
        Result,
    ),
    (
        "secretstorage.{get_all_collections,get_default_collection,get_any_collection,search_items}",
        Label::SecretFile,
        Result,
    ),
    ("netrc.netrc", Label::SecretFile, Result),
    (
        "ctypes.windll.user32.{GetAsyncKeyState,GetKeyState,GetKeyboardState}",
        Label::Keys,
        Result,
    ),
    (
        "ctypes.windll.user32.GetClipboardData",
        Label::Clipboard,
        Result,
    ),
    ("google.auth.default", Label::Env, Result),
    (
        "{boto3.Session(),boto3.session.Session(),botocore.session.get_session()}.get_credentials",
        Label::CloudMetadata,
        Result,
    ),
    (
        "boto3.client().{get_secret_value,get_parameter,get_parameters_by_path,assume_role,get_session_token}",
        Label::CloudMetadata,
        Result,
    ),
    (
        "kubernetes.client.CoreV1Api().{list_secret_for_all_namespaces,list_namespaced_secret,read_namespaced_secret}",
        Label::CloudMetadata,
        Result,
    ),
    (
        "azure.identity.{DefaultAzureCredential,ManagedIdentityCredential}().get_token",
        Label::CloudMetadata,
        Result,
    ),
    (
        "google.cloud.secretmanager.SecretManagerServiceClient().access_secret_version",
        Label::CloudMetadata,
        Result,
    ),
    (
        "hvac.Client().{read,secrets.kv.v2.read_secret_version}",
        Label::CloudMetadata,
        Result,
    ),
    ("django.conf.settings", Label::EnvSecret, Value),
    ("flask.current_app.config", Label::EnvSecret, Value),
    ("pkgutil.get_data", Label::OwnFile, Result),
    ("wave.open", Label::OwnFile, Result),
    ("PIL.Image.open", Label::OwnFile, Result),
    ("soundfile.read", Label::OwnFile, Result),
    (
        "pkg_resources.{resource_string,resource_stream}",
        Label::OwnFile,
        Result,
    ),
    (
        "importlib.resources.{read_text,read_binary,open_text,open_binary,files}",
        Label::OwnFile,
        Result,
    ),
    (
        "importlib_resources.{read_text,read_binary,files}",
        Label::OwnFile,
        Result,
    ),
];

/// Parts of the names of environment variables that say the value is secret.
static SECRET_PARTS: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "CREDENTIAL",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "AUTH_KEY",
    "SESSION_KEY",
    "ENCRYPTION_KEY",
    "_PAT",
    "_PWD",
    "_PASS",
    "WEBHOOK",
    "MNEMONIC",
    "CONNECTION_STRING",
    "DATABASE_URL",
    "COOKIE",
];

/// Secrets that are addresses: who knows them has what they lead to.
static SECRET_ADDRESSES: &[&str] = &["WEBHOOK", "DATABASE_URL"];

/// Ends of names of variables that say where a secret is, or who gives it out.
static WHEREABOUTS: &[&str] = &["_URL", "_URI", "_ENDPOINT", "_HOST", "_FILE", "_PATH"];

/// Whether a variable of this name holds a secret, by its name.
pub(in super::super) fn is_secret_variable(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| upper.contains(part));
    let is_elsewhere = WHEREABOUTS.iter().any(|end| upper.ends_with(end));
    has(SECRET_PARTS) && (!is_elsewhere || has(SECRET_ADDRESSES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_secret_is_kept_is_not_the_secret() {
        for (name, is_secret) in [
            ("AWS_SECRET_ACCESS_KEY", true),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", true),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", false),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", false),
            ("SLACK_WEBHOOK_URL", true),
            ("DATABASE_URL", true),
            ("url_of_token", true),
            ("HOME", false),
        ] {
            assert_eq!(is_secret_variable(name), is_secret, "{name}");
        }
    }
}
