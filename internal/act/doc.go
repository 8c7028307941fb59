// Package act is who may do what to whom in the portal, and with how fresh a proof:
// one pure table (product.md 4.2 to 4.10) that every handler asks.
//
// A route takes its gate from the table (Gate), and its handler asks it once more
// inside the deciding transaction, about the person as recorded then (May). Finer
// rules stand with their words: account.Govern for a method, pass.MayGive for a
// pass. It has no tables and no pages, and decides nothing by the clock.
package act
