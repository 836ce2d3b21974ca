//! Who is here, under which name, in which room: the chat without a socket.
//!
//! Events go in, effects come out. Nothing in this file blocks, reads a
//! clock or knows what a thread is, so every rule of the chat is tested by
//! calling a function.
//!
//! ```text
//!            ┌──────────┐  a free name  ┌────────────────────┐
//!   Enter ──▶│ Stranger │──────────────▶│ Member             │──▶ Leave
//!            └──────────┘               │ name, room or none │
//!             a name, or /quit          └────────────────────┘
//! ```
//!
//! I7: every member of a room is told the same lines in the same order.
//! I8: a name belongs to one client at a time, and `Ann` is `ann`.
//!
//! Left out, and found in RFC 2812: being in many rooms at once, operators,
//! topics, modes and bans, several servers that agree on who is who.

use ch01_sockets::text::{folded, name, readable};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The room that a new member is in.
pub const LOBBY: &str = "lobby";

// ANCHOR: core
/// A client for as long as it is here; never used again after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// One line on its way out, newline included. All its receivers share it.
pub type Line = Arc<[u8]>;

/// What a client did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// It connected.
    Enter,
    /// It sent a line; the line's end is not part of it.
    Line(&'a [u8]),
    /// The threads have something to tell this client alone.
    Notice(&'a str),
    /// It is gone, and why.
    Leave(&'a str),
}

/// What is to be done about it, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send the line to the client.
    Say(ClientId, Line),
    /// Say what is still owed to the client, then close.
    End(ClientId),
}

/// A server's mind: events in, effects out. It owns no socket and no clock.
pub trait Core: Send {
    /// Takes one event and appends what it causes to `out`.
    fn step(&mut self, id: ClientId, event: Event, out: &mut Vec<Effect>);
    /// Whether the client is here and has not said who it is.
    fn stranger(&self, id: ClientId) -> bool;
}

// ANCHOR_END: core

// ANCHOR: echo
/// The smallest core: each line goes back to its sender.
pub struct Echo;

impl Core for Echo {
    fn step(&mut self, id: ClientId, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Line(line) => {
                out.push(Effect::Say(id, [line, b"\n"].concat().into()));
            }
            Event::Notice(text) => out.push(tell(id, text)),
            Event::Enter | Event::Leave(_) => {}
        }
    }

    fn stranger(&self, _: ClientId) -> bool {
        false
    }
}
// ANCHOR_END: echo

/// The chat's state. Every index is kept in order, so that what it prints
/// does not depend on a hash.
#[derive(Default)]
pub struct Registry {
    clients: BTreeMap<ClientId, Client>,
    /// Folded name to its one owner: I8 is this map having one value a key.
    names: BTreeMap<String, ClientId>,
    /// A room is here while somebody is in it.
    rooms: BTreeMap<String, BTreeSet<ClientId>>,
}

enum Client {
    Stranger,
    Member { name: String, room: Option<String> },
}

type Run = fn(&mut Registry, ClientId, &str, &mut Vec<Effect>);

// ANCHOR: commands
/// The commands as data: the word, what follows it, what it does.
const COMMANDS: &[(&str, &str, Run)] = &[
    ("/name", "NEW", Registry::rename),
    ("/join", "ROOM", Registry::join),
    ("/leave", "", Registry::leave_room),
    ("/rooms", "", Registry::list_rooms),
    ("/who", "", Registry::who),
    ("/msg", "NAME TEXT", Registry::whisper),
    ("/help", "", Registry::help),
    ("/quit", "", Registry::quit),
];
// ANCHOR_END: commands

