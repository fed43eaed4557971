// Package conformance holds a gateway to what NIST SP 1800-15 and common sense ask of one that enforces MUD files: real
// network namespaces, real packets, and the receiver’s word for what came through. Its tests print a table of what was
// expected and what was seen.
package conformance
