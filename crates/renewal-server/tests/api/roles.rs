//! What each role may do: every route, and every role.

use std::collections::BTreeMap;

use libtest_mimic::Trial;
use renewal_domain::ApiRole::{self, Administrator, Approver, Operator, Viewer};
use renewal_domain::SystemClock;
use renewal_server::Metrics;
use serde_json::Value;

use crate::client::{Client, Response};
use crate::trials::trials;
use crate::world::{Device, ORG, Server, World, path};

pub(crate) fn trials() -> Vec<Trial> {
    trials!([
        every_route_takes_the_role_that_it_should,
        a_refused_operator_leaves_no_action,
        a_refused_operator_is_told_both_roles,
        refused_operators_are_counted_by_role,
    ])
}

/// The role that each route takes.
const ROUTES: &[(&str, ApiRole)] = &[
    ("GET /api/v1/whoami", Viewer),
    ("GET /organisations/{org}", Viewer),
    ("GET /organisations/{org}/actions", Viewer),
    ("GET /organisations/{org}/api-tokens", Viewer),
    ("GET /organisations/{org}/attempts", Viewer),
    ("GET /organisations/{org}/certificates", Viewer),
    ("GET /organisations/{org}/certificates/{serial}", Viewer),
    ("GET /organisations/{org}/devices/{device}", Viewer),
    ("GET /organisations/{org}/devices/{device}/events", Viewer),
    ("GET /organisations/{org}/enrollment-tokens", Viewer),
    ("GET /organisations/{org}/renewal-events", Viewer),
    ("GET /organisations/{org}/renewal-events/{id}", Viewer),
    ("GET /organisations/{org}/requests", Viewer),
    ("GET /organisations/{org}/requests/{id}", Viewer),
    ("GET /organisations/{org}/revocations", Viewer),
    ("GET /organisations/{org}/summary", Viewer),
    ("POST /organisations/{org}/requests/{id}/approve", Approver),
    ("POST /organisations/{org}/requests/{id}/deny", Approver),
    ("POST /organisations/{org}/certificates/{serial}/revoke", Operator),
    ("POST /organisations/{org}/devices/{device}/block", Operator),
    ("POST /organisations/{org}/devices/{device}/revoke-certificates", Operator),
    ("POST /organisations/{org}/devices/{device}/unblock", Operator),
    ("POST /organisations/{org}/enrollment-tokens", Operator),
    ("POST /organisations/{org}/enrollment-tokens/{id}/revoke", Operator),
    ("POST /organisations/{org}/revocations", Operator),
    ("POST /organisations/{org}/api-tokens", Administrator),
    ("POST /organisations/{org}/api-tokens/{id}/revoke", Administrator),
    ("POST /organisations/{org}/resume", Administrator),
    ("POST /organisations/{org}/suspend", Administrator),
];

/// A route of the API's description, and the role that the description says it takes.
struct Route {
    method: String,
    path: String,
    described: Option<ApiRole>,
}

impl Route {
    /// As the table calls it.
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path.replacen("/api/v1/organisations", "/organisations", 1))
    }

    async fn ask(&self, client: &Client) -> Response {
        let path = self
            .path
            .replace("{org}", &ORG.to_string())
            .replace("{device}", "gateway-1")
            .replace("{serial}", "01")
            .replace("{id}", "018bcfe5-687b-7000-8000-000000000002");
        client.send(&self.method, &path, &[], "").await
    }
}

/// Every route that takes a token, as the API describes itself.
async fn routes(server: &Server) -> Vec<Route> {
    let description = server.viewer.with(None).get("/api/v1/openapi.json").await.json(200);
    let mut routes = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let needs = operation["security"].as_array().and_then(|all| all.first()).cloned();
            let needs = needs.unwrap_or(Value::Null);
            if needs.as_object().is_some_and(serde_json::Map::is_empty) {
                continue;
            }
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                described: needs["api_token"][0].as_str().and_then(ApiRole::from_name),
            });
        }
    }
    routes
}

fn client(server: &Server, role: ApiRole) -> &Client {
    match role {
        Viewer => &server.viewer,
        Approver => &server.approver,
        Operator => &server.operator,
        Administrator => &server.administrator,
    }
}

async fn every_route_takes_the_role_that_it_should() {
    let world = World::new();
    let server = world.start().await;
    let mut table: BTreeMap<_, _> = ROUTES.iter().map(|(name, role)| ((*name).to_owned(), *role)).collect();
    for route in routes(&server).await {
        let name = route.name();
        let needed = table.remove(&name).unwrap_or_else(|| panic!("{name} has no role in the table"));
        assert_eq!(route.described, Some(needed), "{name}: the description says another role");
        for role in ApiRole::ALL {
            let response = route.ask(client(&server, role)).await;
            if role.includes(needed) {
                assert!(
                    ![401, 403].contains(&response.status),
                    "{name} as {}: {}",
                    role.as_str(),
                    response.text()
                );
            } else {
                response.problem(403, "role_required");
            }
        }
    }
    assert!(table.is_empty(), "the API has no such routes: {table:?}");
}

async fn a_refused_operator_leaves_no_action() {
    let world = World::new();
    let server = world.start().await;
    Device::enrolled(&server, "gateway-1").await;
    let before = server.viewer.get(&path("actions")).await.items();
    let mut refused = 0;
    for route in routes(&server).await {
        let needed = route.described.unwrap();
        for role in ApiRole::ALL.into_iter().filter(|role| !role.includes(needed)) {
            route.ask(client(&server, role)).await.problem(403, "role_required");
            refused += 1;
        }
    }
    assert!(refused > 20, "{refused}");
    assert_eq!(server.viewer.get(&path("actions")).await.items(), before);
    let device = server.viewer.get(&path("devices/gateway-1")).await.json(200);
    assert_eq!(device["blocked"], Value::Null);
}

async fn a_refused_operator_is_told_both_roles() {
    let world = World::new();
    let server = world.start().await;
    let said = server.operator.post(&path("suspend"), Value::Null).await.problem(403, "role_required");
    assert_eq!(said, "This takes the role administrator, and the role of the token is operator.");
}

async fn refused_operators_are_counted_by_role() {
    let world = World::new();
    let metrics = Metrics::new(&SystemClock);
    let server = world.start_with(|api| api.metrics(metrics.clone())).await;
    server.viewer.post(&path("suspend"), Value::Null).await.problem(403, "role_required");
    server.viewer.post(&path("resume"), Value::Null).await.problem(403, "role_required");
    let text = metrics.render();
    for line in [
        "renewal_api_forbidden_total{role=\"viewer\"} 2",
        "renewal_api_forbidden_total{role=\"approver\"} 0",
        "renewal_api_forbidden_total{role=\"operator\"} 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}
