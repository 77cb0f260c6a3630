//! Strict reading of wheels and source distributions. Whatever two readers could understand
//! differently is refused, since the one that inspects must see what the one that installs sees.
//!
//! Read the modules in this order: the errors and limits, names, the zip format, the two kinds of
//! distribution, METADATA out of a wheel that is still far away, and archives that are still arriving.

mod error;
mod limits;
mod member_name;

mod zip_directory;
mod zip_member;

mod dist_info;
mod record;
mod sdist;
mod tarball;
mod wheel;
mod licence_files;

mod remote;
mod arriving;
mod hashed;

pub mod survey;

pub use arriving::{Arrival, Arrived, Arriving};
pub use error::{ArchiveError, Member, Problem};
pub(crate) use hashed::Hashed;
pub use licence_files::{LicenceFile, read_licence_files};
pub use limits::Limits;
pub use remote::{MetadataReader, Step};
pub use sdist::{SdistContents, read_sdist};
pub use wheel::{WheelContents, read_wheel};
