//! No more than so many connections from one address.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

/// Counts the connections of each address. Clones are the same counter.
#[derive(Debug, Clone)]
pub struct PerAddress {
    most: usize,
    here: Rc<RefCell<BTreeMap<IpAddr, usize>>>,
}

/// Stands for one connection of an address while it is held.
#[derive(Debug)]
pub struct Pass {
    counter: PerAddress,
    address: IpAddr,
}

impl PerAddress {
    /// Lets in `most` connections of each address.
    pub fn new(most: usize) -> PerAddress {
        PerAddress {
            most,
            here: Rc::default(),
        }
    }

    /// A pass, if that address may have one more connection. An IPv6 address
    /// that is a mapped IPv4 one (`::ffff:10.0.0.1`) counts as that; of other
    /// IPv6 addresses the first 64 bits count, since one customer has them.
    pub fn admit(&self, address: IpAddr) -> Option<Pass> {
        todo!("ex_shed: which addresses are the same client? then count")
    }

    /// How many addresses are remembered: those that have a connection.
    pub fn addresses(&self) -> usize {
        self.here.borrow().len()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        todo!("ex_shed: one less; an address without a connection is forgotten")
    }
}
