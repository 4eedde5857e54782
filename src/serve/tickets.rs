//! One-use tickets that open a WebSocket: a page cannot send an `Authorization` header there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::lifecycle::window::terminal::Access;
use crate::model::token::Token;
use crate::serve::limits::{TICKET_TIME, TICKETS};

#[derive(Debug)]
struct Ticket {
    path: String,
    access: Access,
    until: Instant,
}

/// The tickets that were issued and not used.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    // By digest, so that the time of a lookup reveals nothing about other tickets.
    waiting: Mutex<HashMap<blake3::Hash, Ticket>>,
}

impl Tickets {
    /// `None` if too many are unused already.
    pub(super) fn issue(&self, secret: &Token, path: String, access: Access, now: Instant) -> Option<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, ticket| ticket.until > now);
        if waiting.len() >= TICKETS {
            return None;
        }
        let digest = blake3::hash(secret.reveal().as_bytes());
        waiting.insert(digest, Ticket { path, access, until: now + TICKET_TIME });
        Some(())
    }

    /// Uses a ticket up, even if its path does not match. `None`: unknown, expired or for another path.
    pub(super) fn spend(&self, secret: &str, path: &str, now: Instant) -> Option<Access> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = waiting.remove(&blake3::hash(secret.as_bytes()))?;
        (ticket.path == path && ticket.until > now).then_some(ticket.access)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ticket_is_good_once_for_one_path_and_a_minute() {
        let tickets = Tickets::default();
        let now = Instant::now();
        let give = |n: u8, path: &str| {
            let secret = Token::from_random([n; 32]);
            tickets.issue(&secret, path.to_owned(), Access::Read, now).unwrap();
            secret.reveal().to_owned()
        };
        let first = give(1, "/a");
        assert_eq!(tickets.spend(&first, "/a", now), Some(Access::Read));
        assert_eq!(tickets.spend(&first, "/a", now), None);
        let second = give(2, "/a");
        assert_eq!(tickets.spend(&second, "/b", now), None);
        assert_eq!(tickets.spend(&second, "/a", now), None, "a wrong path spends it, too");
        let third = give(3, "/a");
        assert_eq!(tickets.spend(&third, "/a", now + TICKET_TIME + Duration::from_millis(1)), None);
        for n in 0..TICKETS {
            let secret = Token::from_random(*blake3::hash(&n.to_le_bytes()).as_bytes());
            assert!(tickets.issue(&secret, String::new(), Access::Write, now).is_some());
        }
        assert!(tickets.issue(&Token::from_random([9; 32]), String::new(), Access::Write, now).is_none());
        assert!(tickets.issue(&Token::from_random([9; 32]), String::new(), Access::Write, now + TICKET_TIME).is_some());
    }
}
