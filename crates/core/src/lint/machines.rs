//! [`Machines`]: where requirements are installed, as far as markers (PEP 508) and `Requires-Python` tell machines
//! apart: each Python that is maintained on each system that most wheels are made for. CPython only.

use super::markers::Marker;
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, VersionSpecifiers, admits};

/// The Pythons that are maintained.
const PYTHONS: [&str; 5] = ["3.11", "3.12", "3.13", "3.14", "3.15"];

/// A kind of machine, in the words of markers.
struct System {
    /// For people.
    title: &'static str,
    sys_platform: &'static str,
    platform_system: &'static str,
    os_name: &'static str,
    platform_machine: &'static str,
}

const fn system(
    title: &'static str,
    [sys_platform, platform_system, os_name]: [&'static str; 3],
    platform_machine: &'static str,
) -> System {
    System {
        title,
        sys_platform,
        platform_system,
        os_name,
        platform_machine,
    }
}

const LINUX: [&str; 3] = ["linux", "Linux", "posix"];
const MAC: [&str; 3] = ["darwin", "Darwin", "posix"];
const WINDOWS: [&str; 3] = ["win32", "Windows", "nt"];

const SYSTEMS: [System; 6] = [
    system("Linux", LINUX, "x86_64"),
    system("Linux", LINUX, "aarch64"),
    system("macOS", MAC, "x86_64"),
    system("macOS", MAC, "arm64"),
    system("Windows", WINDOWS, "AMD64"),
    system("Windows", WINDOWS, "ARM64"),
];

/// The value of a variable of markers on a machine; `None` where it depends on more than is told apart here.
fn value(python: &str, system: &System, variable: &str) -> Option<String> {
    let value = match variable {
        "python_version" => python,
        "python_full_version" | "implementation_version" => return Some(full_version(python)),
        "os_name" => system.os_name,
        "sys_platform" => system.sys_platform,
        "platform_system" => system.platform_system,
        "platform_machine" => system.platform_machine,
        "platform_python_implementation" => "CPython",
        "implementation_name" => "cpython",
        _ => return None,
    };
    Some(value.to_owned())
}

/// A release of a Python that is neither its first nor a pre-release.
fn full_version(python: &str) -> String {
    format!("{python}.9")
}

/// Some of the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Machines(u32);

impl Machines {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn all() -> Self {
        Self::where_(|_, _| true)
    }

    fn where_(is_one: impl Fn(&str, usize) -> bool) -> Self {
        let mut mask = 0;
        for (row, python) in PYTHONS.iter().enumerate() {
            for column in 0..SYSTEMS.len() {
                let position = row * SYSTEMS.len() + column;
                if is_one(python, position) {
                    mask |= 1 << position;
                }
            }
        }
        Self(mask)
    }

    /// Where a marker holds, with an extra asked for or without any; `None` where it is not understood.
    pub(super) fn of_marker(marker: &str, extra: Option<&ProjectName>) -> Option<Self> {
        let marker = Marker::read(marker)?;
        let mut mask = 0;
        for (row, python) in PYTHONS.iter().enumerate() {
            for (column, system) in SYSTEMS.iter().enumerate() {
                let value = |variable: &str| value(python, system, variable);
                if marker.holds(&value, extra)? {
                    mask |= 1 << (row * SYSTEMS.len() + column);
                }
            }
        }
        Some(Self(mask))
    }

    /// Where what is for these Pythons can be installed.
    pub(super) fn of_requires_python(specifiers: &VersionSpecifiers) -> Self {
        Self::where_(|python, _| {
            let version = full_version(python).parse::<Version>();
            version.is_ok_and(|version| admits(specifiers, &version))
        })
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Those with a Python that is older than the newest of `self`.
    pub(super) fn and_older(self) -> Self {
        let rows = (0..PYTHONS.len()).rev();
        let mut rows = rows.filter(|row| !self.in_row(*row).is_none());
        let newest = rows.next();
        Self::where_(|_, position| newest.is_some_and(|row| position / SYSTEMS.len() <= row))
    }

    fn in_row(self, row: usize) -> Self {
        self.and(Self::where_(|_, position| position / SYSTEMS.len() == row))
    }

    /// For people, behind what is said of them: ` on Windows`, ` with Python 3.11`; nothing where all are meant.
    pub(super) fn told(self) -> String {
        let all = Self::all();
        let of_system = |title: &str| {
            let is_one = |position: usize| SYSTEMS[position % SYSTEMS.len()].title == title;
            !self
                .and(Self::where_(|_, position| is_one(position)))
                .is_none()
        };
        let titles: Vec<&str> = ["Linux", "macOS", "Windows"]
            .into_iter()
            .filter(|title| of_system(title))
            .collect();
        let pythons: Vec<&str> = PYTHONS
            .iter()
            .enumerate()
            .filter(|(row, _)| !self.in_row(*row).is_none())
            .map(|(_, python)| *python)
            .collect();
        let mut told = String::new();
        if self != all && titles.len() < 3 {
            told.push_str(&format!(" on {}", titles.join(" and ")));
        }
        if self != all && pythons.len() < PYTHONS.len() {
            told.push_str(&format!(" with Python {}", pythons.join(", ")));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_holds_on_some_machines() {
        for (marker, told) in [
            ("sys_platform == 'win32'", Some(" on Windows")),
            ("os_name == 'posix'", Some(" on Linux and macOS")),
            ("python_version < '3.12'", Some(" with Python 3.11")),
            (
                "python_version>='3.14' and platform_system == \"Darwin\"",
                Some(" on macOS with Python 3.14, 3.15"),
            ),
            ("python_version > '3'", Some("")),
            ("implementation_name == 'cpython'", Some("")),
            ("what == 'x'", None),
            ("python_version", None),
        ] {
            let machines = Machines::of_marker(marker, None);
            assert_eq!(machines.map(Machines::told).as_deref(), told, "{marker}");
        }
        let never = Machines::of_marker("platform_python_implementation == 'PyPy'", None);
        assert_eq!(never, Some(Machines::NONE));
    }

    #[test]
    fn an_extra_is_asked_for_or_not() {
        let marker = "extra == 'socks' and sys_platform == 'win32'";
        assert_eq!(Machines::of_marker(marker, None), Some(Machines::NONE));
        let socks = "Socks".parse().ok();
        let asked = Machines::of_marker(marker, socks.as_ref()).expect("a marker");
        assert_eq!(asked.told(), " on Windows");
    }

    #[test]
    fn pythons_are_told_from_one_another() {
        for (specifiers, told) in [
            (">=3.8", ""),
            (">=3.13,<3.15", " with Python 3.13, 3.14"),
            ("!=3.12.*,<3.14", " with Python 3.11, 3.13"),
        ] {
            let specifiers = specifiers.parse().expect("specifiers");
            let machines = Machines::of_requires_python(&specifiers);
            assert_eq!(machines.told(), told);
        }
        let some = Machines::of_requires_python(&">=3.13,<3.15".parse().expect("specifiers"));
        let older = some.and_older().without(some);
        assert_eq!(older.told(), " with Python 3.11, 3.12");
        assert!(Machines::NONE.and_older().is_none());
    }
}
