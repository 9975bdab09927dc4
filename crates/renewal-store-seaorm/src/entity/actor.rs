//! Who did something, in four columns: kind, token, name, host.

use renewal_domain::{Actor, ApiTokenId, StoreError};
use sea_orm::{IdenStatic, Value};

use crate::mac::Fields;
use crate::row::Row;

/// The values of the four columns.
pub(crate) fn values(actor: &Actor) -> [Value; 4] {
    let kind = actor.kind().into();
    let (token, name, host) = match actor {
        Actor::ApiToken { id, name } => (Some(id.as_uuid()), name.as_str(), None),
        Actor::CommandLine { user, host } => (None, user.as_str(), Some(host.as_str())),
        Actor::Server => (None, "", None),
    };
    [kind, token.into(), name.into(), host.into()]
}

/// Adds an actor to the fields that a code covers.
pub(crate) fn add(fields: Fields, actor: &Actor) -> Fields {
    match actor {
        Actor::ApiToken { id, name } => fields.add(actor.kind()).add(id.as_uuid()).add(name),
        Actor::CommandLine { user, host } => fields.add(actor.kind()).add(user).add(host),
        Actor::Server => fields.add(actor.kind()),
    }
}

/// The actor of a row.
pub(crate) fn read<C: IdenStatic>(
    row: &Row<'_>,
    [kind, token, name, host]: [C; 4],
) -> Result<Actor, StoreError> {
    let text: String = row.get(name)?;
    let id = row.parse_optional(token, ApiTokenId::new)?;
    let machine: Option<String> = row.get(host)?;
    row.parse(kind, |kind: String| match (kind.as_str(), id, machine) {
        ("api_token", Some(id), None) => Ok(Actor::ApiToken { id, name: text }),
        ("command_line", None, Some(host)) => Ok(Actor::CommandLine { user: text, host }),
        ("server", None, None) => Ok(Actor::Server),
        _ => Err("it is api_token, command_line or server, and the columns beside it must fit"),
    })
}
