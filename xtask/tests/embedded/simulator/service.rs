//! How each service refuses a call, in its own protocol, as AWS documents it.

use std::time::{Duration, SystemTime};

use aws_smithy_types::{DateTime, date_time::Format};

use crate::proxy::http::Request;

/// What a service is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    S3,
    /// STS and CloudFormation: forms, and XML.
    Query,
    StepFunctions,
    Logs,
    Lambda,
}

impl Service {
    pub(crate) fn of(request: &Request) -> Self {
        let (_, target) = request.method_and_target();
        match request.header("x-amz-target") {
            Some(target) if target.starts_with("AWSStepFunctions.") => Self::StepFunctions,
            Some(_) => Self::Logs,
            None if target.starts_with("/2015-03-31/") || target.starts_with("/2016-08-19/") => Self::Lambda,
            None if request.header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded")) => {
                Self::Query
            }
            None => Self::S3,
        }
    }
}

/// Why a service refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Throttled,
    InternalError,
    Unavailable,
    Expired,
    /// The request was signed so long ago.
    TooOld(Duration),
    NoExecution,
    Conflict,
    NotEmpty,
}

/// HTTP status, code and message.
type Reported = (u16, &'static str, String);

impl Refusal {
    /// The whole answer to a call of `service`; what answers HEAD has no body.
    pub(crate) fn answer(self, service: Service, head: bool) -> Vec<u8> {
        let (status, code, message) = self.reported(service);
        let body = match service {
            _ if head => String::new(),
            Service::S3 => {
                format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>")
            }
            Service::Query => format!(
                "<ErrorResponse xmlns=\"https://aws.amazon.com/\"><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
            ),
            Service::StepFunctions | Service::Logs => format!(r#"{{"__type":"{code}","message":"{message}"}}"#),
            Service::Lambda => format!(r#"{{"Type":"User","message":"{message}"}}"#),
        };
        let kind = match service {
            Service::S3 | Service::Query => "application/xml",
            _ => "application/x-amz-json-1.0",
        };
        let ahead = if let Self::TooOld(by) = self { by } else { Duration::ZERO };
        let date = DateTime::from(SystemTime::now() + ahead).fmt(Format::HttpDate).unwrap();
        let named = if service == Service::Lambda { format!("x-amzn-errortype: {code}\r\n") } else { String::new() };
        format!(
            "HTTP/1.1 {status} Refused\r\ndate: {date}\r\ncontent-type: {kind}\r\n{named}content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    fn reported(self, service: Service) -> Reported {
        let plain = |status, code, message: &str| (status, code, message.to_owned());
        match (self, service) {
            (Self::Throttled, Service::S3) => plain(503, "SlowDown", "Please reduce your request rate."),
            (Self::Throttled, Service::Query) => plain(400, "Throttling", "Rate exceeded"),
            (Self::Throttled, Service::Lambda) => plain(429, "TooManyRequestsException", "Rate exceeded"),
            (Self::Throttled, _) => plain(400, "ThrottlingException", "Rate exceeded"),
            (Self::InternalError, Service::S3) => {
                plain(500, "InternalError", "We encountered an internal error. Please try again.")
            }
            (Self::InternalError, Service::Lambda) => plain(500, "ServiceException", "An error occurred"),
            (Self::InternalError, _) => plain(500, "InternalFailure", "An unknown error occurred"),
            (Self::Unavailable, _) => plain(503, "ServiceUnavailable", "Service is unable to handle request."),
            (Self::Expired, Service::S3) => plain(400, "ExpiredToken", "The provided token has expired."),
            (Self::Expired, Service::Query) => {
                plain(403, "ExpiredToken", "The security token included in the request is expired")
            }
            (Self::Expired, Service::Lambda) => {
                plain(403, "ExpiredTokenException", "The security token included in the request is expired")
            }
            (Self::Expired, _) => {
                plain(400, "ExpiredTokenException", "The security token included in the request is expired")
            }
            (Self::TooOld(_), Service::S3) => plain(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            (Self::TooOld(by), service) => {
                let at = |time: SystemTime| {
                    let text = DateTime::from(time).fmt(Format::DateTime).unwrap();
                    let second = text.split('.').next().unwrap_or_default().trim_end_matches('Z');
                    format!("{}Z", second.replace(['-', ':'], ""))
                };
                let now = SystemTime::now() + by;
                let quarter = Duration::from_secs(15 * 60);
                let (signed, earliest) = (at(SystemTime::now()), at(now - quarter));
                let message =
                    format!("Signature expired: {signed} is now earlier than {earliest} ({} - 15 min.)", at(now));
                match service {
                    Service::Query => (403, "SignatureDoesNotMatch", message),
                    Service::Lambda => (403, "InvalidSignatureException", message),
                    _ => (400, "InvalidSignatureException", message),
                }
            }
            (Self::NoExecution, _) => plain(400, "ExecutionDoesNotExist", "Execution Does Not Exist"),
            (Self::Conflict, _) => plain(
                409,
                "OperationAborted",
                "A conflicting conditional operation is currently in progress against this resource. Please try again.",
            ),
            (Self::NotEmpty, _) => plain(409, "BucketNotEmpty", "The bucket you tried to delete is not empty"),
        }
    }
}
