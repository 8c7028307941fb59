// Package plot draws figures as SVG: over time as lines, what is foreseen with its
// band, instants as rules; beside each other as bars; each named where it stands. It knows nothing of what it
// draws, and says no word of its own. How things look is app.css's; without colour
// they still differ by stroke and by name.
package plot
