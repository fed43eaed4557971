// Package plimsoll holds the checks on the whole module: which package may import which, what every
// package and every text must keep to. The program is in cmd/plimsoll.
package plimsoll
