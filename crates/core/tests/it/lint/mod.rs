//! `portcullis check` beside the tools whose files it reads.

mod lock_oracle;
