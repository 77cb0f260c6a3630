//! Files that would be observed and are known: by the SHA-256 of their bytes, or of a startup line
//! by its shape when names of packages are left out of it.

use portcullis_core::digest::Sha256;

use crate::archive::survey::StartupLine;

/// Startup lists by their bytes: of setuptools, coverage, pytest-cov and pywin32.
const STARTUP: &[&str] = &[
    "7ea7ffef3fe2a117ee12c68ed6553617f0d7fd2f0590257c25c484959a3b7373",
    "2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224",
    "ef2ed06d19867ec669c09a804060666a9cd5e383af0a9d11aa2de79b77d448e8",
    "f47446a60fdf5905e84e7d7c892baf92f8d5a3226d0da1599b9c014eab6c7ddb",
    "e7cd73df98b91c407dfd96d1f4dd18b7f9a60f29902b92cf5ece79b6eb637b81",
];

/// Lines by their shape: what setuptools wrote for namespace packages, outer and inner ones, while it
/// still minded Python 2 and since.
const STARTUP_SHAPES: &[&str] = &[
    "692ee9c7f2da65e2b1215d0c61e768b1e5ac0e752fcbaf42a0e2e7907c9ee9bf",
    "9b4cb76e731a393439fc52a4d08c2dcd90abdc559d6b5fbd5f54cecf0bf0f5ae",
    "ec5b5fd8c666adcdcab20ed0c90a9a797e6b76647da1dc1ee508a4d0bc764e9f",
    "f13add87c28a3da965e4659648cd68c0de77ecf8a84799bffb7670ff5ff9fcc1",
];

/// Launchers that make a Windows program of a script, as setuptools and distlib carry them.
const LAUNCHERS: &[&str] = &[
    "1629630cf717f6abe87bd15813ff693441ea6ea32785c08eb88fe82c9e05f45f",
    "28b001bb9a72ae7a24242bfab248d767a1ac5dec981c672a3944f7a072375e9a",
    "2c8b6b0497ac12ab7641342e07eca16b661b31e81444798799d4b186306a9a77",
    "32acc1bc543116cbe2cff10cb867772df2f254ff2634c870aef0b46c4b696fdb",
    "3471b6140eadc6412277dbbefe3fef8c345a0f1a59776086b80a3618c3a83e3b",
    "34f60fa6decf22356a00112ed42cda6db0f21c7909a6ec3efea66aff8f07d23d",
    "352df104254095ddf925514d99bfb5411c95b5386e90caf06557979f82e16844",
    "43f1ddcd5bbdcf161d6816b79b4889e7f75d2ce12ab4f7bcc77d16003a17cdaf",
    "47872cc77f8e18cf642f868f23340a468e537e64521d9a3a416c8b84384d064b",
    "4c416738a0e2fa6ab766ccf1a9b0a80974e733f9615168dd22a069afa7d5b38d",
    "5c1af46c7300e87a73dacf6cf41ce397e3f05df6bd9c7e227b4ac59f85769160",
    "61bfaaaf53901332fc29119393e5c75190f03129637d07999d5a1393e2b87bb1",
    "69828c857d4824b9f850b1e0597d2c134c91114b7a0774c41dffe33b0eb23721",
    "6b4195e640a85ac32eb6f9628822a622057df1e459df7c17a12f97aeabc9415b",
    "729d140140c3af5b46031f1a7652b159b08721afa80776f17afe73633800afc1",
    "75f12ea2f30d9c0d872dade345f30f562e6d93847b6a509ba53beec6d0b2c346",
    "7a319ffaba23a017d7b1e18ba726ba6c54c53d6446db55f92af53c279894f8ad",
    "7edb9bd5bb123d408e9c19fe782b5c6ab29393437408110fe7706e9a42315891",
    "7fdf04b6aff5822160210c6b121fac38078ef2a56d5aaa436c6c5d52e709ea9c",
    "81a618f21cb87db9076134e70388b6e9cb7c2106739011b6a51772d22cae06b7",
    "85dae1e95d77845f2cb59bcac3d4afe74bbe4c91a9bcc5bf4a71cd43104dbe7c",
    "88284e1badbb2d64c763cfa3cd2c25a3d4985396bed091f042ee00a83cfc23af",
    "949b6765d794c53656c9afc45b90d9a2cfcae6bb30444086b29225f19242217b",
    "9ff3e2a010bb96dcfbb0093558b6cbcd92604b84766b14b2ff41cf7fc642b048",
    "a00a877acefcad45953343ad56a22152f7aaba5fcf2a10215d84169d47fbcd1d",
    "a3d6a6c68c2e759f7c36f35687f6b60d163c2e1a0846a4c07a4c4006a96d88c7",
    "aadd4ca4a3b634ba94f2dd650f54f47eb7c59b9cf01e6de6cfba4bbe627690c2",
    "b9a7d08da880dfac8bcf548eba4b06fb59b6f09b17d33148a0f6618328926c61",
    "bbb3de5707629e6a60a0c238cd477b28f07f0066982fda953fa6fcec39073a4a",
    "c5dc9884a8f458371550e09bd396e5418bf375820a31b9899f6499bf391c7b2e",
    "cbc62edf26a8eb366b10b606222b319219d02ce00ebe98977edf3f63d23cbf25",
    "d1a473a0dd813bd3565b810dcb8ff8bc7907478a994c564d55200925894e0d32",
    "e694f4743405c8b5926ff457db6fe7f1a12dec7c16a9c3864784d3f4e07ae097",
    "e87b3e5a7d2f5c11c0e9077be8895a96a617aab37cd0308fa5da1e210ccf466b",
    "ebc4c06b7d95e74e315419ee7e88e1d0f71e9e9477538c00a93a9ff8c66a6cfc",
    "f1618387a688f162408e7811350a72269076d52bf6d0f09860548d5b57d677ac",
];

/// Whether `line` is of a startup list with these bytes that is known, or has a known shape.
pub(crate) fn is_startup(sha256: Option<Sha256>, line: &StartupLine) -> bool {
    is_in(STARTUP, sha256) || is_in(STARTUP_SHAPES, Some(line.shape()))
}

/// Whether these are the bytes of a known launcher.
pub(super) fn is_launcher(sha256: Option<Sha256>) -> bool {
    is_in(LAUNCHERS, sha256)
}

fn is_in(table: &[&str], sha256: Option<Sha256>) -> bool {
    sha256.is_some_and(|sha256| table.contains(&&*sha256.to_hex()))
}
