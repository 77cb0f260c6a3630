//! Builds again when a migration is added: `sqlx::migrate!` reads the folders, and cargo does not
//! know that it does.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
