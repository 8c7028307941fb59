package demo

// What the tests look at beside what others use.
var (
	Everybody = everybody
	PeriodAt  = period
	MomentOf  = momentOf
	ReadKey   = readKey
)
