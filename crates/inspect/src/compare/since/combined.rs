//! Changes that mean more together than each of them: files that came, and code that came to use them.

use portcullis_core::inspection::{
    Area, CapabilityKind, ChangeKind, Contents, EntryPoint, FileKind, Member, Weight,
};

use super::super::seen::{Abilities, Ability, Kinds};
use super::documents::is_autoloaded;
use super::files::is_of_tests;
use super::{Found, Sides};

pub(super) fn compare(sides: Sides<'_>, found: &mut Found) {
    let (before, now) = sides.abilities();
    let new = now.whole.unasked().without(before.whole.unasked());
    native(sides, new, found);
    data(sides, new, found);
    plugins(sides, &now, found);
}

/// Machine code came, and code that loads or starts something as soon as it is imported.
fn native(sides: Sides<'_>, new: Kinds, found: &mut Found) {
    let runs = new.has(CapabilityKind::Native) || new.has(CapabilityKind::Process);
    let had = of_kind(sides.before.contents, &[FileKind::Native])
        .next()
        .is_some();
    let mut came = of_kind(sides.now.contents, &[FileKind::Native]);
    if let (true, false, Some(member)) = (runs, had, came.next()) {
        let detail = "came together with code that loads or starts something unasked";
        found.add(
            ChangeKind::NativeBinary,
            &member.path,
            detail,
            Weight::STRONG,
        );
    }
}

/// Data came, and code that runs what it reads or decodes as soon as it is imported.
fn data(sides: Sides<'_>, new: Kinds, found: &mut Found) {
    const KINDS: &[FileKind] = &[FileKind::Data, FileKind::Media, FileKind::Archive];
    if !new.has(CapabilityKind::DynamicCode) {
        return;
    }
    let mut came = of_kind(sides.now.contents, KINDS).filter(|member| {
        let is_installed = member.area == Area::Site;
        is_installed
            && sides
                .before
                .contents
                .member(member.area, &member.path)
                .is_none()
    });
    if let Some(member) = came.next() {
        let detail = "came together with code that runs what it makes, unasked";
        found.add(
            ChangeKind::Obfuscation,
            &member.path,
            detail,
            Weight::STRONG,
        );
    }
}

fn of_kind<'a>(
    contents: &'a Contents,
    kinds: &'static [FileKind],
) -> impl Iterator<Item = &'a Member> {
    let all = contents.members.iter();
    all.filter(move |member| kinds.contains(&member.kind) && !is_of_tests(&member.path))
}

/// What other programs load by themselves runs unasked, whichever of its functions they call.
fn plugins(sides: Sides<'_>, now: &Abilities<'_>, found: &mut Found) {
    use CapabilityKind::{DynamicCode, Environment, Network, Process};
    let known = &sides.before.contents.entry_points;
    let points = sides.now.contents.entry_points.iter();
    for point in points.filter(|point| is_autoloaded(&point.group) && !known.contains(point)) {
        let able = ability(point, sides.now.contents, now).ever();
        let acts = [DynamicCode, Process].iter().any(|kind| able.has(*kind));
        let weight = match (able.has(Network), acts || able.has(Environment)) {
            (true, true) => Weight::DECISIVE,
            (true, false) => Weight::STRONG,
            (false, _) => continue,
        };
        let detail = "is loaded by other programs and speaks to the network";
        found.add(ChangeKind::Plugin, &point.name, detail, weight);
    }
}

/// What the module that an entry point names is able to do.
fn ability(point: &EntryPoint, contents: &Contents, now: &Abilities<'_>) -> Ability {
    let module = point
        .target
        .split([':', ' ', '['])
        .next()
        .unwrap_or_default();
    let path = module.replace('.', "/");
    let places = [format!("{path}.py"), format!("{path}/__init__.py")];
    let mut members = places
        .iter()
        .filter_map(|place| contents.member(Area::Site, place));
    let member = members.next();
    member
        .map(|member| now.at((member.area, &member.path)))
        .unwrap_or_default()
}
