//! The limits of signing in, for one attempt.
use crate::kernel::error::{Code, Error, Result};
use crate::web::answer::address;
use crate::web::limits::Limits;
use actix_web::{HttpRequest, web};
use std::net::{IpAddr, Ipv4Addr};

/// An attempt, which counts as it ends.
#[derive(Debug)]
pub struct Throttle {
    limits: Option<web::Data<Limits>>,
    email: String,
    from: IpAddr,
}

impl Throttle {
    /// Refused when there were too many attempts.
    pub fn new(request: &HttpRequest, email: &str) -> Result<Throttle> {
        Throttle::by(request, email, Limits::check_sign_in)
    }

    /// Of a registration: whether the address is known makes no difference.
    pub fn of_registration(request: &HttpRequest, email: &str) -> Result<Throttle> {
        // Counted apart from signing in: a new address is as good as a wrong password here.
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

    /// By how the attempt went: a wrong password or code counts against the address, and one whose code is still to come is not let off the
    /// failures before.
    pub fn record_result<T>(self, outcome: &Result<T>) {
        match outcome.as_ref().err().map(Error::code) {
            Some(Code::TotpInvalid | Code::CredentialsInvalid) => self.record(false),
            Some(Code::TotpRequired) => {}
            _ => self.record(true),
        }
    }

    /// The address that is tried.
    pub fn email(&self) -> &str {
        &self.email
    }

    pub fn record(self, success: bool) {
        if let Some(limits) = &self.limits {
            limits.record_sign_in(&self.email, self.from, success);
        }
    }
}
