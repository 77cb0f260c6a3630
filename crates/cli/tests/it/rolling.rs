//! Stopping and starting again while clients go on asking.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis_fixtures::{Fault, FixtureIndex, wheel};

use crate::gateway;
use crate::wire;

fn until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it did not come to pass"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_gateway_that_leaves_says_so_before_it_turns_anybody_away() {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("leaf", "1.0").payload(400_000));
    let mut gateway = gateway::before(&index)
        .tables("[limits]\ndrain = \"3s\"\n")
        .start();
    assert_eq!(gateway.get("/readyz").status, 200);
    index.fault(
        "/files/",
        Fault::Drip {
            chunk: 64 * 1024,
            every: Duration::from_millis(700),
        },
    );
    let url = gateway.url().to_owned();
    let file = std::thread::spawn(move || wire::get(&url, "/files/leaf/leaf-1.0-py3-none-any.whl"));
    std::thread::sleep(Duration::from_millis(300));
    gateway.terminate();
    until(|| gateway.get("/readyz").status == 503);
    assert!(gateway.get("/readyz").text().contains("\"leaving\":true"));
    assert_eq!(gateway.get("/livez").status, 200);
    let page = gateway.get("/simple/leaf/");
    assert_eq!(page.status, 200, "whoever still comes is served");
    assert!(
        page.head.to_ascii_lowercase().contains("connection: close"),
        "{}",
        page.head
    );
    let file = file.join().unwrap();
    assert_eq!(
        (file.status, file.body.len()),
        (200, wheel("leaf", "1.0").payload(400_000).build().len())
    );
    assert!(gateway.ended().success());
}

#[test]
fn a_restart_on_a_socket_that_stays_open_turns_nobody_away() {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("leaf", "1.0"));
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut gateway = gateway::before(&index).socket(&socket).start();
    let address = socket.local_addr().unwrap().to_string();
    assert_eq!(gateway.url(), format!("http://{address}"));
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let base = gateway.url().to_owned();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let page = wire::get(&base, "/simple/leaf/");
                    assert_eq!(page.status, 200, "{}", page.screen());
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        until(|| asked.load(Ordering::Relaxed) > 20);
        let successor = gateway.successor(&socket);
        gateway.terminate();
        assert!(gateway.ended().success());
        let before = asked.load(Ordering::Relaxed);
        until(|| asked.load(Ordering::Relaxed) > before + 20);
        stop.store(true, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(200));
        drop(successor);
    });
    eprintln!("{} requests, none failed", asked.load(Ordering::Relaxed));
}
