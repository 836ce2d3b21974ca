//! The chat's page.

/// One file, with nothing from elsewhere: its script opens `/-/ws`.
pub const CHAT: &str = include_str!("chat.html");
