package capture

// LiveConfig says where and how to capture.
type LiveConfig struct {
	Interface   string // its name
	Promiscuous bool   // also frames that are addressed to others
	Blocks      int    // of BatchSize octets each in the ring that the kernel fills; 0: 32
	// Ports: where the interface is a bridge, also what is said to its ports alone, such as LLDP.
	Ports bool
	// Group joins those captures on one interface that have the same number into a fan-out: each flow goes
	// to one of them, both directions to the same. 0: none. Each capture is to have its own goroutine.
	Group uint16
}

// LiveStats counts since the capture was opened.
type LiveStats struct {
	Received uint64 // frames that came into the ring
	Dropped  uint64 // frames for which it had no room
}
