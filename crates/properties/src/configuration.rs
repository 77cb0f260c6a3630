//! The gateway's own configuration, and the passwords that a netrc file holds.

use std::collections::BTreeSet;
use std::path::Path;

use portcullis_upstream::credentials::Credentials;
use secrecy::ExposeSecret as _;

use crate::Property;
use crate::config::{Config, Overrides};

/// `portcullis.toml`.
pub(crate) static CONFIGURATION: Property = Property {
    name: "configuration",
    what: "a configuration is settled the same twice, every index has its sources, and what is shown tells no password",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let read = || {
            let path = Path::new("/nowhere.invalid/portcullis.toml");
            Config::parse(text, path, &Overrides::default())
        };
        let config = match (read(), read()) {
            (Ok(config), Ok(again)) => {
                assert_eq!(shown(&config), shown(&again), "not the same twice");
                config
            }
            (Err(error), Err(again)) => {
                assert_eq!(error.to_string(), again.to_string());
                assert!(!error.to_string().trim().is_empty(), "nothing is said");
                return;
            }
            _ => panic!("not the same twice"),
        };
        for (name, index) in &config.indexes {
            let known = |source| config.sources.contains_key(source);
            assert!(index.sources.iter().all(known), "{name} has no such source");
        }
        for one in &config.shown {
            assert!(!one.value.contains(SECRET), "{} tells a secret", one.key);
        }
    },
    seeds: || {
        let texts = [
            "listen = \"127.0.0.1:9090\"\n[sources.internal]\nkind = \"hosted\"\n[sources.pypi]\nkind = \"upstream\"\nurl = \"https://user:s3cr3tw0rd@pypi.example/simple\"\n[indexes.main]\ndefault = true\nsources = [\"internal\", \"pypi\"]\npolicy = \"policy.toml\"\n[names]\nowned = [\"acme-*\"]\n",
            "data = \"d\"\ndatabase = \"postgres://u:s3cr3tw0rd@db.invalid/x\"\nblobs = \"s3://b/p\"\n[limits]\nupload = \"256 MiB\"\n[server]\ntrusted_proxies = [\"10.0.0.0/8\"]\n",
            "[[notify]]\nkind = \"webhook\"\nurl = \"https://u:s3cr3tw0rd@hooks.invalid/\"\nevents = [\"*\"]\n[feeds.osv]\nurl = \"https://osv.invalid/\"\n",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "[sources.a]\n",
        "[indexes.a]\n",
        "[[notify]]\n",
        "[limits]\n",
        "[cache]\n",
        "[garbage]\n",
        "[monitor]\n",
        "[inspection]\n",
        "[server]\n",
        "[tls]\n",
        "[feeds.a]\n",
        "[signals.a]\n",
        "kind = \"hosted\"\n",
        "kind = \"upstream\"\n",
        "url = \"",
        ":s3cr3tw0rd@",
        "sources = [\"a\"]",
        "default = true\n",
        "256 MiB",
        "10m",
        "18446744073709551615",
        "10.0.0.0/8",
    ],
};

/// A password that seeds have in addresses.
const SECRET: &str = "s3cr3tw0rd@";

fn shown(config: &Config) -> BTreeSet<String> {
    let shown = config.shown.iter();
    shown
        .map(|one| format!("{} = {} ({})", one.key, one.value, one.origin))
        .collect()
}

/// A netrc file.
pub(crate) static NETRC: Property = Property {
    name: "netrc",
    what: "a host gets the same password twice, which the file holds, and a host that is not named none but the \
           default's",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let of = |host: &str| {
            let found = Credentials::in_netrc(text, host).ok().flatten();
            found.map(|found| (found.username, found.password.expose_secret().to_owned()))
        };
        let found = of("a.invalid");
        assert_eq!(found, of("a.invalid"), "not the same twice");
        if found.is_some() && !text.contains("a.invalid") && !text.contains('\\') {
            assert!(text.contains("default"), "it belongs to another host");
        }
    },
    seeds: || {
        let texts = [
            "machine a.invalid login ann password pw\ndefault login x password \u{e9}\n",
            "machine a.invalid\n\tlogin \"a b\"\n\tpassword 'p w'\n\taccount z\n",
            "macdef init\ncd /\n\nmachine a.invalid password p # why\n",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "machine ",
        "a.invalid ",
        "default ",
        "login ",
        "password ",
        "account ",
        "macdef ",
        "\n\n",
        "#",
        "\"",
        "\\",
        "\t",
    ],
};
