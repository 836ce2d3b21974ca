//! Timers in a binary heap: the simple way, and the wheel's oracle.
