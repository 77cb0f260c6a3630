//! [`Contents`]: what is inside a distribution, for comparing it with another one.

use serde::{Deserialize, Serialize};

/// What is inside a distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contents {}
