//! Keeps web pages of other sites from using a browser on this machine to reach the service.
//!
//! There is no sign-in yet, so the service listens on loopback only; but a browser on the same
//! machine runs other people's scripts. A name that was made to point to 127.0.0.1 (DNS rebinding)
//! is told from ours by `Host`; a form or script of another site by `Sec-Fetch-Site` and `Origin`.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};

use super::problem::Problem;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what did not come from this machine's user.
pub(super) fn check(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let asked = text(headers, &header::HOST)
        .or_else(|| request.uri().authority().map(Authority::as_str))
        .and_then(|host| host.parse::<Authority>().ok());
    let Some(asked) = asked.filter(is_loopback) else {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "host_not_loopback",
            "the service answers on loopback only: ask for localhost or 127.0.0.1",
        ));
    };
    if request.method().is_safe() {
        return Ok(());
    }
    let from_elsewhere = match text(headers, &FETCH_SITE) {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => false,
    };
    let other_origin = match headers.get(header::ORIGIN) {
        Some(origin) => !origin
            .to_str()
            .is_ok_and(|origin| origin.strip_prefix("http://") == Some(asked.as_str())),
        None => false,
    };
    if from_elsewhere || other_origin {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "a page of another site may not change anything here",
        ));
    }
    Ok(())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let v6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || v6.is_some_and(|host| {
            host.parse::<Ipv6Addr>()
                .is_ok_and(|address| address.is_loopback())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("127.8.9.1", true),
            ("[::1]:8080", true),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("evil.example:8080", false),
            ("0.0.0.0", false),
            ("192.168.1.9", false),
            ("[::]", false),
        ] {
            assert_eq!(is_loopback(&host.parse().unwrap()), expected, "{host}");
        }
    }
}
