//! `portcullis check` beside the tools whose files it reads.

mod pip_oracle;
mod lock_oracle;
