// What a process does once, before its first thread, so that the HTTP library behaves.
#pragma once

#include <string>

namespace bco::http {

// Must be the first thing in main(), before any thread: it changes the environment.
//  * One thread runs all connections. More threads only add contention: two cost 1.5 times, the
//    default of forty 3 to 8 times the CPU for the same requests (docs/decisions/0001).
//  * A task runs where it becomes ready, not by way of a queue: it saves a round through that queue
//    at each step, and ClientPool relies on the library starting a request before request()
//    returns.
//  * The library would load the system's certificates anew for each connection (24 ms, 700 kB) and
//    trust them beside a configured CA. Its search paths are pointed at nothing; Trust loads the
//    same certificates once, from where SSL_CERT_FILE said or the system keeps them.
//  * At most two malloc arenas: with one for each thread, what short-lived buffers leave behind is
//    kept many times over.
//  * SIGPIPE is ignored: a connection that the other side closed is an error, not a death.
// Throws nothing; a second call does nothing.
void initializeHttp();

// The system's bundle of certificates: SSL_CERT_FILE as it was at the first call, else the first
// of the usual places that exists; empty when there is none.
[[nodiscard]] const std::string& systemCertificateFile();

}  // namespace bco::http
