//go:build gateway

package country

// The program for small routers reads a file in its place.
const builtin = ""
