//! Places with numbers that are never mistaken for one another.
//!
//! ```text
//!  token   generation │ index        place 3, third tenant: 2│3
//!          32 bits    │ 32 bits
//!
//!  places  0: held by 0│0    1: free, next is 4│1    2: held by 5│2 …
//!  free    1
//! ```
//!
//! The kernel gives a closed descriptor's number to the next file that is
//! opened. So an event that names a *descriptor* may be about its former
//! owner. An event that names a *token* cannot be: when a place is freed its
//! generation goes up, and a token of before opens nothing any more.
//!
//! - **I4** A token that was removed never finds anything again. (A place is
//!   retired after 2^32 tenants, so not even then.)
//! - **I5** Insert, get and remove take a time that does not depend on how
//!   many there are.

// ANCHOR: token
/// The name of one tenant of a [`Slab`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    index: u32,
    generation: u32,
}

impl Token {
    /// As one number, for a kernel that hands 64 bits back.
    pub fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// What [`Token::to_bits`] gave.
    pub fn from_bits(bits: u64) -> Token {
        let [generation, index] = [(bits >> 32) as u32, bits as u32];
        Token { index, generation }
    }
}
// ANCHOR_END: token

// ANCHOR: slab
/// A table whose keys are [`Token`]s.
#[derive(Debug)]
pub struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>, // indices of places that nobody holds
    held: usize,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32, // of the tenant, or of the next one
    tenant: Option<T>,
}
// ANCHOR_END: slab

// given: an empty table, and what is read out of it
impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab {
            places: Vec::new(),
            free: Vec::new(),
            held: 0,
        }
    }
}

impl<T> Slab<T> {
    /// How many places are held.
    pub fn len(&self) -> usize {
        self.held
    }

    /// Whether no place is held.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Frees all places and gives their tenants.
    pub fn drain(&mut self) -> Vec<T> {
        let mut tenants = Vec::with_capacity(self.held);
        for index in 0..self.places.len() {
            let generation = self.places[index].generation;
            let index = index as u32;
            tenants.extend(self.remove(Token { index, generation }));
        }
        tenants
    }

    /// Calls `visit` with each tenant, in the order of their places.
    pub fn for_each(&self, visit: impl FnMut(&T)) {
        let tenants = self.places.iter().filter_map(|p| p.tenant.as_ref());
        tenants.for_each(visit);
    }
}
// given end

impl<T> Slab<T> {
    // ANCHOR: insert
    /// Takes a free place, or makes one.
    pub fn insert(&mut self, tenant: T) -> Token {
        self.held += 1;
        if let Some(index) = self.free.pop() {
            let place = &mut self.places[index as usize];
            place.tenant = Some(tenant);
            return Token {
                index,
                generation: place.generation,
            };
        }
        let index = u32::try_from(self.places.len())
            .expect("2^32 places at once: 32 GiB of them at the least");
        self.places.push(Place {
            generation: 0,
            tenant: Some(tenant),
        });
        Token {
            index,
            generation: 0,
        }
    }

    /// Frees the place. `None`: the token is of a former tenant.
    pub fn remove(&mut self, token: Token) -> Option<T> {
        let place = self.places.get_mut(token.index as usize)?;
        if place.generation != token.generation {
            return None;
        }
        let tenant = place.tenant.take()?;
        self.held -= 1;
        // After its last generation a place stays empty for good.
        if let Some(next) = place.generation.checked_add(1) {
            place.generation = next;
            self.free.push(token.index);
        }
        Some(tenant)
    }
    // ANCHOR_END: insert

    // ANCHOR: get
    /// The tenant, if it is still the one that the token names.
    pub fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        let place = self.places.get_mut(token.index as usize)?;
        if place.generation != token.generation {
            return None;
        }
        place.tenant.as_mut()
    }
    // ANCHOR_END: get
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I4: a place's last generation is used, and after it the place stays
    /// empty: a token of its first tenant, which a wrap would have made
    /// valid again, finds nothing.
    #[test]
    fn a_place_retires_after_its_last_generation() {
        let mut slab = Slab::default();
        let first = slab.insert("first");
        slab.remove(first);
        slab.places[0].generation = u32::MAX; // 2^32 - 2 tenants later
        let last = slab.insert("last");
        assert_eq!(last.to_bits(), 0xffff_ffff_0000_0000, "the last token");
        assert_eq!(slab.get_mut(last), Some(&mut "last"), "token {last:?}");
        assert_eq!(slab.remove(last), Some("last"), "token {last:?}");

        let next = slab.insert("next");
        assert_eq!(next.to_bits(), 1, "a place of its own: {next:?}");
        assert_eq!(slab.get_mut(first), None, "token {first:?}");
        assert_eq!(slab.get_mut(last), None, "token {last:?}");
        assert_eq!(slab.remove(last), None, "token {last:?}");
        assert_eq!(slab.len(), 1, "tenants");
    }
}
