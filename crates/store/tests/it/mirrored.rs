//! What mirrors hold is told by project, and switches by name.

use portcullis_store::mirrored::{self, MirrorState, Mirrored};
use portcullis_store::switches::{self, Switch};

use crate::support::{at, databases, name};

fn told(project: &str, filename: &str, state: MirrorState, now: i64) -> Mirrored {
    Mirrored {
        mirror: "base".to_owned(),
        project: name(project),
        filename: filename.to_owned(),
        state,
        why: String::new(),
        size: 3,
        at: at(now),
    }
}

#[tokio::test]
async fn what_is_told_of_a_project_replaces_what_was_told_and_the_rest_is_forgotten() {
    for test in databases().await {
        let db = &test.db;
        let one = told("flask", "flask-1.0.tar.gz", MirrorState::Here, 1);
        let two = told("flask", "flask-2.0.tar.gz", MirrorState::Held, 1);
        mirrored::keep(db, "base", &name("flask"), &[one, two])
            .await
            .unwrap();
        let old = told("django", "", MirrorState::Absent, 1);
        mirrored::keep(db, "base", &name("django"), &[old])
            .await
            .unwrap();
        let three = told("flask", "flask-2.0.tar.gz", MirrorState::Here, 5);
        mirrored::keep(db, "base", &name("flask"), &[three.clone()])
            .await
            .unwrap();
        assert_eq!(mirrored::all(db).await.unwrap().len(), 2);
        mirrored::forget_before(db, "base", at(5)).await.unwrap();
        assert_eq!(mirrored::all(db).await.unwrap(), [three]);
        test.end().await;
    }
}

#[tokio::test]
async fn a_switch_stands_as_it_was_thrown_last() {
    for test in databases().await {
        let db = &test.db;
        assert_eq!(switches::find(db, "offline").await.unwrap(), None);
        for (state, now) in [("on", 1), ("off", 2)] {
            let switch = Switch {
                name: "offline".to_owned(),
                state: state.to_owned(),
                reason: "a drill".to_owned(),
                who: "ann".to_owned(),
                at: at(now),
            };
            switches::throw(db, &switch).await.unwrap();
            let found = switches::find(db, "offline").await.unwrap();
            assert_eq!(found, Some(switch));
        }
        test.end().await;
    }
}
