//! How a URL is printed: without user, password, fragment and the values of its query, any of which
//! may be a secret. Every message and log line of this crate takes URLs from here.

use url::Url;

/// `url` for people and logs. The result may not be a URL that works.
pub fn redacted(url: &Url) -> String {
    let mut shown = without_userinfo(url.clone());
    shown.set_fragment(None);
    if url.query().is_some() {
        let keys: Vec<_> = url.query_pairs().map(|(key, _)| key.into_owned()).collect();
        shown
            .query_pairs_mut()
            .clear()
            .extend_pairs(keys.iter().map(|key| (key, "***")));
    }
    shown.into()
}

/// `url` without user and password.
pub(crate) fn without_userinfo(mut url: Url) -> Url {
    // Both setters fail only for URLs without a host, which have no userinfo either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_may_be_a_secret_is_printed() {
        for (url, shown) in [
            ("https://a.example/simple/", "https://a.example/simple/"),
            (
                "https://ann:pw@a.example/simple/#x",
                "https://a.example/simple/",
            ),
            (
                "https://token@a.example/f?sig=abc&x",
                "https://a.example/f?sig=***&x=***",
            ),
            ("mailto:ann@a.example", "mailto:ann@a.example"),
        ] {
            assert_eq!(redacted(&url.parse().expect(url)), shown);
        }
    }
}
