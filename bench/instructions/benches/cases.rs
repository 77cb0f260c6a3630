//! The same cases by the clock: `cargo bench -p portcullis-instructions`.

use divan::Bencher;
use portcullis_instructions::{CASES, Case};

fn main() {
    divan::main();
}

#[divan::bench(args = CASES)]
fn time(bencher: Bencher<'_, '_>, case: &Case) {
    let mut part = (case.prepare)();
    bencher.bench_local(&mut part);
}
