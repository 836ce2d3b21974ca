//! What a WebSocket must do, behind its upgrade: the families of cases of
//! the Autobahn suite, what holds for any bytes, and a connection's life.

mod websocket;
