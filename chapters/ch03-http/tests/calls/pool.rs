//! The pool, by itself.

use std::time::Duration;

use ch00_toolbox::prop;
use ch00_toolbox::prop::Gen;
use ch03_http::client::pool::{Limits, Pool};

pub fn the_pool_is_a_list() {
    let limits = Limits {
        connections: 9,
        idle_per_host: 2,
        idle: Duration::from_secs(10),
    };
    let steps = |g: &mut Gen| {
        g.vec(30, |g| {
            (g.upto(3), g.upto(2), Duration::from_secs(g.upto(6)))
        })
    };
    prop::check("pool", 1_000, steps, |steps| {
        let mut pool = Pool::new(limits);
        let mut list: Vec<(u64, Duration, usize)> = Vec::new(); // in order
        let mut now = Duration::ZERO;
        for (id, &(what, host, after)) in steps.iter().enumerate() {
            now += after;
            let key = (host.to_string(), 80);
            if what != 3 {
                list.retain(|(_, since, _)| now - *since < limits.idle);
            }
            match what {
                0 | 1 => {
                    pool.give(key, id, now);
                    list.push((host, now, id));
                    let of_host = list.iter().filter(|it| it.0 == host);
                    if of_host.count() > limits.idle_per_host {
                        let at = list.iter().position(|it| it.0 == host);
                        list.remove(at.expect("one of three"));
                    }
                }
                2 => {
                    let at = list.iter().rposition(|it| it.0 == host);
                    let expected = at.map(|at| list.remove(at).2);
                    let got = pool.take(&key, now);
                    if got != expected {
                        return Err(format!("took {got:?}, not {expected:?}"));
                    }
                }
                _ => {
                    let oldest = list.iter().map(|it| it.1).min();
                    if pool.evict() != oldest.is_some() {
                        return Err("evicts what is not there".to_owned());
                    }
                    // Of two that are as old, either may go: see below.
                    let all = pool.len();
                    list.sort_by_key(|it| it.1);
                    if !list.is_empty() {
                        let same = list.iter().filter(|i| Some(i.1) == oldest);
                        if same.count() > 1 {
                            return Ok(());
                        }
                        list.remove(0);
                    }
                    if all != list.len() {
                        return Err(format!("{all} are left"));
                    }
                }
            }
            if pool.len() != list.len() {
                return Err(format!("{} wait, not {}", pool.len(), list.len()));
            }
        }
        Ok(())
    });
}
