//! Environments as installers leave them, and files.