impl Core for Registry {
    // ANCHOR: step
    fn step(&mut self, id: ClientId, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Enter => {
                self.clients.insert(id, Client::Stranger);
                out.push(tell(id, "your name?"));
            }
            Event::Line(line) => match readable(line) {
                Ok(text) => self.line(id, text.trim(), out),
                Err(at) => {
                    let text = format!("not UTF-8 at byte {at}: line dropped");
                    out.push(tell(id, &text));
                }
            },
            Event::Notice(text) => out.push(tell(id, text)),
            Event::Leave(why) => self.leave(id, why, out),
        }
    }
    // ANCHOR_END: step

    fn stranger(&self, id: ClientId) -> bool {
        matches!(self.clients.get(&id), Some(Client::Stranger))
    }
}

impl Registry {
    // ANCHOR: line
    fn line(&mut self, id: ClientId, text: &str, out: &mut Vec<Effect>) {
        if text.is_empty() {
            return;
        }
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        if self.stranger(id) && word != "/quit" {
            return self.introduce(id, text, out);
        }
        if !text.starts_with('/') {
            return self.speak(id, text, out);
        }
        match COMMANDS.iter().find(|(name, ..)| *name == word) {
            Some((.., run)) => run(self, id, rest.trim(), out),
            None => {
                out.push(tell(id, &format!("no command {word}: try /help")))
            }
        }
    }

    /// One text, one order: the sender gets its own line from the room too.
    fn speak(&mut self, id: ClientId, text: &str, out: &mut Vec<Effect>) {
        match self.place(id) {
            Some((name, Some(room))) => {
                let line = ended(&[&name, ": ", text]);
                self.to_room(&room, &line, out);
            }
            _ => out.push(tell(id, "you are in no room: /join ROOM")),
        }
    }

    fn to_room(&self, room: &str, line: &Line, out: &mut Vec<Effect>) {
        for &member in self.rooms.get(room).into_iter().flatten() {
            out.push(Effect::Say(member, line.clone()));
        }
    }
    // ANCHOR_END: line

    // ANCHOR: names
    fn introduce(&mut self, id: ClientId, text: &str, out: &mut Vec<Effect>) {
        let Some(name) = self.claim(id, text, out) else {
            return;
        };
        let text = format!("welcome, {name}; /help lists what you can say");
        out.push(tell(id, &text));
        self.clients.insert(id, Client::Member { name, room: None });
        self.join(id, LOBBY, out);
    }

    fn rename(&mut self, id: ClientId, text: &str, out: &mut Vec<Effect>) {
        let Some((old, room)) = self.place(id) else {
            return;
        };
        let Some(new) = self.claim(id, text, out) else {
            return;
        };
        if folded(&old) != folded(&new) {
            self.names.remove(&folded(&old));
        }
        let line = notice(&format!("{old} is now {new}"));
        match &room {
            Some(room) => self.to_room(room, &line, out),
            None => out.push(Effect::Say(id, line)),
        }
        self.clients.insert(id, Client::Member { name: new, room });
    }

    // ANCHOR_END: names

    // ANCHOR: claim
    /// Makes the name the client's, or tells it why not.
    fn claim(
        &mut self,
        id: ClientId,
        text: &str,
        out: &mut Vec<Effect>,
    ) -> Option<String> {
        let Some(name) = name(text) else {
            let rule = "a name is 1 to 16 letters, digits, - or _, \
                        and starts with a letter";
            out.push(tell(id, rule));
            return None;
        };
        let owner = *self.names.entry(folded(name)).or_insert(id); // I8
        if owner != id {
            out.push(tell(id, &format!("{name} is taken")));
            return None;
        }
        Some(name.to_string())
    }
    // ANCHOR_END: claim

    // ANCHOR: rooms
    fn join(&mut self, id: ClientId, text: &str, out: &mut Vec<Effect>) {
        let Some(room) = name(text).map(folded) else {
            out.push(tell(id, "a room is named as a person is: /join ROOM"));
            return;
        };
        self.part(id, "", out);
        let Some(Client::Member { name, room: place }) =
            self.clients.get_mut(&id)
        else {
            return;
        };
        *place = Some(room.clone());
        let line = notice(&format!("{name} joined {room}"));
        self.rooms.entry(room.clone()).or_default().insert(id);
        self.to_room(&room, &line, out);
        self.who(id, "", out);
    }

