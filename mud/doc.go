// Package mud reads, checks and writes Manufacturer Usage Descriptions (RFC 8520).
package mud
