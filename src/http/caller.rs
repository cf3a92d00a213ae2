//! Who gives a command over HTTP, and under which key.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use futures::future::BoxFuture;
use sqlx::PgConnection;

use super::extract::required_header;
use super::problem::Problem;
use super::state::App;
use crate::identity::{self, Command, Login, LoginError};
use crate::types::Zone;

/// The headers of a command: `Acting-Person`, a login, which stands in for sign-in until that exists, and
/// `Idempotency-Key`, 1 to 255 visible ASCII characters, the person's own.
#[derive(Clone, Debug)]
pub(super) struct Acting {
    pub(super) person: Login,
    pub(super) key: Option<String>,
}

impl Acting {
    /// For what only says what a command would do: the key is not used, and what was done under it is not looked up.
    pub(super) fn without_key(mut self) -> Self {
        self.key = None;
        self
    }
}

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let person = required_header(&parts.headers, "acting-person", "acting_person_missing")?;
        let person = person.parse().map_err(|error: LoginError| {
            Problem::bad_request("acting_person", error.to_string())
        })?;
        let key = idempotency_key(&parts.headers)?;
        Ok(Self {
            person,
            key: Some(key),
        })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let key = required_header(headers, "idempotency-key", "idempotency_key_missing")?;
    if (1..=255).contains(&key.len()) {
        Ok(key.to_owned())
    } else {
        let detail = "Idempotency-Key must have 1 to 255 characters";
        Err(Problem::bad_request("idempotency_key_length", detail))
    }
}

/// Nobody has that login.
pub(super) fn unknown_person(login: &Login) -> Problem {
    let detail = format!("no person {login} is enrolled in this zone");
    Problem::new(StatusCode::FORBIDDEN, "unknown_person", detail)
}

/// Why a command has no answer of its own.
#[derive(Debug, thiserror::Error)]
enum NotDone<E: std::error::Error + 'static> {
    #[error("nobody has this login")]
    UnknownPerson,
    #[error(transparent)]
    Failed(E),
}

impl<E: std::error::Error + From<sqlx::Error>> From<sqlx::Error> for NotDone<E> {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl App {
    /// Carries out one command in a transaction of its own. What its person may do is what they may do when it is done.
    pub(super) async fn command<I, T, E, F>(
        &self,
        zone: &Zone,
        acting: Acting,
        input: I,
        body: F,
    ) -> Result<T, Problem>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: std::error::Error + From<sqlx::Error> + Into<Problem> + Send + Sync + 'static,
        F: for<'c> Fn(&'c mut PgConnection, Command<'c>, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        let login = acting.person.clone();
        let input = (zone.clone(), acting, self.clock, input, body);
        let done = self
            .database
            .write(
                zone.id,
                input,
                |conn, (zone, acting, clock, input, body)| {
                    Box::pin(async move {
                        let actor = identity::store::actor_by_login(conn, zone.id, &acting.person);
                        let actor = actor.await?.ok_or(NotDone::UnknownPerson)?;
                        let command = Command {
                            zone,
                            actor: &actor,
                            now: clock.now(),
                            key: acting.key.as_deref(),
                        };
                        body(conn, command, input).await.map_err(NotDone::Failed)
                    })
                },
            )
            .await;
        done.map_err(|error| match error {
            NotDone::UnknownPerson => unknown_person(&login),
            NotDone::Failed(error) => error.into(),
        })
    }
}
