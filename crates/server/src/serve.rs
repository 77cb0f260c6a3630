//! Listening: taking connections in, serving HTTP/1.1 and HTTP/2 on them, with TLS or without, and an end
//! that lets transfers finish. Which connections may stay is decided in [`connections`].

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use http::header::CONNECTION;
use http::{HeaderValue, Version};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use crate::app::App;
use crate::http::{front, router};

mod body;
mod connections;
mod files;
mod handshake;
mod pace;
mod wire;

use body::{Answered, Asked, UnderWay};
use connections::{Admitted, Connections, Order};
use handshake::Handshakes;
use wire::Watched;

pub use files::raise_limit;

/// The longest head of a request, in bytes.
const HEAD: usize = 64 * 1024;

/// The most requests at a time on one connection of HTTP/2.
const STREAMS: u32 = 100;

/// How many bytes of one upload over HTTP/2 may be on their way, and of all on one connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 2 << 20;

/// How often the other end of HTTP/2 is asked whether it is there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);

/// How often those who asked too often long ago are forgotten.
const FORGET: Duration = Duration::from_secs(10);

/// What the task of each connection needs.
struct Front {
    app: Arc<App>,
    router: Router,
    builder: Builder<TokioExecutor>,
    connections: Arc<Connections>,
    handshakes: Handshakes,
}

/// How many connections may wait to be taken in. The usual number is small enough to be full when a few
/// hundred clients begin at once, and then they wait for seconds.
const BACKLOG: u32 = 4096;

/// Listens at `address`.
///
/// # Errors
/// What the system says.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // What is left of connections that ended does not keep the address from being used again.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `app` on `listener` until `stop` resolves. Then `/readyz` says that we are leaving, everything is
/// answered for as long as `[limits] drain` says, and transfers under way may finish within `shutdown`.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let most = files::room_for(app.config.front.connections);
    let front = Arc::new(Front {
        router: router(Arc::clone(&app)),
        builder: builder(),
        connections: Arc::new(Connections::new(&app.config.front, most)),
        handshakes: Handshakes::default(),
        app,
    });
    let drained = async {
        stop.await;
        front.app.leaving.store(true, Ordering::Release);
        let drain = front.app.config.front.drain;
        if !drain.is_zero() {
            info!(
                "leaving: everything is answered for {} s more",
                drain.as_secs()
            );
            tokio::time::sleep(drain).await;
        }
    };
    tokio::select! {
        () = drained => {}
        () = accept(&front, &listener) => {}
        () = beside(&front) => {}
    }
    // Those that the system has accepted for us would be reset.
    while let Some(Ok((stream, address))) = listener.accept().now_or_never() {
        begin(&front, stream, address);
    }
    drop(listener);
    info!("stopping: transfers under way may finish");
    let patience = front.app.config.limits.shutdown;
    tokio::select! {
        () = front.connections.part() => {}
        () = front.connections.watch() => {}
        () = tokio::time::sleep(patience) => {
            let seconds = patience.as_secs();
            warn!("some transfers did not finish within {seconds} s");
            front.connections.cut();
        }
    }
}

/// What is done beside taking connections in. Never ends.
async fn beside(front: &Front) {
    let forget = async {
        loop {
            tokio::time::sleep(FORGET).await;
            front.app.limits.forget();
        }
    };
    let certificate = async {
        match &front.app.tls {
            Some(tls) => tls.watch(|| front.app.now()).await,
            None => std::future::pending().await,
        }
    };
    tokio::join!(front.connections.watch(), forget, certificate);
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // How long a head may take is watched by `connections`, for both versions.
    builder.http1().header_read_timeout(None).max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD).expect("a small number"))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(HEAD)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    builder
}

/// Takes connections in. Never ends.
async fn accept(front: &Arc<Front>, listener: &TcpListener) {
    let breath = Duration::from_millis(100);
    loop {
        if front.connections.is_full() {
            front.connections.make_room();
            let _ = tokio::time::timeout(breath, front.connections.one_ended()).await;
            continue;
        }
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: those who ask nothing make room.
                warn!("could not accept a connection: {error}");
                front.connections.make_room();
                tokio::time::sleep(breath).await;
                continue;
            }
        };
        begin(front, stream, address);
    }
}

fn begin(front: &Arc<Front>, stream: TcpStream, address: SocketAddr) {
    let Ok(admitted) = front.connections.admit(address.ip()) else {
        metrics::counter!("portcullis_limited_total", "limit" => "connections").increment(1);
        debug!(%address, "too many connections from this address");
        return;
    };
    let _ = stream.set_nodelay(true);
    tokio::spawn(take(Arc::clone(front), stream, address, admitted));
}

async fn take(front: Arc<Front>, stream: TcpStream, address: SocketAddr, admitted: Admitted) {
    let Some(tls) = &front.app.tls else {
        return hold(&front, stream, address, &admitted).await;
    };
    let secured = tokio::select! {
        secured = front.handshakes.secure(tls, stream) => secured,
        () = admitted.connection.told() => return,
    };
    match secured {
        Ok(stream) => {
            admitted.connection.begin_anew(admitted.all.now());
            hold(&front, *stream, address, &admitted).await;
        }
        Err(trouble) => debug!(%address, "no TLS: {trouble}"),
    }
}

/// Serves one connection to its end.
async fn hold<S>(front: &Arc<Front>, stream: S, address: SocketAddr, admitted: &Admitted)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (all, connection) = (&admitted.all, &admitted.connection);
    let stream = TokioIo::new(Watched::new(stream, all, connection));
    let service = {
        let (front, all, connection) = (Arc::clone(front), Arc::clone(all), Arc::clone(connection));
        hyper::service::service_fn(move |request: Request<Incoming>| {
            let under_way = UnderWay::new(&all, &connection, request.version());
            answer(Arc::clone(&front), request, address, under_way)
        })
    };
    let mut serving = std::pin::pin!(front.builder.serve_connection(stream, service));
    loop {
        let ended = tokio::select! {
            ended = &mut serving => ended,
            () = connection.told() => {
                if connection.order() == Order::Cut {
                    return;
                }
                serving.as_mut().graceful_shutdown();
                continue;
            }
        };
        if let Err(error) = ended {
            debug!(%address, "connection ended: {error}");
        }
        return;
    }
}

async fn answer(
    front: Arc<Front>,
    request: Request<Incoming>,
    address: SocketAddr,
    under_way: UnderWay,
) -> Result<Response<Answered>, std::convert::Infallible> {
    let version = request.version();
    let mut request = request.map(|body| Asked::body(body, &under_way));
    let mut response = match front::admit(&front.app, &mut request, address) {
        Ok(()) => match front::at_hand(&front.app, &request) {
            Some(page) => page,
            None => front.router.clone().oneshot(request).await?,
        },
        Err(turned_away) => turned_away,
    };
    // Clients that keep connections go to another replica for their next request.
    if version <= Version::HTTP_11 && front.app.leaving.load(Ordering::Acquire) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    Ok(response.map(|body| Answered::new(body, version, under_way)))
}

/// The figures of this process, installed on first use.
pub fn figures() -> &'static PrometheusHandle {
    static FIGURES: OnceLock<PrometheusHandle> = OnceLock::new();
    FIGURES.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            warn!("another recorder of metrics is installed; /metrics stays empty");
        }
        handle
    })
}
