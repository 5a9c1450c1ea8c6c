// What we set on, and ask of, the sockets of the HTTP library.
#pragma once

namespace bco::http {

// TCP_NODELAY: the library writes head and body of a request separately, and Nagle's algorithm
// would hold a body back for a round trip. SO_LINGER 0: closing the connection, as a deadline
// does, also throws away what is still queued, so that no request lands after we gave it up.
// Keep-alive probes: a host that is gone without a word is noticed within a minute, also by a
// stream that has nothing to say.
void tuneSocket(int descriptor);

// Between the two, what is written is held back (at most 200 ms), so that head and body, which the
// library writes separately, leave as one packet: a fifth of a request's cost is sending a packet.
void cork(int descriptor);
void uncork(int descriptor);

// An idle connection can't be used again: the other side closed it, or said something nobody asked
// for, which would be taken for the answer to the next request.
[[nodiscard]] bool isStale(int descriptor);

}  // namespace bco::http
