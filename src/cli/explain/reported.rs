//! What a mail system tells of deliveries, as `explain` tells it: one row for each recipient.

use serde::Serialize;

use crate::cli::sheet::{Row, Sign};
use crate::mail::{Action, Delivery, Status};

#[derive(Debug, Clone, Serialize)]
pub(super) struct Reported {
    recipient: Option<String>,
    action: Action,
    // As RFC 3463 writes it.
    status: Option<String>,
    #[serde(skip)]
    is_hard: Option<bool>,
}

impl Reported {
    pub(super) fn all(deliveries: &[Delivery]) -> Vec<Self> {
        let reported = |delivery: &Delivery| Self {
            recipient: delivery.recipient.clone(),
            action: delivery.action,
            status: delivery.status.map(|status| status.to_string()),
            is_hard: delivery.status.map(Status::is_hard).filter(|_| delivery.is_failure()),
        };
        deliveries.iter().map(reported).collect()
    }

    /// `failed ann@a.example, 5.1.1: hard`
    pub(super) fn row(&self) -> Row {
        let recipient = self.recipient.as_deref().unwrap_or("for whom cannot be read");
        let status = self.status.as_deref().unwrap_or("no status code");
        let weight = match self.is_hard {
            Some(true) => ": hard, another try does not help",
            Some(false) => ": soft, the time for tries is over",
            None => "",
        };
        let sign = if self.action == Action::Failed { Sign::No } else { Sign::Neutral };
        Row::named(Some(sign), self.action.to_string(), format!("{recipient}, {status}{weight}"))
    }
}
