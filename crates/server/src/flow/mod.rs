//! The flows: one file for each thing that can be asked of the gateway, a recipe of named steps. They
//! know neither HTTP nor the command line.

pub mod gather;
pub mod source_pages;
mod kept_pages;
pub mod publisher;
pub mod evidence;
pub mod simple_page;
pub mod fetch;
mod elsewhere;
mod resumed;
mod shared_file;
pub mod download;
pub mod metadata;
pub mod contents;
pub mod releases;
pub mod licence_texts;
pub mod upload;
pub mod why;
pub mod judge;
pub mod project_list;
pub mod purge;
pub mod feeds;
pub mod reviews;
pub mod exposure;
pub mod quarantine;
pub mod advisory_news;
pub mod dry_run;
