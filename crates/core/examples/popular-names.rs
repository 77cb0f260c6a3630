//! Makes the embedded list of popular names from any list that the parser reads:
//! `cargo run -p portcullis-core --example popular-names -- LIST > popular.txt`, then move it to
//! `crates/core/src/similarity/popular.txt` and credit its origin in `NOTICE`.
#![expect(clippy::print_stdout, reason = "its output is the list")]

use portcullis_core::similarity::PopularNames;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let list = std::env::args().nth(1).ok_or("popular-names LIST")?;
    let names = PopularNames::parse(&std::fs::read(list)?)?;
    println!("# The most downloaded projects of PyPI, the most popular first; see NOTICE.");
    println!("# Made by the example popular-names of portcullis-core; not edited by hand.");
    for name in names.iter() {
        println!("{name}");
    }
    Ok(())
}
