//! The event loop: readiness, callbacks, promises, an executor, timers, and
//! sockets on top, so that one thread serves ten thousand connections.
#![deny(unsafe_code)]

extern crate self as ch02_event_loop;

pub mod cost;

pub mod sys;
pub mod slab;
pub mod poller;
#[cfg(target_os = "linux")]
pub mod epoll;
pub mod poll;

pub mod callbacks;
pub mod connection;

pub mod promise;
pub mod combine;

pub mod alarm;
pub mod executor;
pub mod reactor;
pub mod blocking;

pub mod queue;
pub mod heap;
pub mod wheel;
pub mod timers;

pub mod network;
pub mod tcp;
pub mod buffered;
pub mod outbox;
pub mod sim;
pub mod runtime;
pub mod echo;

pub mod signals;
pub mod drain;
pub mod serve;
pub mod cores;
pub mod chat;
