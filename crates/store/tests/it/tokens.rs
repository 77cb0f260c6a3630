//! Tokens open doors until they expire or are revoked, and their secrets are nowhere.

use portcullis_core::access::{Action, TokenText};
use portcullis_store::tokens::{self, Created, LastUsed, NewToken, Token};
use portcullis_store::{Db, ledger};

use crate::support::{at, databases, name};

fn new(name: &str, scopes: &str, expires_at: Option<i64>) -> NewToken {
    NewToken {
        name: name.to_owned(),
        scopes: scopes.parse().unwrap(),
        expires_at: expires_at.map(at),
        created_by: "ann".to_owned(),
    }
}

async fn create(db: &Db, new: &NewToken, byte: u8) -> TokenText {
    match tokens::create(db, new, [byte; 32], at(1)).await.unwrap() {
        Created::New(text) => text,
        Created::NameTaken => panic!("the name is taken"),
    }
}

async fn authenticate(db: &Db, text: &TokenText, now: i64) -> Option<Token> {
    tokens::authenticate(db, text, at(now)).await.unwrap()
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_allow() {
    for test in databases().await {
        let db = &test.db;
        let text = create(db, &new("ci", "upload:acme-*", None), 1).await;
        let token = authenticate(db, &text, 2).await.unwrap();
        assert_eq!(
            (token.name.as_str(), token.created_by.as_str()),
            ("ci", "ann")
        );
        assert!(token.scopes.allows(Action::Upload(&name("acme-x"))));
        assert!(!token.scopes.allows(Action::Upload(&name("flask"))));
        let stranger = TokenText::from_random([9; 32]);
        assert!(authenticate(db, &stranger, 2).await.is_none());
        test.end().await;
    }
}

#[tokio::test]
async fn expired_and_revoked_tokens_open_nothing() {
    for test in databases().await {
        let db = &test.db;
        let brief = create(db, &new("brief", "read", Some(100)), 1).await;
        assert!(authenticate(db, &brief, 99).await.is_some());
        assert!(authenticate(db, &brief, 100).await.is_none());

        let text = create(db, &new("ci", "admin", None), 2).await;
        assert!(tokens::revoke(db, "ci", "bob", at(5)).await.unwrap());
        assert!(!tokens::revoke(db, "ci", "bob", at(5)).await.unwrap());
        assert!(authenticate(db, &text, 6).await.is_none());
        let listed = tokens::list(db).await.unwrap();
        assert_eq!(listed[1].revoked_by.as_deref(), Some("bob"));
        assert_eq!(test.kinds().await, ["token"; 3]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_name_is_unique_among_live_tokens() {
    for test in databases().await {
        let db = &test.db;
        create(db, &new("ci", "read", None), 1).await;
        let taken = tokens::create(db, &new("ci", "read", None), [2; 32], at(1))
            .await
            .unwrap();
        assert_eq!(taken, Created::NameTaken);
        tokens::revoke(db, "ci", "ann", at(2)).await.unwrap();
        create(db, &new("ci", "read", None), 3).await;
        assert_eq!(tokens::list(db).await.unwrap().len(), 2);
        test.end().await;
    }
}

#[tokio::test]
async fn the_secret_is_neither_in_the_table_nor_in_the_ledger() {
    for test in databases().await {
        let db = &test.db;
        let text = create(db, &new("ci", "read", None), 1).await;
        let kept = format!(
            "{:?} {:?}",
            tokens::list(db).await,
            ledger::entries(db, 1, 10).await
        );
        assert!(!kept.contains(&text.reveal()[3..20]), "{kept}");
        assert!(!kept.contains(&text.reveal()[40..]), "{kept}");
        test.end().await;
    }
}

#[tokio::test]
async fn the_last_use_is_written_down_together_and_never_goes_back() {
    for test in databases().await {
        let db = &test.db;
        for (position, token) in ["a", "b"].into_iter().enumerate() {
            create(db, &new(token, "read", None), position as u8).await;
        }
        let [a, b] = [0, 1].map(|position| position as usize);
        let listed = tokens::list(db).await.unwrap();
        let used = LastUsed::default();
        used.note(listed[a].id, at(50));
        used.note(listed[b].id, at(60));
        used.note(listed[a].id, at(70));
        used.flush(db).await.unwrap();
        used.flush(db).await.unwrap();
        used.note(listed[b].id, at(40));
        used.flush(db).await.unwrap();
        let moments: Vec<_> = tokens::list(db)
            .await
            .unwrap()
            .iter()
            .map(|token| token.last_used_at)
            .collect();
        assert_eq!(moments, [Some(at(70)), Some(at(60))]);
        test.end().await;
    }
}