    /// Out of its room, which is told; a room that nobody is in is gone.
    fn part(&mut self, id: ClientId, why: &str, out: &mut Vec<Effect>) {
        let Some(Client::Member { name, room }) = self.clients.get_mut(&id)
        else {
            return;
        };
        let Some(room) = room.take() else { return };
        let line = notice(&format!("{name} left {room}{why}"));
        if let Some(members) = self.rooms.get_mut(&room) {
            members.remove(&id);
            if members.is_empty() {
                self.rooms.remove(&room);
            }
        }
        self.to_room(&room, &line, out);
    }

    fn leave(&mut self, id: ClientId, why: &str, out: &mut Vec<Effect>) {
        self.part(id, &format!(": {why}"), out);
        if let Some(Client::Member { name, .. }) = self.clients.remove(&id) {
            self.names.remove(&folded(&name));
        }
    }
    // ANCHOR_END: rooms

    fn leave_room(&mut self, id: ClientId, _: &str, out: &mut Vec<Effect>) {
        self.part(id, "", out);
        out.push(tell(id, "you are in no room: /join ROOM"));
    }

    fn list_rooms(&mut self, id: ClientId, _: &str, out: &mut Vec<Effect>) {
        let list = self.rooms.iter();
        let list = list.map(|(room, in_it)| format!("{room} {}", in_it.len()));
        let list = list.collect::<Vec<_>>().join(", ");
        out.push(tell(id, &format!("rooms: {list}")));
    }

    fn who(&mut self, id: ClientId, _: &str, out: &mut Vec<Effect>) {
        let Some((_, Some(room))) = self.place(id) else {
            return out.push(tell(id, "you are in no room: /join ROOM"));
        };
        let members = self.rooms.get(&room).into_iter().flatten();
        let names = members.filter_map(|&member| self.place(member));
        let mut names: Vec<_> = names.map(|(name, _)| name).collect();
        names.sort();
        out.push(tell(id, &format!("in {room}: {}", names.join(", "))));
    }

    fn whisper(&mut self, id: ClientId, text: &str, out: &mut Vec<Effect>) {
        let Some((from, _)) = self.place(id) else {
            return;
        };
        let Some((to, text)) = text.split_once(' ') else {
            return out.push(tell(id, "to whom, and what: /msg NAME TEXT"));
        };
        let Some(&other) = self.names.get(&folded(to)) else {
            return out.push(tell(id, &format!("nobody is called {to}")));
        };
        let line = ended(&[&from, " (to ", to, "): ", text.trim()]);
        out.push(Effect::Say(other, line.clone()));
        if other != id {
            out.push(Effect::Say(id, line));
        }
    }

    fn help(&mut self, id: ClientId, _: &str, out: &mut Vec<Effect>) {
        for (word, takes, _) in COMMANDS {
            out.push(tell(id, format!("{word} {takes}").trim()));
        }
    }

    fn quit(&mut self, id: ClientId, _: &str, out: &mut Vec<Effect>) {
        self.leave(id, "quit", out);
        out.push(tell(id, "bye"));
        out.push(Effect::End(id));
    }

    fn place(&self, id: ClientId) -> Option<(String, Option<String>)> {
        match self.clients.get(&id)? {
            Client::Stranger => None,
            Client::Member { name, room } => Some((name.clone(), room.clone())),
        }
    }
}

/// A line of the server's own, to one client.
fn tell(id: ClientId, text: &str) -> Effect {
    Effect::Say(id, notice(text))
}

/// A line of the server's own: it starts with `* `, and no client's does.
fn notice(text: &str) -> Line {
    ended(&["* ", text])
}

/// The parts as one line. Copied twice: into the vector, and behind the
/// counts that an `Arc` keeps in front of its bytes.
fn ended(parts: &[&str]) -> Line {
    let mut line = parts.concat();
    line.push('\n');
    line.into_bytes().into()
}
