//! Which connections have to go, by a clock that the tests move.

use http::Version;

use super::*;
use crate::Config;
use crate::config::Overrides;

fn connections(most: usize, keys: &str) -> Arc<Connections> {
    let text = format!("[limits]\nhead = '10s'\nidle = '60s'\nstall = '20s'\n{keys}\n");
    let place = std::path::Path::new("portcullis.toml");
    let config = Config::parse(&text, place, &Overrides::default());
    Arc::new(Connections::new(&config.expect("sound").front, most))
}

fn one(all: &Arc<Connections>) -> Admitted {
    all.admit("192.0.2.1".parse().expect("an address"))
        .unwrap_or_else(|_| panic!("not admitted"))
}

/// What is wrong with a connection after so many seconds.
fn fault(admitted: &Admitted, second: u64) -> Option<Fault> {
    let now = 1 + second * 1000;
    admitted.connection.fault(&admitted.all.rules, now)
}

#[test]
fn a_connection_without_a_request_ends_after_a_while() {
    let all = connections(10, "");
    let admitted = one(&all);
    assert_eq!(fault(&admitted, 60), None);
    assert_eq!(fault(&admitted, 61), Some(Fault::Idle));
    assert_eq!(fault(&admitted, 66), Some(Fault::Lingering));
    admitted.connection.begin(Version::HTTP_11);
    assert_eq!(fault(&admitted, 1000), None, "a request may take long");
    admitted.connection.end(900_001);
    assert_eq!(fault(&admitted, 950), None);
    assert_eq!(fault(&admitted, 961), Some(Fault::Idle));
}

#[test]
fn a_head_that_has_begun_has_less_time_than_none() {
    let all = connections(10, "");
    let admitted = one(&all);
    admitted.connection.note_arrival(5001);
    admitted.connection.note_arrival(14_001);
    assert_eq!(fault(&admitted, 15), None);
    assert_eq!(fault(&admitted, 16), Some(Fault::Head));
    admitted.connection.begin(Version::HTTP_2);
    admitted.connection.end(20_001);
    admitted.connection.note_arrival(20_001);
    assert_eq!(
        fault(&admitted, 70),
        None,
        "HTTP/2 says other things between requests"
    );
}

#[test]
fn a_client_that_does_not_take_what_is_written_is_cut_off() {
    let all = connections(10, "");
    let admitted = one(&all);
    admitted.connection.begin(Version::HTTP_11);
    admitted.connection.writing.wait(1001);
    assert_eq!(fault(&admitted, 21), None);
    assert_eq!(fault(&admitted, 22), Some(Fault::Stalled));
    admitted.connection.end(1001);
    assert_eq!(
        fault(&admitted, 22),
        Some(Fault::Stalled),
        "the answer is not taken yet"
    );
}

#[test]
fn one_body_that_does_not_move_is_enough() {
    let all = connections(10, "");
    let admitted = one(&all);
    admitted.connection.begin(Version::HTTP_2);
    let (still, moving) = (
        admitted.connection.watch_body(all.patience()),
        admitted.connection.watch_body(all.patience()),
    );
    still.wait(1);
    moving.wait(15_001);
    assert_eq!(fault(&admitted, 21), Some(Fault::Stalled));
    admitted.connection.forget_body(&still);
    assert_eq!(fault(&admitted, 21), None);
}

#[test]
fn one_address_has_its_share_unless_it_is_exempt_or_a_proxy() {
    let all = connections(
        10,
        "connections-per-address = 2\nexempt = ['198.51.100.1']\n[proxies]\ntrusted = ['203.0.113.1']",
    );
    let mut kept = Vec::new();
    for (address, expected) in [
        ("192.0.2.1", true),
        ("192.0.2.1", true),
        ("192.0.2.1", false),
        ("192.0.2.2", true),
        ("198.51.100.1", true),
        ("198.51.100.1", true),
        ("198.51.100.1", true),
        ("203.0.113.1", true),
        ("203.0.113.1", true),
        ("203.0.113.1", true),
    ] {
        let admitted = all.admit(address.parse().expect("an address"));
        assert_eq!(admitted.is_ok(), expected, "{address}");
        kept.extend(admitted);
    }
    kept.clear();
    assert!(all.open().by_address.is_empty() && all.open().by_id.is_empty());
    one(&all);
}

#[test]
fn those_that_were_idle_for_longest_make_room() {
    let all = connections(4, "");
    let admitted: Vec<Admitted> = (0..4).map(|_| one(&all)).collect();
    assert!(all.is_full());
    for (at, admitted) in admitted.iter().enumerate() {
        admitted.connection.begin_anew(100 - at as u64);
    }
    admitted[3].connection.begin(Version::HTTP_11);
    all.make_room();
    let orders: Vec<Order> = admitted.iter().map(|one| one.connection.order()).collect();
    assert_eq!(orders, [Order::Stay, Order::Stay, Order::Cut, Order::Stay]);
    all.make_room();
    all.make_room();
    all.make_room();
    assert_eq!(admitted[3].connection.order(), Order::Stay, "it is at work");
}

#[test]
fn stalled_transfers_hold_only_so_much_memory_together() {
    let all = connections(10, "");
    let admitted: Vec<Admitted> = (0..3).map(|_| one(&all)).collect();
    for (admitted, held) in admitted.iter().zip([30 << 20, 40 << 20, 20 << 20]) {
        admitted.connection.begin(Version::HTTP_11);
        admitted.connection.held.store(held, Ordering::Relaxed);
        admitted.connection.writing.wait(1);
    }
    let stalled = |now| {
        admitted
            .iter()
            .filter_map(move |one| one.connection.stalled(now))
    };
    assert_eq!(stalled(1001).count(), 0, "everybody may pause for a moment");
    relieve(stalled(3001).collect());
    let orders: Vec<Order> = admitted.iter().map(|one| one.connection.order()).collect();
    assert_eq!(orders, [Order::Stay, Order::Cut, Order::Stay]);
}

#[tokio::test]
async fn parting_waits_for_the_last_one() {
    let all = connections(10, "");
    let (busy, idle, new) = (one(&all), one(&all), one(&all));
    busy.connection.begin(Version::HTTP_11);
    idle.connection.begin(Version::HTTP_11);
    idle.connection.end(1);
    let parting = tokio::spawn({
        let all = Arc::clone(&all);
        async move { all.part().await }
    });
    idle.connection.told().await;
    assert_eq!(idle.connection.order(), Order::Part);
    assert_eq!(busy.connection.order(), Order::Part);
    assert_eq!(new.connection.order(), Order::Stay, "it has come to ask");
    new.connection.told().await;
    assert_eq!(new.connection.order(), Order::Part);
    drop((idle, new));
    tokio::task::yield_now().await;
    assert!(!parting.is_finished());
    drop(busy);
    parting.await.expect("it ends");
}
