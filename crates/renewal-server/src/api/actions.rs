//! Actions: who decided what.

use renewal_domain::{
    ActionFilter, ActionKind, ApiTokenId, PageRequest, PageSize, RequestId, Serial, StoreError, Target,
    TokenId,
};
use utoipa::IntoParams;

use super::access::{Call, Viewer};
use super::content::Json;
use super::model::vocabulary::action_kind;
use super::model::{Action, Page};
use super::problem::Problem;
use super::query::{Listing, Query, Read};

/// How many actions are shown with what they are about.
const SHOWN: u64 = 20;

/// Which actions to list: at most one of these; without any, all.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ActionsQuery {
    /// Those of this kind.
    #[param(schema_with = action_kind)]
    kind: Option<ActionKind>,
    /// Those about this device, by its name or its UUID: about its requests and certificates too.
    #[param(min_length = 1, max_length = 64)]
    device: Option<String>,
    /// Those about the certificate with this serial number, in hexadecimal.
    #[param(value_type = Option<String>, pattern = "^[0-9a-f]{2,40}$")]
    certificate: Option<Serial>,
    /// Those about this request.
    #[param(value_type = Option<Uuid>)]
    request: Option<RequestId>,
    /// Those about this enrollment token.
    #[param(value_type = Option<Uuid>)]
    enrollment_token: Option<TokenId>,
    /// Those about this API token.
    #[param(value_type = Option<Uuid>)]
    api_token: Option<ApiTokenId>,
}

impl Read for ActionsQuery {
    fn read(query: &Query) -> Result<Self, Problem> {
        Ok(Self {
            kind: query.word("kind", &NAMES, ActionKind::from_name)?,
            device: query.one("device")?,
            certificate: query.one("certificate")?,
            request: query.one("request")?,
            enrollment_token: query.one("enrollment_token")?,
            api_token: query.one("api_token")?,
        })
    }
}

/// The names of the kinds.
const NAMES: [&str; ActionKind::ALL.len()] = {
    let mut names = [""; ActionKind::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ActionKind::ALL[at].as_str();
        at += 1;
    }
    names
};

impl ActionsQuery {
    async fn filter(self, call: &Call) -> Result<ActionFilter, Problem> {
        let device = match self.device {
            Some(device) => Some(ActionFilter::Device(call.device_called(&device).await?.id)),
            None => None,
        };
        let target = |target: Option<Target>| target.map(ActionFilter::Target);
        let given = [
            self.kind.map(ActionFilter::Kind),
            device,
            target(self.certificate.map(Target::Certificate)),
            target(self.request.map(Target::Request)),
            target(self.enrollment_token.map(Target::EnrollmentToken)),
            target(self.api_token.map(Target::ApiToken)),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (None, _) => Ok(ActionFilter::All),
            (Some(filter), None) => Ok(filter),
            (Some(_), Some(_)) => Err(Problem::ConflictingParameters(
                "kind, device, certificate, request, enrollment_token and api_token",
            )),
        }
    }
}

/// List the actions, newest first: what operators, commands and the server decided, and who it was.
#[utoipa::path(
    get, path = "/organisations/{org}/actions", tag = "Actions",
    security(("api_token" = ["viewer"])),
    params(("org" = Uuid, Path, description = "The organisation"), Listing<ActionsQuery>),
    responses((status = 200, description = "A page of actions", body = Page<Action>))
)]
pub(super) async fn list(Viewer { call }: Viewer) -> Result<Json<Page<Action>>, Problem> {
    let Listing { filter, page } = call.query::<Listing<ActionsQuery>>()?;
    let filter = filter.filter(&call).await?;
    let page = page.request(&filter.scope(call.org))?;
    let actions = call.parts.service.stores().actions.actions(call.org, &filter, &page).await?;
    Ok(Json(Page::of(&actions)))
}

/// The newest actions that a filter lets through.
pub(super) async fn newest(call: &Call, filter: &ActionFilter) -> Result<Vec<Action>, StoreError> {
    let page = PageRequest::first(PageSize::nearest(SHOWN));
    let actions = call.parts.service.stores().actions.actions(call.org, filter, &page).await?;
    Ok(actions.items.iter().map(Action::from).collect())
}
