//! The rate limits for one sign-in attempt.
use crate::kernel::error::{Code, Error, Result};
use crate::web::answer::address;
use crate::web::limits::Limits;
use actix_web::{HttpRequest, web};
use std::net::{IpAddr, Ipv4Addr};

/// An attempt to sign in. Its outcome must be recorded.
#[derive(Debug)]
pub struct Throttle {
    limits: Option<web::Data<Limits>>,
    email: String,
    from: IpAddr,
}

impl Throttle {
    /// Fails if there were too many attempts.
    pub fn new(request: &HttpRequest, email: &str) -> Result<Throttle> {
        Throttle::by(request, email, Limits::check_sign_in)
    }

    /// Applies the limits for registrations, which do not depend on whether the address has a login.
    pub fn of_registration(request: &HttpRequest, email: &str) -> Result<Throttle> {
        // Counted separately from sign-ins, because a registration with a new address counts like a wrong password.
        Throttle::by(request, &format!("registration {email}"), Limits::check_registration)
    }

    fn by(request: &HttpRequest, email: &str, check: impl Fn(&Limits, &str, IpAddr) -> Result<()>) -> Result<Throttle> {
        let limits = request.app_data::<web::Data<Limits>>().cloned();
        let from = address(request).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        if let Some(limits) = &limits {
            check(limits, email, from)?;
        }
        Ok(Throttle { limits, email: email.to_owned(), from })
    }

    /// Records the outcome of the attempt. A wrong password or code counts as a failure. An attempt whose second factor
    /// is still missing neither counts as a failure nor resets earlier failures.
    pub fn record_result<T>(self, outcome: &Result<T>) {
        match outcome.as_ref().err().map(Error::code) {
            Some(Code::TotpInvalid | Code::CredentialsInvalid) => self.record(false),
            Some(Code::TotpRequired) => {}
            _ => self.record(true),
        }
    }

    pub fn record(self, success: bool) {
        if let Some(limits) = &self.limits {
            limits.record_sign_in(&self.email, self.from, success);
        }
    }
}
