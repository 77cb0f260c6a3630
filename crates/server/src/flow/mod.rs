//! The flows: one file for each thing that can be asked of the gateway, a recipe of named steps. They
//! know neither HTTP nor the command line.

pub mod gather;
pub mod source_pages;
pub mod evidence;
pub mod simple_page;
pub mod fetch;
pub mod download;
pub mod metadata;
pub mod upload;
pub mod why;
pub mod project_list;
pub mod purge;
