// Package plot draws figures over time as SVG: lines, what is foreseen with its
// band, instants as rules, each named where it stands. It knows nothing of what it
// draws, and says no word of its own. How things look is app.css's; without colour
// they still differ by stroke and by name.
package plot
