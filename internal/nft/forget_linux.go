package nft

import "plimsoll.example/plimsoll/internal/frame"

// Forget forgets what DNS said to a device. Its next policy knows no names.
func (k *Kernel) Forget(mac frame.MAC) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.memory, mac)
}
