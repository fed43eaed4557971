// Package mud reads Manufacturer Usage Descriptions (RFC 8520).
package mud
