//! The API's description: OpenAPI 3.1, made of the handlers and of the model.

use axum::body::{Body, Bytes};
use axum::extract::Extension;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::model::Problem;
use super::problem::PROBLEM_JSON;

/// How the description calls the tokens.
const SCHEME: &str = "api_token";

/// The description, as it is given out.
#[derive(Debug, Clone)]
pub(super) struct Document(pub(super) Bytes);

/// Describe this API: OpenAPI 3.1.
#[utoipa::path(
    get, path = "/openapi.json", tag = "Health", security(()),
    responses((status = 200, description = "The description", body = serde_json::Value))
)]
pub(super) async fn openapi(Extension(Document(json)): Extension<Document>) -> Response<Body> {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

/// The description without the paths.
pub(super) fn beginning() -> OpenApi {
    let mut components = Components::new();
    components.add_security_scheme(SCHEME, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let info = InfoBuilder::new()
        .title("Renewal Ledger")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("What happened to the certificates of a fleet, and what to do about it."))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new(SCHEME, Vec::<String>::new())]))
        .build()
}

/// Adds the problems that a path can answer because of what it is, and that no handler names.
pub(super) fn add_problems(openapi: &mut OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        if let Some(operation) = &mut item.post {
            add(operation, 403, "The role of the token does not permit this");
            if operation.request_body.is_some() {
                add(operation, 408, "The body is too slow");
                add(operation, 413, "The body is too large");
                add(operation, 415, "The body has another content type");
            }
        }
        for operation in operations(item) {
            add(operation, 500, "The service failed");
            if needs_token(operation) {
                add(operation, 400, "A parameter or the body cannot be taken");
                add(operation, 401, "There is no good token");
                add(operation, 503, "The service cannot answer now");
                if path.contains('{') {
                    add(operation, 404, "There is nothing here");
                }
            }
            give_problems_their_form(operation);
        }
    }
}

/// Whether an operation takes a token: the open ones say that no scheme is needed.
fn needs_token(operation: &Operation) -> bool {
    operation.security.as_ref().is_none_or(|schemes| !schemes.contains(&SecurityRequirement::default()))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    item.get.iter_mut().chain(&mut item.post)
}

fn add(operation: &mut Operation, status: u16, description: &str) {
    let responses = &mut operation.responses.responses;
    responses
        .entry(status.to_string())
        .or_insert_with(|| RefOr::T(ResponseBuilder::new().description(description).build()));
}

/// Gives responses without a body the form of a problem.
fn give_problems_their_form(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.content.is_empty()
        {
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
            response.content.insert(PROBLEM_JSON.to_owned(), RefOr::T(problem));
        }
    }
}
