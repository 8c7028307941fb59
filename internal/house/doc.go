// Package house holds no code, only the tests of how this repository is built:
// who may import whom, where the clock is read, where SQL stands and whom it
// names, that both languages say the same. docs/ARCHITECTURE.md has the reasons.
//
// Each rule is a function from the tree to its breaches, listed in
// house_test.go together with a planted breach, so that a rule which no longer
// sees anything fails too. To add a room, give it a floor in floors_test.go.
package house
