//! The program as people meet it: `portcullis serve` in its own process, an index that can lie before
//! it, and the real pip, uv, poetry, pdm, twine, hatch and flit behind it. What they show is kept as
//! snapshots. The clients are in `PORTCULLIS_CLIENTS`, as `cargo xtask with` sets it; without it
//! these tests are skipped, unless `PORTCULLIS_TEST_ALL=1`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod ending;
mod gateway;
mod memory;
mod program;
mod installers;
mod publishers;
mod screen;
mod wire;

mod api;
mod approved;
mod audit;
mod blocks;
mod check;
mod confusion;
mod crash;
mod deployed;
mod disk;
mod exposure;
mod idle;
mod inspect_worker;
mod inspected;
mod install;
mod killed;
mod large_upload;
mod locked;
mod operations;
mod pointed;
mod policy_page;
mod replays;
mod replicas;
mod publish;
mod review;
mod rolling;
mod runbook;
mod sarif;
mod sbom;
mod scan;
mod scan_index;
mod settled;
mod secured;
