//! [`Link`]: the way from one replica to a server, through this process, where it can be cut. What a firewall
//! does to a connection, nothing arrives and nobody is told, is what it does; and what a reset does.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const OPEN: u8 = 0;
const SILENT: u8 = 1;
const RESET: u8 = 2;

/// How a link is cut.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Nothing gets through in either direction, and nobody is told.
    Silent,
    /// Connections are closed, and new ones too.
    Reset,
}

/// A way to a server. It ends with this.
pub(super) struct Link {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: AtomicU8,
    target: SocketAddr,
    /// Heads of HTTP requests that went through.
    requests: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

impl Link {
    pub(super) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: AtomicU8::new(OPEN),
            target,
            requests: AtomicUsize::new(0),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.carry(client));
            }
        });
        Self { address, shared }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests went through, where they are HTTP's.
    pub(super) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    pub(super) fn cut(&self, how: Cut) {
        match how {
            Cut::Silent => self.shared.state.store(SILENT, Ordering::SeqCst),
            Cut::Reset => {
                self.shared.state.store(RESET, Ordering::SeqCst);
                self.shared.close_all();
            }
        }
    }

    pub(super) fn mend(&self) {
        self.shared.state.store(OPEN, Ordering::SeqCst);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut(Cut::Reset);
    }
}

impl Shared {
    fn close_all(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn carry(self: &Arc<Self>, client: TcpStream) {
        if self.state.load(Ordering::SeqCst) == RESET {
            return;
        }
        let Ok(server) = TcpStream::connect(self.target) else {
            return;
        };
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        let mut open = self.open.lock().unwrap();
        open.retain(|stream| stream.peer_addr().is_ok());
        open.extend(
            [client.try_clone(), server.try_clone()]
                .into_iter()
                .flatten(),
        );
        drop(open);
        let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else {
            return;
        };
        let forth = Arc::clone(self);
        thread::spawn(move || forth.copy(from, to));
        self.copy(server, client);
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16 << 10];
        while let Ok(count) = from.read(&mut buffer) {
            let heads = buffer[..count]
                .windows(11)
                .filter(|at| at == b" HTTP/1.1\r\n")
                .count();
            self.requests.fetch_add(heads, Ordering::SeqCst);
            if self.wait().is_err() || count == 0 || to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// What was sent while nothing gets through arrives when something does, as TCP has it.
    fn wait(&self) -> io::Result<()> {
        loop {
            match self.state.load(Ordering::SeqCst) {
                OPEN => return Ok(()),
                RESET => return Err(io::ErrorKind::ConnectionReset.into()),
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}
