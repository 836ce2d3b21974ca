//! The world, its clock and its poller in one handle.

use std::cell::RefCell;
use std::rc::Rc;

use ch00_toolbox::clock::VirtualClock;
use ch02_event_loop::sim::{Faults, SimPoller, Trace, World};

// ANCHOR: sim
/// A simulated network. Clones are the same one.
#[derive(Clone)]
pub struct Sim {
    world: Rc<RefCell<World>>,
    clock: VirtualClock,
}

impl Sim {
    /// A world without connections.
    pub fn new(seed: u64, faults: Faults) -> Sim {
        let clock = VirtualClock::new();
        let world = World::new(seed, faults, clock.clone());
        Sim {
            world: Rc::new(RefCell::new(world)),
            clock,
        }
    }

    // given: what is read out
    /// What has happened so far.
    pub fn trace(&self) -> Trace {
        self.world.borrow().trace().clone()
    }

    /// Its clock.
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// Its state.
    pub fn world(&self) -> &Rc<RefCell<World>> {
        &self.world
    }

    /// Its readiness.
    pub fn poller(&self) -> SimPoller {
        SimPoller::new(self.world.clone())
    }
    // given end
}
// ANCHOR_END: sim
