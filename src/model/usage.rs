//! What an agent reported about its work.

use serde::{Deserialize, Serialize};

/// Tokens as the agent's protocol counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    pub input: u64,
    pub output: u64,
    #[serde(default)]
    pub cache_read: u64,
    #[serde(default)]
    pub cache_creation: u64,
}

/// A tool use that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Denial {
    pub tool: String,
    /// The tool's input as compact JSON, cut at 200 characters.
    #[serde(default)]
    pub input: String,
}

/// The part of the agent's report that is recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<Denial>,
}

/// Further refusals are not recorded.
const DENIALS_MAX: usize = 100;

impl Usage {
    /// The sum of this usage and a `later` one; the conversation is the later one's.
    pub fn and_then(self, later: Self) -> Self {
        let sum = |a: Tokens, b: Tokens| Tokens {
            input: a.input.saturating_add(b.input),
            output: a.output.saturating_add(b.output),
            cache_read: a.cache_read.saturating_add(b.cache_read),
            cache_creation: a.cache_creation.saturating_add(b.cache_creation),
        };
        let mut denials = self.denials;
        denials.extend(later.denials);
        denials.truncate(DENIALS_MAX);
        Self {
            cost_usd: either(self.cost_usd, later.cost_usd, |a, b| a + b),
            tokens: either(self.tokens, later.tokens, sum),
            session_id: later.session_id.or(self.session_id),
            denials,
        }
    }
}

fn either<T>(a: Option<T>, b: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_add_up_and_the_last_conversation_counts() {
        let tokens = |n| Some(Tokens { input: n, output: 1, cache_read: 0, cache_creation: n });
        let first = Usage { cost_usd: Some(0.25), tokens: tokens(10), session_id: Some("A".into()), denials: vec![] };
        let denial = Denial { tool: "Bash".into(), input: "{}".into() };
        let last =
            Usage { cost_usd: Some(0.5), tokens: tokens(5), session_id: Some("B".into()), denials: vec![denial] };
        let both = first.clone().and_then(last);
        assert_eq!((both.cost_usd, both.session_id.as_deref(), both.denials.len()), (Some(0.75), Some("B"), 1));
        assert_eq!(both.tokens, Some(Tokens { input: 15, output: 2, cache_read: 0, cache_creation: 15 }));
        assert_eq!(first.clone().and_then(Usage::default()), first, "an attempt that told nothing changes nothing");
    }
}
