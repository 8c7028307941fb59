package demo

// What the tests look at beside what others use.
var (
	Everybody = everybody
	PeriodAt  = period
	MomentOf  = momentOf
	ReadKey   = readKey
	Companies = func() (names []string) {
		for _, c := range companies {
			names = append(names, c.name)
		}
		return names
	}
)
