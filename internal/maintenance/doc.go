// Package maintenance is the room of windows: planned times in which every door
// of the whole portal is closed, and which end by themselves.
//
// Routes: /operator/windows for operators, /status for everybody.
//
// Tables: maintenance_window, maintenance_operator, policy (the version that
// every node compares its copy of windows and rollouts with).
//
// It knows nothing of rollouts: the room above hands it the instants that a window
// should not swallow unseen. An instant that has passed is never moved.
package maintenance
