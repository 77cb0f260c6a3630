//! The API and its document say the same: every operation of the document is there, and every route is in
//! the document.

use portcullis_fixtures::FixtureIndex;
use portcullis_server::http::api::openapi;
use serde_json::Value;

use crate::client::Ask;
use crate::test_app::TestApp;

#[tokio::test]
async fn every_operation_of_the_document_is_there() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    let document = app.get("/api/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let target = format!(
            "/api/v1{}",
            path.replace("{id}", "1").replace("{name}", "web/api")
        );
        for method in methods.as_object().unwrap().keys() {
            operations += 1;
            let answer = Ask::new(app.address, &method.to_uppercase(), &target).await;
            let text = answer.text();
            let is_there = answer.status != 405 && !text.contains("there is nothing at");
            assert!(is_there, "{method} {path}: {}", answer.shown());
        }
        let answer = Ask::new(app.address, "TRACE", &target).await;
        assert_eq!(answer.status, 405, "{path}");
    }
    assert!(operations >= 15, "{operations}");
}

/// Routes come with their description (`routes!`); only locks, whose names have slashes, do not.
#[test]
fn every_route_is_in_the_document() {
    let routers = include_str!("../../src/http/api/mod.rs");
    let plain: Vec<&str> = routers
        .lines()
        .filter(|line| line.contains(".route("))
        .collect();
    assert_eq!(plain.len(), 1, "{plain:?}");
    assert!(plain[0].contains("/locks/{*name}"));
    let document = serde_json::to_value(openapi::document()).unwrap();
    assert!(document["paths"]["/locks/{name}"].is_object());
}

#[test]
fn every_operation_says_what_it_does_who_may_and_how_it_fails() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let said = |key: &str| operation[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(said("summary"), "{method} {path}");
            assert!(operation["security"].is_array(), "{method} {path}");
            let problem = &operation["responses"]["default"];
            assert_eq!(
                problem["$ref"], "#/components/responses/Problem",
                "{method} {path}"
            );
        }
    }
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    let kinds: Vec<&Value> = schemes.values().map(|scheme| &scheme["scheme"]).collect();
    assert_eq!(kinds, ["basic", "bearer"]);
}
