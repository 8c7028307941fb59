// Package maintenance is the room of windows: planned times in which every door
// of the whole portal is closed, and which end by themselves.
//
// Tables: maintenance_window, maintenance_operator, policy (the version that
// every node compares its copy of windows and rollouts with).
package maintenance
