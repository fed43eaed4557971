package home

import "time"

// Rehearsed is what a policy would have stopped.
type Rehearsed struct {
	Device  string    `json:"device"`
	File    string    `json:"file"`
	From    time.Time `json:"from"`
	Flows   uint64    `json:"flows"`
	Stopped uint64    `json:"stopped"`
	List    []Traffic `json:"list"` // what was stopped, most often first
}
