//! The REST API: one file per resource, and what they share.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admin::state::State;
use crate::device::{DeviceName, inventory};

pub mod alarms;
pub mod anchors;
pub mod audit;
pub mod auth;
pub mod backups;
pub mod body;
pub mod campaigns;
pub mod cas;
pub mod certificates;
pub mod challenges;
pub mod check;
pub mod clusters;
pub mod device_reports;
pub mod devices;
pub mod files;
pub mod health;
pub mod idempotency;
pub mod json;
pub mod ledger;
mod look;
pub mod notices;
pub mod offline;
pub mod page;
pub mod path;
pub mod problem;
pub mod profiles;
pub mod query;
pub mod recovery;
pub mod releases;
pub mod requests;
pub mod tasks;
pub mod tokens;
pub mod version;

pub use look::{Looking, Looks};
pub use page::Page;
pub use problem::Problem;

/// What the handlers share.
type Shared = axum::extract::State<Arc<State>>;

#[derive(OpenApi)]
#[openapi(
    info(title = "Signet", description = "A private certificate authority: docs/manual/api.md"),
    security(("bearer" = [])),
    modifiers(&Bearer)
)]
struct Description;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().add_security_scheme("bearer", bearer);
    }
}

/// The routes below `/api/v1`. Answers are never cached, and nothing is shared with other origins.
pub fn router(state: Arc<State>) -> Router {
    let (router, _) = described().split_for_parts();
    router
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not-found", "no such resource"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "this resource has other methods",
            )
        })
        .layer(axum::middleware::map_response(guard))
        .with_state(state)
}

/// The API's description, as it stands in `api/openapi.json`. Errors: `internal`.
pub fn openapi() -> crate::error::Result<String> {
    let text = described().into_openapi().to_pretty_json();
    text.map(|json| json + "\n")
        .map_err(|e| crate::error::Error::internal("the API's description").because(e))
}

fn described() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(version::show))
        .routes(routes!(health::show))
        .routes(routes!(check::run, check::end))
        .routes(routes!(backups::create))
        .merge(cas::routes())
        .merge(profiles::routes())
        .merge(challenges::routes())
        .merge(requests::routes())
        .merge(certificates::routes())
        .merge(devices::routes())
        .merge(tokens::routes())
        .merge(notices::routes())
        .merge(offline::routes())
        .merge(tasks::routes())
        .merge(campaigns::routes())
        .merge(device_reports::routes())
        .merge(audit::routes())
        .merge(alarms::routes())
        .merge(ledger::routes())
        .merge(clusters::routes())
        .merge(anchors::routes())
        .merge(releases::routes())
        .merge(files::routes())
        .merge(recovery::routes())
}

/// The device of that name, as the inventory has it. Errors: `invalid-device-name`, `not-found`.
async fn device_of(state: &State, name: &str) -> crate::error::Result<DeviceName> {
    let found = inventory::require(&state.desk.authority.db, &name.parse()?).await?;
    Ok(found.value.name)
}

async fn guard(mut response: axum::response::Response) -> axum::response::Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
