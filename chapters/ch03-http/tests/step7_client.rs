//! What the step must do: URLs, and a client on a simulated network.

mod calls;
mod script;

use calls::{
    answers, bodies, network, pool, proxies, race, redirects, reuse, urls,
    waits,
};

/// I34: the examples of RFC 3986, section 5.4.
#[test]
fn references_mean_what_the_rfc_says() {
    urls::references_mean_what_the_rfc_says();
}

/// I34: dots go as section 5.2.4 takes them away, and none is left.
#[test]
fn dots_go_as_in_the_rfc() {
    urls::dots_go_as_in_the_rfc();
}

/// I35: what can be asked for, and what is refused.
#[test]
fn urls_are_checked() {
    urls::urls_are_checked();
}

/// I35: no text makes it panic, and what is taken is taken again, the same.
#[test]
fn any_text_is_a_url_or_is_refused() {
    urls::any_text_is_a_url_or_is_refused();
}

/// I36: the pool does what a list of all connections does that is searched.
#[test]
fn the_pool_is_a_list() {
    pool::the_pool_is_a_list();
}

/// I36: after which answers the connection is used again.
#[test]
fn connections_are_used_again_when_they_can_be() {
    reuse::connections_are_used_again_when_they_can_be();
}

/// I36: all up to the close is the body, and its connection is over.
#[test]
fn a_body_may_end_with_the_connection() {
    reuse::a_body_may_end_with_the_connection();
}

/// I36, I38: a reply that is dropped closes its connection.
#[test]
fn a_dropped_reply_closes() {
    reuse::a_dropped_reply_closes();
}

/// I36: the connection used last is taken first, and idle ones end.
#[test]
fn idle_connections_end() {
    reuse::idle_connections_end();
}

/// I38: never more connections than places, and everybody gets one in turn;
/// an idle connection to another server makes room.
#[test]
fn places_are_a_limit() {
    reuse::places_are_a_limit();
}

/// I37: what is made a second time, and what is not.
#[test]
fn a_stale_connection_is_noticed_or_tried_again() {
    race::a_stale_connection_is_noticed_or_tried_again();
}

/// I37: twice at most, and a new connection is not tried again.
#[test]
fn twice_at_most() {
    race::twice_at_most();
}

/// I39: every wait ends after its own time, and is named.
#[test]
fn each_wait_has_an_end() {
    waits::each_wait_has_an_end();
}

/// I39: the wait for a place ends, and is named.
#[test]
fn the_wait_for_a_place_has_an_end() {
    waits::the_wait_for_a_place_has_an_end();
}

/// I39: addresses are tried in turn, each for so long.
#[test]
fn addresses_are_tried_in_turn() {
    waits::addresses_are_tried_in_turn();
}

/// I39: names go to the lookup, addresses in digits do not, and a name that
/// nobody knows is an error of its own.
#[test]
fn names_are_looked_up() {
    waits::names_are_looked_up();
}

/// I40: which request follows.
#[test]
fn redirects_make_the_next_request() {
    redirects::redirects_make_the_next_request();
}

/// I40: where redirects end.
#[test]
fn redirects_end() {
    redirects::redirects_end();
}

/// I40: another server gets no secrets, not even when it sends us back.
#[test]
fn secrets_stay_with_their_server() {
    redirects::secrets_stay_with_their_server();
}

/// I37, I40: a body that is gone is not sent again.
#[test]
fn a_stream_is_sent_once() {
    redirects::a_stream_is_sent_once();
}

/// I39: a large body waits to be asked for, a second at most.
#[test]
fn a_large_body_waits_to_be_asked_for() {
    bodies::a_large_body_waits_to_be_asked_for();
}

/// I36: a server that refuses a body while it is sent is heard, and its
/// connection is not used again.
#[test]
fn an_early_answer_is_heard() {
    bodies::an_early_answer_is_heard();
}

/// I36: a content that is not what it said ends the request and its
/// connection.
#[test]
fn a_content_is_as_long_as_it_says() {
    bodies::a_content_is_as_long_as_it_says();
}

/// I42: what cannot be sent is refused before there is a connection.
#[test]
fn requests_are_checked() {
    bodies::requests_are_checked();
}

/// I41: what a request looks like on the wire.
#[test]
fn heads_are_as_they_should_be() {
    bodies::heads_are_as_they_should_be();
}

/// I42: answers that are refused, and those with a limit.
#[test]
fn bad_answers_are_refused() {
    answers::bad_answers_are_refused();
}

/// I42: a caller who wants all of it says how much that may be.
#[test]
fn a_whole_body_has_a_limit() {
    answers::a_whole_body_has_a_limit();
}

/// I36: after 101 the connection is the caller's, with what came behind it.
#[test]
fn an_upgrade_is_handed_out() {
    answers::an_upgrade_is_handed_out();
}

/// I41: fields behind the body are apart from those of the head.
#[test]
fn trailers_are_kept_apart() {
    answers::trailers_are_kept_apart();
}

/// I41: however the answer is cut, it is the same.
#[test]
fn any_cut_gives_the_same_answer() {
    answers::any_cut_gives_the_same_answer();
}

/// I41: a proxy gets the whole URL, and those that are exempt go past it.
#[test]
fn a_proxy_gets_the_whole_url() {
    proxies::a_proxy_gets_the_whole_url();
}

/// I40: who goes past the proxy.
#[test]
fn exceptions_name_hosts() {
    proxies::exceptions_name_hosts();
}

/// I41: several megabytes go both ways, in chunks and with a length, through
/// a network that cuts and loses readiness; a few bytes at a time suffice.
#[test]
fn megabytes_go_both_ways() {
    network::megabytes_go_both_ways();
}

/// I37, I38: on a network that resets, a request ends with its answer or an
/// error, is seen twice at most, and no place is lost.
#[test]
fn resets_lose_nothing_but_requests() {
    network::resets_lose_nothing_but_requests();
}

/// I41: the same seed gives the same run.
#[test]
fn runs_can_be_repeated() {
    network::runs_can_be_repeated();
}

/// I37: the second try is not on another connection that waits, which may be
/// as old as the first.
#[test]
fn a_second_try_is_on_a_new_connection() {
    race::a_second_try_is_on_a_new_connection();
}

/// I36, I37: what a server has said before it closed is heard, though the
/// request could not be sent; if it has said nothing, even a POST may be
/// made again.
#[test]
fn a_last_word_is_heard() {
    bodies::a_last_word_is_heard();
}

/// I36: a body of nothing needs no reading: its connection is idle at once.
#[test]
fn a_body_of_nothing_is_over_at_once() {
    reuse::a_body_of_nothing_is_over_at_once();
}
