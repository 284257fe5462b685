//! `routes.json`: what is refused, with its line, and what a reload comes to.

use crate::gateway::{configured, read};
use crate::support::World;
use grantd::store::memory::MemoryStore;
use std::sync::Arc;

/// A row, and what is said of it.
const BROKEN: [(&str, &str); 20] = [
    (
        r#"{"path":"/api/v1/x","methods":{"GET":["data.raed"]}}"#,
        "line 3 is \"data.raed\", which is no scope of the catalog; did you mean \"data.read\"?",
    ),
    (r#"{"path":"/api/v1/x","methods":{}}"#, "line 3 is empty"),
    (r#"{"path":"/api/v1/x","methods":{"FETCH":[]}}"#, "unknown key"),
    (
        r#"{"path":"/api/v1/x","methods":{"GET":{"any_of":["data.read","data.raed"]}}}"#,
        "routes.json line 3 is \"data.raed\", which is no scope of the catalog",
    ),
    (
        r#"{"path":"/api/v1/x","methods":{"GET":{"any_of":["data.read"]}}}"#,
        "line 3 is a choice of two scopes or more",
    ),
    (r#"{"path":"/api/v1/x","methods":{"GET":{}}}"#, "any_of` is missing in"),
    (
        r#"{"path":"/api/v1/x","methods":{"GET":{"any_of":["data.read","data.write"],"all":[]}}}"#,
        "unknown key `routes[0].methods.GET.all`",
    ),
    (
        r#"{"path":"/api/v1/x","methods":{"GET":"data.read"}}"#,
        "must be a list",
    ),
    (
        r#"{"path":"/api/v1/x","methods":{"GET":[]},"timemax":"3s"}"#,
        "did you mean `routes[0].time_max`",
    ),
    (r#"{"path":"api/v1/x","methods":{"GET":[]}}"#, "begins with a slash"),
    (r#"{"path":"/api//x","methods":{"GET":[]}}"#, "none of them empty"),
    (r#"{"path":"/api/../x","methods":{"GET":[]}}"#, "none of them empty"),
    (r#"{"path":"/api/{a}/{a}","methods":{"GET":[]}}"#, "stands twice"),
    (r#"{"path":"/api/{*all}/x","methods":{"GET":[]}}"#, "at its end"),
    (
        r#"{"path":"/api/x","organization":"id","methods":{"GET":[]}}"#,
        "which is no `{id}` of the path",
    ),
    (
        r#"{"path":"/api/x","resource":"https://other.example","methods":{"GET":[]}}"#,
        "no resource of the profile",
    ),
    (
        r#"{"path":"/api/x","upstream":"ftp://a","methods":{"GET":[]}}"#,
        "but an upstream is",
    ),
    (
        r#"{"path":"/api/x","upstream":"https://u:p@a","methods":{"GET":[]}}"#,
        "no credentials",
    ),
    (
        r#"{"path":"/api/x","methods":{"GET":[]},"methods":{}}"#,
        "stands twice in one object",
    ),
    ("nonsense", "line 3"),
];

#[test]
fn routes_that_cannot_stand_are_refused_with_their_line() {
    let row = |row: &str| format!("{{\n\"routes\": [\n{row}\n]}}");
    let good = r#"{"path":"/api/v1/x/{id}","methods":{"GET":["data.read"]}}"#;
    let broken = BROKEN.map(|(row, sentence)| (row.to_owned(), sentence));
    let together = [
        (
            format!("{good},\n{}", good.replace("{id}", "{other}")),
            "`/api/v1/x/{id}` of line 3 has the same form",
        ),
        (
            format!("{good},\n{}", r#"{"path":"/api/v1/{a}/b","methods":{"GET":[]}}"#),
            "neither is the more exact",
        ),
    ];
    for (rows, sentence) in broken.into_iter().chain(together) {
        let text = row(&rows);
        let (config, _dir) = read("default", "", &[("routes.json", &text)]);
        let errors = config.expect_err(&rows);
        assert!(
            errors.contains(sentence) && errors.contains("routes.json"),
            "{rows}\n{errors}"
        );
    }
    let exact = format!("{good},\n{}", r#"{"path":"/api/v1/x/new","methods":{"GET":[]}}"#);
    let (config, _dir) = configured("default", "", &[("routes.json", &row(&exact))]);
    assert_eq!(*config.routes.at("/api/v1/x/new").unwrap().route.path, *"/api/v1/x/new");
    assert_eq!(config.routes.at("/api/v1/x/7").unwrap().part("id"), "7");
}

#[tokio::test]
async fn a_route_over_this_servers_own_paths_is_refused_and_a_reload_keeps_what_was_good() {
    let own = r#"{"routes":[{"path":"/oauth/{all}","methods":{"POST":[]}}]}"#;
    let (config, _dir) = configured("default", "", &[("routes.json", own)]);
    let faults = grantd::app::route_faults(&config.routes);
    assert!(faults[0].contains("routes.json line 1 overlaps `/oauth/"), "{faults:?}");

    let one = r#"{"routes":[{"path":"/api/one","methods":{"GET":[]}}]}"#;
    let (config, dir) = configured("default", "", &[("routes.json", one)]);
    let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
    let file = dir.path().join("data/profiles/default/routes.json");
    std::fs::write(&file, one.replace("one", "two")).unwrap();
    assert_eq!(world.service.reload_routes(), Ok(1));
    assert!(world.ctx.routes().at("/api/one").is_none() && world.ctx.routes().at("/api/two").is_some());
    for broken in [own, "{", r#"{"routes":[{"path":"/api/x"}]}"#] {
        std::fs::write(&file, broken).unwrap();
        assert!(world.service.reload_routes().is_err(), "{broken}");
        assert!(world.ctx.routes().at("/api/two").is_some());
    }
}
