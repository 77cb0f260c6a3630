//! The line that says how far a command has come; nothing where nobody looks at a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// For files, counted in bytes.
pub(crate) fn of_bytes(total: u64) -> ProgressBar {
    let template = "{bar:30} {bytes}/{total_bytes} {eta} {wide_msg}";
    ProgressBar::new(total).with_style(style(template))
}

/// For projects whose pages are asked for.
pub(crate) fn of_projects(total: usize) -> ProgressBar {
    ProgressBar::new(total as u64).with_style(style("{bar:30} {pos}/{len} {wide_msg}"))
}

/// For files that are inspected.
pub(crate) fn of_files(total: usize) -> ProgressBar {
    ProgressBar::new(total as u64).with_style(style("{bar:30} {pos} of {len} inspected, {elapsed}"))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is valid")
}
