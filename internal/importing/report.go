package importing

import (
	"strconv"
	"strings"

	"nidan/internal/page"
)

// Header is the report's first row, and Cells one of its rows.
func Header(say page.Speaker) []string {
	return []string{say.T("importing.csv_line"), say.T("importing.csv_outcome"), say.T("importing.csv_organization"),
		say.T("importing.csv_email"), say.T("importing.csv_reason")}
}

// Cells are a line as the report has it.
func (l Line) Cells(say page.Speaker) []string {
	outcome := strings.TrimPrefix(l.Outcome, "already ")
	return []string{strconv.FormatInt(l.Line, 10), say.T("importing.outcome_" + outcome), l.Organization, l.Email, l.Why.Say(say.T)}
}
