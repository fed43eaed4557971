package label

// profiles are the norms that a statement has a class for, each profile in its order. One that was published is never
// changed: a new list is a new profile. The identifiers are those of package norms.
var profiles = [][]string{
	1: {
		"etsi.5.1-1", "etsi.5.1-2", "etsi.5.1-3", "etsi.5.1-4", "etsi.5.1-5", "etsi.5.2-1", "etsi.5.3-2", "etsi.5.3-3",
		"etsi.5.3-7", "etsi.5.3-8", "etsi.5.3-10", "etsi.5.3-13", "etsi.5.3-16", "etsi.5.4-1", "etsi.5.4-2", "etsi.5.4-3",
		"etsi.5.4-4", "etsi.5.5-1", "etsi.5.5-5", "etsi.5.5-7", "etsi.5.5-8", "etsi.5.6-1", "etsi.5.6-2", "etsi.5.6-4A",
		"etsi.5.8-2", "etsi.5.8-3", "etsi.5.11-1", "etsi.5.13-1A", "etsi.5.13-1B", "etsi.6-1", "etsi.6-2", "etsi.6-3A",
		"etsi.5.3-4A", "etsi.5.3-5", "etsi.5.6-5", "etsi.5.9-1", "etsi.5.9-2", "etsi.5.2-2", "etsi.5.2-3", "etsi.6-4",
	},
}

// ProfileNorms are the norms of a profile, in order, or nil for one that is not known. They are not to be changed.
func ProfileNorms(profile uint) []string {
	if profile >= uint(len(profiles)) {
		return nil
	}
	return profiles[profile]
}
