package lab

// The stacks of common systems, as seen in the first segment of a connection.
var (
	Linux   = Stack{Hops: 64, Window: 64240, Scale: 7, Stamps: true, SACK: true}
	Apple   = Stack{Hops: 64, Window: 65535, Scale: 6, Stamps: true, SACK: true}
	Windows = Stack{Hops: 128, Window: 64240, Scale: 8, SACK: true}
	Small   = Stack{Hops: 255, Window: 5744} // lwIP and its like
)
