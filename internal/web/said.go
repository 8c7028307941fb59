package web

import (
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/notice"
	"nidan/internal/organization"
	"nidan/internal/rollout"
)

// Windows are told of on the dashboard from a month before on, until they stand
// above every page (signin's banners).
const saidAhead, bannerAhead = 30 * 24 * time.Hour, 7 * 24 * time.Hour

// said are the notices that follow from what is planned for an organization: a
// moved date moves them, and nobody has to write them.
func (p *Portal) said(of string, now time.Time) (list []notice.Said) {
	if of == organization.Operators {
		of = "" // operators read what the whole portal reads
	}
	policy := p.gate.Planned(of)
	for _, w := range policy.Windows {
		if w.At(now) == maintenance.Ahead && w.Opens.After(now.Add(bannerAhead)) && !w.Opens.After(now.Add(saidAhead)) {
			list = append(list, notice.Said{What: notice.Window, Opens: w.Opens, Ends: w.Closes, Link: "/status", At: w.Planned})
		}
	}
	if plan, ok := (rollout.Book{Plans: policy.Plans}).In(of, now); ok && plan.At(now) != rollout.Over {
		list = append(list, notice.Said{What: notice.Rollout, Opens: plan.Opens, Ends: rollout.OwnEnd(plan, time.Time{}), Link: "/announcement", At: plan.Planned})
	}
	return list
}
