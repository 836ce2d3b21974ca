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
        // begin: which addresses are the same client? then count
        let address = match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = address.to_bits() >> 64 << 64;
                IpAddr::V6(prefix.into())
            }
            v4 => v4,
        };
        let mut here = self.here.borrow_mut();
        let count = here.entry(address).or_default();
        if *count >= self.most {
            if *count == 0 {
                here.remove(&address);
            }
            return None;
        }
        *count += 1;
        Some(Pass {
            counter: self.clone(),
            address,
        })
        // end
    }

    /// How many addresses are remembered: those that have a connection.
    pub fn addresses(&self) -> usize {
        self.here.borrow().len()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        // begin: one less; an address without a connection is forgotten
        let mut here = self.counter.here.borrow_mut();
        if let Some(count) = here.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                here.remove(&self.address);
            }
        }
        // end
    }
}
