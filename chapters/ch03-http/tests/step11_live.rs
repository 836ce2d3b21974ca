//! What this step must do: files, and pages that are alive beside them.

#[allow(unused)] // more than this step needs
mod files;
mod site;
