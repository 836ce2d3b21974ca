//! What this step must do: a directory's files and nothing else, whole, in
//! parts, or not at all because the client has them.

mod files;

#[path = "files/conditions.rs"]
mod conditions;
#[path = "files/paths.rs"]
mod paths;
#[path = "files/places.rs"]
mod places;
#[path = "files/ranges.rs"]
mod ranges;
#[path = "files/wire.rs"]
mod wire;
